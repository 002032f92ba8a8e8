"""The command-line interface: `python -m infra COMMAND --help` describes each command.

`make COMMAND NAME=value` is the short form: every option has an environment variable. Modules that
read the stage's environment variables are imported by the commands, once the variables are set.
"""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from chalicelib.access import MAX_SUBJECT_LENGTH, ME, named_subject, subject_key
from chalicelib.schema import Resource
from infra import stages
from infra.errors import EXPECTED, CommandError, error_message
from infra.stages import Stage

F = TypeVar("F", bound=Callable[..., Any])


# Help and messages name the environment variables, which make sets.
option = partial(click.option, show_envvar=True)

OWN_PACKAGES = ("app", "bench", "chalicelib", "infra", "tests")
MAX_PORT = 2**16 - 1
# Of users, and of seconds: more than a day, and more than one machine can be.
MAX_LOAD = 100_000


def main() -> int:
    """Run a command. Returns its exit status; 1 with a sentence if it cannot be carried out."""
    # click.Abort; `make run` has handlers of its own.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status = cli(prog_name="python -m infra", standalone_mode=False)
    except click.ClickException as error:
        print(error.format_message(), file=sys.stderr)
        return 1
    except click.Abort:
        print("Interrupted. Run the same command again.", file=sys.stderr)
        return 1
    except EXPECTED as error:
        print(error_message(error), file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in OWN_PACKAGES:
            raise
        print(
            f"The package {error.name} is not installed: this command needs what developing needs. "
            "make lint installs it.",
            file=sys.stderr,
        )
        return 1
    return int(status or 0)


@click.group(context_settings={"show_default": True})
def cli() -> None:
    """The commands of Storefront. `make` lists those of every week."""


def stage_option(*, local: bool = False) -> Callable[[F], F]:
    """The option --stage, as the parameter `stage`: a Stage whose variables are set."""

    def convert(context: click.Context, parameter: click.Parameter, name: str | None) -> Stage:
        del context, parameter
        if not name or (name == "local" and not local):
            names = stages.cloud_stages()
            raise CommandError(
                f"Name the stage, one of {', '.join(names)}, for example STAGE={names[0]}."
            )
        stage = stages.load(name)
        stage.apply_environment()
        return stage

    return option(
        "--stage",
        envvar="STAGE",
        default="local" if local else None,
        callback=convert,
        help=f"The stage: {'local, ' if local else ''}dev, test or prod.",
    )


def port_option(variable: str, default: int, name: str = "port") -> Callable[[F], F]:
    """The option with a port, as the parameter `port`, or as another one."""
    return option(
        f"--{name.replace('_', '-')}",
        envvar=variable,
        type=click.IntRange(1, MAX_PORT),
        default=default,
        help="A port of this machine.",
    )


def _data_folder(_context: click.Context, _parameter: click.Parameter, path: Path | None) -> Path:
    from infra.local import run

    return path.expanduser().absolute() if path else run.default_folder()


folder_option = option(
    "--data-dir",
    "folder",
    envvar="DATA_DIR",
    type=click.Path(path_type=Path),
    callback=_data_folder,
    help="The folder of the local database's data.",
)
api_port_option = port_option("PORT", 8000)


@cli.command()
@api_port_option
@folder_option
@option(
    "--headers-dir",
    "headers",
    envvar="HEADERS_DIR",
    default=".local",
    help="The folder of the header files for curl.",
)
def run(port: int, folder: Path, headers: str) -> None:
    """Serve the API on this machine, with an embedded database and a development issuer.

    OIDC_ISSUER, OIDC_AUDIENCE and OIDC_ROLES name another issuer.
    """
    from infra.local import run as local

    local.run(port, folder, stages.PROJECT / Path(headers).expanduser())


@cli.command()
@port_option("WEB_PORT", 4200)
@option(
    "--api-url",
    envvar="API_URL",
    default="http://127.0.0.1:8000",
    help="The URL of the API.",
)
def web(port: int, api_url: str) -> None:
    """Serve the shop on this machine, for a running API, and build it again after each change."""
    from infra.web import serve

    serve.serve(port, api_url)


@cli.command("web-install")
def web_install() -> None:
    """Install Node, if it is missing, and the front end's packages."""
    from infra.web import node

    node.install()


@cli.command("web-build")
def web_build() -> None:
    """Build the shop into web/dist."""
    from infra.web import build

    build.build()


@cli.command()
@click.argument("arguments", nargs=-1)
def npm(arguments: tuple[str, ...]) -> int:
    """Run npm in web/, for example `npm run lint`."""
    from infra.web import node

    return node.npm("--silent", *arguments).returncode


@cli.command()
@stage_option()
def tables(stage: Stage) -> None:
    """Create the tables and indexes that a stage lacks."""
    from infra.data import tables as made

    made.create(stage)


@cli.command()
def policy() -> None:
    """Write .chalice/policy-STAGE.json of every stage, from the code."""
    _apply_local()
    from infra.template import policy as written

    written.write_all()


@cli.command()
@stage_option()
def deploy(stage: Stage) -> None:
    """Deploy a stage with Chalice: tables, policy, function and API."""
    # Before the app is imported, which needs a region.
    stage.check_oidc()
    from infra.deploy import deploy as deployment

    deployment.deploy(stage)


@cli.command()
@stage_option()
def package(stage: Stage) -> None:
    """Write the zip and the CloudFormation template of a stage to dist/STAGE."""
    # Chalice needs a region; the template is for every region.
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    from infra.deploy import package as packaging

    packaging.package(stage)


@cli.command()
@stage_option()
@option("--bucket", envvar="BUCKET", help="The S3 bucket for the package.")
def stack(stage: Stage, bucket: str | None) -> None:
    """Deploy dist/STAGE as a CloudFormation stack."""
    if not bucket:
        raise CommandError("Name the S3 bucket for the package, for example BUCKET=shop-packages.")
    from infra.deploy import stack as stacks

    stacks.deploy_stack(stage, bucket)


@cli.command()
@stage_option()
def site(stage: Stage) -> None:
    """Build the shop, and upload it for a stage whose stack has a site."""
    from infra.web import site as sites

    sites.upload(stage)


@cli.command("events-resend")
@stage_option()
def events_resend(stage: Stage) -> None:
    """Publish the changes that could not be published, from the queue of a stage."""
    from infra.data import resend

    resend.resend(stage)


@cli.command("webhook-secret")
def webhook_secret() -> None:
    """Print a new secret for the signatures of a webhook."""
    from chalicelib.webhooks import signature

    print(signature.new_secret())


@cli.command()
def account() -> None:
    """Allow API Gateway to write logs: once for an account and region."""
    from infra.deploy import account as accounts

    accounts.allow_logs()


@cli.command()
@stage_option(local=True)
@folder_option
@option("--owner", envvar="OWNER", help="Who gets the items that have no owner: a subject.")
def backfill(stage: Stage, folder: Path, owner: str | None) -> None:
    """Add new fields' defaults, copies, claims and owners to a stage's older items."""
    if owner == ME or len(owner or "") > MAX_SUBJECT_LENGTH:
        raise CommandError(
            f"OWNER is {owner!r}; it must be a subject of at most {MAX_SUBJECT_LENGTH} characters."
        )
    _use_database(stage, folder)
    from chalicelib.storage.dynamodb import client
    from infra.data import access
    from infra.data import backfill as completion

    completion.backfill(client, named_subject(owner, access.OPERATOR) if owner else None)


@cli.command("claims-check")
@stage_option(local=True)
@folder_option
def claims_check(stage: Stage, folder: Path) -> None:
    """Check that a stage's items and the claims on their unique values agree."""
    _use_database(stage, folder)
    from infra.data import claims_check as checks

    checks.report(stage.name)


def _resources(
    _context: click.Context, _parameter: click.Parameter, name: str | None
) -> tuple[Resource, ...]:
    from chalicelib.models import RESOURCES

    chosen = tuple(each for each in RESOURCES if name in (None, each.name))
    if not chosen:
        names = ", ".join(each.name for each in RESOURCES)
        raise click.BadParameter(f"{name!r} is not one of {names}.")
    return chosen


resource_option = option(
    "--resource",
    "resources",
    envvar="RESOURCE",
    callback=_resources,
    help="One resource, for example products; all by default.",
)
dry_run_option = option(
    "--dry-run", envvar="DRY_RUN", is_flag=True, help="Say what would be done, and change nothing."
)
yes_option = option("--yes", envvar="YES", is_flag=True, help="Do not ask.")
key_option = option(
    "--key", envvar="KEY", help="The person's subject, which is the key of their user."
)


@cli.command("export")
@stage_option(local=True)
@folder_option
@option("--out", envvar="OUT", help="The folder to write to.")
@resource_option
@dry_run_option
def export_items(
    stage: Stage, folder: Path, out: str | None, resources: tuple[Resource, ...], dry_run: bool
) -> None:
    """Write a stage's items to JSON lines, one file for each resource, such as products.jsonl."""
    if not out:
        raise CommandError("Name the folder to write to, for example OUT=export.")
    _use_database(stage, folder)
    from chalicelib.storage.dynamodb import client
    from infra.data import exports

    with _private_files():
        exports.export(client, resources, _path(out), dry_run=dry_run)


@cli.command("import")
@stage_option(local=True)
@folder_option
@option("--from", "source", envvar="FROM", help="A folder of an export.")
@option("--table", envvar="TABLE", help="A table of another system.")
@resource_option
@option("--owner", envvar="OWNER", help="The owner of all items of the table: a subject.")
@option(
    "--ignore",
    envvar="IGNORE",
    default="",
    help="Attributes of the table to leave out: colour,size.",
)
@option(
    "--missing-references",
    envvar="MISSING_REFERENCES",
    type=click.Choice(["keep"]),
    help="Also import items whose reference, such as a review's product, does not exist any more.",
)
@dry_run_option
def import_items(
    stage: Stage,
    folder: Path,
    source: str | None,
    table: str | None,
    resources: tuple[Resource, ...],
    owner: str | None,
    ignore: str,
    missing_references: str | None,
    dry_run: bool,
) -> None:
    """Create a stage's items from JSON lines, or from another table. Stored items are left alone.

    Run again, it creates what is missing. Lines that are rejected are printed with their number.
    """
    if bool(source) == bool(table):
        raise CommandError(
            "Name the folder of an export, for example FROM=export, or a table of another system, "
            "for example TABLE=Products RESOURCE=products."
        )
    _use_database(stage, folder)
    from chalicelib.storage.dynamodb import client
    from infra.data import imports, other_tables

    if source and (owner or ignore):
        raise CommandError("OWNER and IGNORE are for TABLE: a line of an export has its owner.")
    if owner == ME:
        raise CommandError(f"OWNER is {ME!r}; it must be the subject of the owner.")
    if source:
        imports.run(
            resources, _path(source), dry_run=dry_run, check_references=not missing_references
        )
        return
    if len(resources) > 1:
        raise CommandError("Say what the table's rows become, for example RESOURCE=products.")
    ignored = frozenset(ignore.replace(",", " ").split())
    other = other_tables.OtherTable(
        client, str(table), resources[0], owner, ignored, not missing_references
    )
    other.run(dry_run=dry_run)


@cli.command("user-export")
@stage_option(local=True)
@folder_option
@key_option
@option("--out", envvar="OUT", help="The file to write to.")
@dry_run_option
def user_export(
    stage: Stage, folder: Path, key: str | None, out: str | None, dry_run: bool
) -> None:
    """Write what the tables hold of one person to a file, as JSON."""
    if not out:
        raise CommandError("Name the file to write to, for example OUT=ada.json.")
    subject = _subject(key)
    _use_database(stage, folder)
    from chalicelib.storage.dynamodb import client
    from infra.data import persons

    with _private_files():
        persons.export(client, stage, subject, _path(out), dry_run=dry_run)


@cli.command("user-erase")
@stage_option(local=True)
@folder_option
@key_option
@yes_option
@dry_run_option
def user_erase(stage: Stage, folder: Path, key: str | None, yes: bool, dry_run: bool) -> None:
    """Erase one person: their user, their own items, their name on what they wrote.

    Reviews keep their text and lose their author.
    """
    subject = _subject(key)
    question = f"Erase {subject} from {stage.name}? This cannot be undone."
    if not (yes or dry_run or click.confirm(question)):
        raise CommandError("Nothing was erased.")
    _use_database(stage, folder)
    from chalicelib.storage.dynamodb import client
    from infra.data import persons

    persons.erase(client, stage, subject, dry_run=dry_run)


@cli.command()
@option("--url", envvar="URL", default="", help="The URL of the API.")
@option("--token", envvar="TOKEN", default="", help="An access token of staff.")
@option("--users", envvar="USERS", type=click.IntRange(1, MAX_LOAD), default=50, help="At once.")
@option(
    "--seconds", envvar="SECONDS", type=click.IntRange(1, MAX_LOAD), default=600, help="How long."
)
@yes_option
def load(url: str, token: str, users: int, seconds: int, yes: bool) -> int:
    """Test an API under load, and check that each acknowledged write is there once.

    Shows rates, latencies and errors. Deletes the products that it has created.
    """
    if not url or not token:
        raise CommandError(
            "Name the API and an access token of staff; for make run: export "
            "TOKEN=$(cut -d' ' -f3 .local/sue); make load URL=http://127.0.0.1:8000"
        )
    from infra.load import run as loading

    return loading.run(url.rstrip("/"), token, users, seconds, confirmed=yes)


@cli.command()
@option("--url", envvar="URL", default="", help="The URL of the API.")
@option("--token", envvar="TOKEN", default="", help="An access token of staff.")
def verify(url: str, token: str) -> int:
    """Run the contract tests against an API, and delete what they have created."""
    from infra.deploy import verify as verification

    return verification.run(url.rstrip("/"), token)


@cli.command("requirements")
def export_requirements() -> None:
    """Write requirements.txt and requirements-dev.txt from uv.lock."""
    from infra import requirements

    requirements.write()


@cli.command()
def openapi() -> None:
    """Write chalicelib/openapi.json from the routes and the models."""
    _apply_local()
    from infra.docs import openapi as documents

    documents.write()


@cli.command()
@api_port_option
@port_option("WEB_PORT", 4200, "web_port")
def screenshot(port: int, web_port: int) -> None:
    """Take the screenshots in docs/ of a running API and a running shop, with Chromium."""
    from infra.docs import screenshot as screenshots

    screenshots.take(port, web_port)


def _subject(key: str | None) -> str:
    """The subject of the person that a command is about. Raises CommandError."""
    if key == ME:
        raise CommandError(
            f"KEY is {ME!r}, which names the caller of a request. The subject {ME!r} has the key "
            f"{subject_key(ME)}: name that."
        )
    # Python reads bytes that are not UTF-8 as surrogates, which cannot be encoded.
    if not key or len(key) > MAX_SUBJECT_LENGTH or re.search("[\ud800-\udfff]", key):
        raise CommandError(
            f"KEY is {key or ''!r}; it must be the person's subject, of at most "
            f"{MAX_SUBJECT_LENGTH} characters, for example KEY=ada."
        )
    return key


@contextmanager
def _private_files() -> Iterator[None]:
    """Write files that the operator alone can read. Raises CommandError for a path that cannot be.

    The files hold personal data.
    """
    os.umask(0o077)
    try:
        yield
    except OSError as error:
        raise CommandError(
            f"{error.filename or 'A file'} cannot be written ({error.strerror}); name another one "
            "with OUT."
        ) from None


def _path(name: str) -> Path:
    """A path that a person has typed, from the folder of the project, where make runs."""
    return stages.PROJECT / Path(name).expanduser()


def _apply_local() -> None:
    """Set the variables of the stage `local`, for commands that import the app and call nothing."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    stages.load("local").apply_environment()


def _use_database(stage: Stage, folder: Path) -> None:
    """Let the stage `local` mean the database of a running `make run`."""
    from infra.local import run

    if stage.name == "local":
        os.environ.update(run.environment(run.database_url(folder)))
