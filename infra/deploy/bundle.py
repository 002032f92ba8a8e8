"""The zip that runs on Lambda: reproducible, compiled, and without other files.

Chalice builds a zip of the wheels in requirements.txt, its runtime, and everything in chalicelib/.
This module writes that zip again: only files of code, each module compiled, in a fixed order, with
a fixed date.
"""

import py_compile
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from chalice.deploy.packager import LambdaDeploymentPackager

# The earliest date of a zip file.
EPOCH = (1980, 1, 1, 0, 0, 0)
READABLE = 0o100644 << 16
# Where Lambda unpacks the zip: the path in the stack traces of compiled code.
TASK_ROOT = PurePosixPath("/var/task")


class Packager(LambdaDeploymentPackager):
    """Chalice's packager, with a normalized zip."""

    def create_deployment_package(self, project_dir: str, python_version: str) -> str:
        """Build the zip, unless it exists for the same sources. Returns its path."""
        plain = Path(self.deployment_package_filename(project_dir, python_version))
        ordered = plain.with_name(f"ordered-{plain.name}")
        if not ordered.exists():
            super().create_deployment_package(project_dir, python_version)
            unfinished = ordered.with_suffix(".part")
            normalize(plain, unfinished)
            # Renamed at the end, so that an interrupted run leaves no incomplete zip.
            unfinished.replace(ordered)
        return str(ordered)


def normalize(source: Path, target: Path) -> None:
    """Write the zip `target`: the code in the zip `source`, sorted, compiled, with one date.

    Each `.pyc` is unchecked: Python does not compare it with its source, whose date is lost. The
    running interpreter compiles; Chalice requests the same version from Lambda.
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
