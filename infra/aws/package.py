"""The zip and the CloudFormation template of a stage, in dist/STAGE/.

`chalice package --merge-template` writes both; template.py has what is merged in.
"""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.aws import chalice_cli, template
from infra.stages import PROJECT, Stage


def package(stage: Stage) -> None:
    """Package a stage into dist/STAGE."""
    folder = PROJECT / "dist" / stage.name
    write(stage, folder)
    name = folder.relative_to(PROJECT)
    print(f"{name}/sam.json is the template, {name}/deployment.zip the function.")


def write(stage: Stage, folder: Path) -> None:
    """Write the template, sam.json, and the zip, deployment.zip, to a folder."""
    extension = template.extension(stage)
    shutil.rmtree(folder, ignore_errors=True)
    with TemporaryDirectory() as temporary:
        merged = Path(temporary) / "extension.json"
        merged.write_text(json.dumps(extension))
        chalice_cli.run(stage, "package", "--merge-template", str(merged), str(folder))
