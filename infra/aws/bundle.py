"""The zip that runs on Lambda: small, ready to run, and the same for the same sources.

Chalice makes it of the wheels in requirements.txt, of its own runtime, and of all that lies in
chalicelib/. Here it is made anew of that: without what is nobody's code, with each module compiled,
and without the moment and the machine it was made on.
"""

import py_compile
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from chalice.deploy.packager import LambdaDeploymentPackager

# The earliest moment that a zip can say; Lambda shows it as the files' own.
EPOCH = (1980, 1, 1, 0, 0, 0)
READABLE = 0o100644 << 16
# Where Lambda unpacks it: what a stack trace says of compiled code.
TASK_ROOT = PurePosixPath("/var/task")


class Packager(LambdaDeploymentPackager):
    """Chalice's packager, whose zip is put in order."""

    def create_deployment_package(self, project_dir: str, python_version: str) -> str:
        """Make the zip, unless it was made of the same sources before. Returns its path."""
        plain = Path(self.deployment_package_filename(project_dir, python_version))
        ordered = plain.with_name(f"ordered-{plain.name}")
        if not ordered.exists():
            super().create_deployment_package(project_dir, python_version)
            unfinished = ordered.with_suffix(".part")
            put_in_order(plain, unfinished)
            # In one step: an interrupted run leaves no half of a zip under the name.
            unfinished.replace(ordered)
        return str(ordered)


def put_in_order(source: Path, target: Path) -> None:
    """Write the zip `target`: what is code in `source`, sorted, compiled, with one date.

    Each `.pyc` is unchecked: it is not compared with its source, whose date the zip does not tell.
    The interpreter that compiles is the one whose version Chalice asks of Lambda.
    https://docs.python.org/3/reference/import.html#pyc-invalidation
    """
    with ZipFile(source) as given:
        contents = {name: given.read(name) for name in given.namelist() if is_code(name)}
    with TemporaryDirectory() as folder:
        for name in [name for name in contents if name.endswith(".py")]:
            compiled = _compiled(name, contents[name], Path(folder))
            contents[compiled.relative_to(folder).as_posix()] = compiled.read_bytes()
    with ZipFile(target, "w") as made:
        for name, content in sorted(contents.items()):
            entry = ZipInfo(name, EPOCH)
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = READABLE
            entry.create_system = 3
            made.writestr(entry, content, compresslevel=9)


def is_code(name: str) -> bool:
    """Whether a file belongs in the zip: no cache, no hidden file, no editor's copy, no folder."""
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
    return not (hidden or name.endswith(("/", "~", ".pyc", ".pyi")))


def _compiled(name: str, source: bytes, folder: Path) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(source)
    options: Any = {"doraise": True, "quiet": 1}
    compiled = py_compile.compile(
        str(path),
        dfile=str(TASK_ROOT / name),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        **options,
    )
    return Path(compiled or "")
