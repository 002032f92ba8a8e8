"""`make package STAGE=...`: the zip and the CloudFormation template of a stage, in dist/STAGE/.

`chalice package --merge-template` writes both; template.py says what is merged in.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from infra import cloud, command, stages
from infra.stages import PROJECT, Stage


def main() -> None:
    """Package the stage in STAGE."""
    # Chalice wants some region; the template is for any.
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    stage = stages.asked()
    folder = PROJECT / "dist" / stage.name
    make(stage, folder)
    name = folder.relative_to(PROJECT)
    print(f"{name}/sam.json is the template, {name}/deployment.zip the function.")


def make(stage: Stage, folder: Path) -> None:
    """Write the template, sam.json, and the zip, deployment.zip, to a folder."""
    # Only now: it reads the environment when it is imported.
    from infra import template

    extension = template.extension(stage)
    shutil.rmtree(folder, ignore_errors=True)
    with TemporaryDirectory() as temporary:
        merged = Path(temporary) / "extension.json"
        merged.write_text(json.dumps(extension))
        cloud.run(stage, "package", "--merge-template", str(merged), str(folder))


if __name__ == "__main__":
    sys.exit(command.run(main))
