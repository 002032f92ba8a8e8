"""The measures that make the app fast: the app without each, to see what each saves.

And the app with each measure that was tried and rejected. The app has no switches for them: its
unpacked code is edited, and each edit must find its place.
"""

import py_compile
from collections.abc import Callable
from pathlib import Path

import botocore
from msgspec import Struct

from bench import candidates
from infra.errors import CommandError

ROOTS = Path(botocore.__file__).parent / "cacert.pem"


class Lever(Struct, frozen=True, kw_only=True):
    """`edit` takes it out of the app's code in a folder, or puts it in where it is not `taken`.

    `title` says what it is; `requests` is how many requests of each call are timed, where the usual
    number would take long.
    """

    name: str
    title: str
    edit: Callable[[Path], None]
    taken: bool = True
    requests: int | None = None

    @property
    def variant(self) -> str:
        """What the edited app is called."""
        return f"{'without' if self.taken else 'with'} {self.name}"


class Moved(CommandError):
    """The code that a lever is in does not look as the bench expects."""


def _edit(*edits: tuple[str, str, str]) -> Callable[[Path], None]:
    """A function that edits files of chalicelib: each by name, old text and new text."""

    def edit(task: Path) -> None:
        for name, old, new in edits:
            file = task / "chalicelib" / name
            text = file.read_text()
            if text.count(old) != 1:
                raise Moved(f"chalicelib/{name} does not have once: {old}")
            file.write_text(text.replace(old, new))
            _compile(file)

    return edit


def _compile(file: Path) -> None:
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(file), doraise=True, invalidation_mode=mode)


def _without_compiled(task: Path) -> None:
    for file in task.rglob("*.pyc"):
        file.unlink()


def _with_boto3(task: Path) -> None:
    candidates.install(candidates.RUNTIME, "--target", str(task))


def _with_all_roots(task: Path) -> None:
    (task / "chalicelib" / "storage" / "amazon_roots.pem").write_bytes(ROOTS.read_bytes())


LEVERS = (
    Lever(
        name="compiled",
        title="`.pyc` files in the zip",
        edit=_without_compiled,
    ),
    Lever(
        name="runtime-boto3",
        title="the runtime's boto3 (one in the zip instead)",
        edit=_with_boto3,
    ),
    Lever(
        name="collector",
        title="the collector off during imports, and its freeze",
        edit=_edit(("init.py", "gc.disable()\n", "\n"), ("init.py", "gc.freeze()", "pass")),
    ),
    Lever(
        name="botocore",
        title="botocore's client (boto3's instead)",
        edit=_edit(
            (
                "storage/sdk.py",
                "session.create_client(service,",
                "__import__('boto3').Session(botocore_session=session).client(service,",
            )
        ),
    ),
    Lever(
        name="data",
        title="the data of one service, read by msgspec (botocore's loader instead)",
        edit=_edit(
            (
                "storage/sdk.py",
                '    session.register_component("data_loader", OneServiceLoader(service))\n',
                "",
            )
        ),
    ),
    Lever(
        name="roots",
        title="Amazon's roots alone (all 127 authorities instead)",
        edit=_with_all_roots,
    ),
    Lever(
        name="connection",
        title="the connection of the Init phase",
        edit=_edit(("init.py", 'if "AWS_LAMBDA_RUNTIME_API" in os.environ:', "if False:")),
    ),
    Lever(
        name="client",
        title="one client for all requests (one for each request instead)",
        edit=_edit(
            ("storage/dynamodb.py", "client = sdk.client(", "_made = lambda: sdk.client("),
            (
                "storage/dynamodb.py",
                "class Usage(Struct):",
                """\
class _Each:
    def __getattr__(self, name):
        return getattr(_made(), name)


client = _Each()


class Usage(Struct):""",
            ),
        ),
        requests=10,
    ),
    Lever(
        name="answers",
        title="responses returned as their JSON (botocore's parser instead)",
        edit=_edit(
            (
                "storage/sdk.py",
                '    session.register_component("response_parser_factory", ParserFactory())\n',
                "",
            )
        ),
    ),
    Lever(
        name="user-agent",
        title="a User-Agent that is built once",
        edit=_edit(
            (
                "storage/sdk.py",
                "    config = config.merge(Config(user_agent=session.user_agent()))\n",
                "",
            )
        ),
    ),
    Lever(
        name="decoders",
        title="decoders of lists and patches made in the Init phase",
        edit=_edit(
            (
                "init.py",
                "    # The collector never visits",
                """\
    from chalicelib.models import RESOURCES
    for each in RESOURCES:
        each.list_parameters, each.merge_patch_type
    # The collector never visits""",
            )
        ),
        taken=False,
    ),
    Lever(
        name="strings",
        title="strings of an item decoded without a call",
        edit=_edit(
            (
                "storage/attributes.py",
                "{name: decode(row[name]) for",
                '{name: row[name].get("S") or decode(row[name]) for',
            )
        ),
        taken=False,
    ),
    Lever(
        name="unchecked",
        title="no validation of parameters by botocore",
        edit=_edit(
            (
                "storage/sdk.py",
                "Config(user_agent=session.user_agent())",
                "Config(user_agent=session.user_agent(), parameter_validation=False)",
            )
        ),
        taken=False,
    ),
)
