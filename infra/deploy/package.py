"""The zip and the CloudFormation template of a stage, in dist/STAGE/.

`chalice package --merge-template` writes both; template.py has what is merged in.
"""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from chalicelib import oidc
from infra.deploy import chalice_cli
from infra.docs import openapi
from infra.stages import PROJECT, Stage
from infra.template import site, template, user_pool


def package(stage: Stage) -> None:
    """Package a stage into dist/STAGE."""
    folder = PROJECT / "dist" / stage.name
    write(stage, folder)
    name = folder.relative_to(PROJECT)
    print(f"{name}/sam.json is the template, {name}/deployment.zip the function.")


def write(stage: Stage, folder: Path) -> None:
    """Write the template, sam.json, and the zip, deployment.zip, to a folder."""
    if stage.makes_user_pool:
        oidc.check_alone(stage.variables)
        print(f"Callers of {stage.name} sign in with the stack's own user pool.", flush=True)
    else:
        stage.check_oidc()
    openapi.write()
    extension = template.extension(stage)
    # The template replaces these by those of its user pool.
    variables = user_pool.PLACEHOLDERS if stage.makes_user_pool else {}
    variables = variables | site.cors_variable(stage)
    shutil.rmtree(folder, ignore_errors=True)
    with TemporaryDirectory() as temporary:
        merged = Path(temporary) / "extension.json"
        merged.write_text(json.dumps(extension))
        arguments = ("--merge-template", str(merged), str(folder))
        chalice_cli.run(stage, "package", *arguments, **variables)
    file = folder / "sam.json"
    file.write_text(json.dumps(site.with_origin(json.loads(file.read_text()), stage), indent=2))
