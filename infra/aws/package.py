"""The zip and the CloudFormation template of a stage, in dist/STAGE/.

`chalice package --merge-template` writes both; template.py has what is merged in.
"""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.aws import chalice_cli, template, user_pool
from infra.stages import PROJECT, Stage


def package(stage: Stage) -> None:
    """Package a stage into dist/STAGE."""
    folder = PROJECT / "dist" / stage.name
    write(stage, folder)
    name = folder.relative_to(PROJECT)
    print(f"{name}/sam.json is the template, {name}/deployment.zip the function.")


def write(stage: Stage, folder: Path) -> None:
    """Write the template, sam.json, and the zip, deployment.zip, to a folder."""
    if stage.has_issuer:
        stage.check_oidc()
    extension = template.extension(stage)
    # Of the user pool that the template makes, which replaces these.
    signing_in = {} if stage.has_issuer else user_pool.PLACEHOLDERS
    shutil.rmtree(folder, ignore_errors=True)
    with TemporaryDirectory() as temporary:
        merged = Path(temporary) / "extension.json"
        merged.write_text(json.dumps(extension))
        arguments = ("--merge-template", str(merged), str(folder))
        chalice_cli.run(stage, "package", *arguments, **signing_in)
