"""Chalice's command line for stages in AWS: `python -m infra.cloud deploy --stage dev`.

It differs from the plain command, which works as well, in two ways: the zip is put in order
(bundle.py), and API Gateway is told all that it must know of the API (rest_api.py). What is
replaced here is internal to Chalice, which is why its version is pinned.
"""

import subprocess
import sys
from typing import Any

import chalice.cli
import chalice.deploy.deployer
import chalice.package
from chalice import Chalice
from chalice.deploy.deployer import ChaliceDeploymentError
from chalice.deploy.models import RestAPI
from chalice.deploy.swagger import CFNSwaggerGenerator, TemplatedSwaggerGenerator
from click import Abort, ClickException

from infra import command, stages
from infra.bundle import Packager
from infra.command import Refused
from infra.stages import ALIAS, PROJECT, Stage


class DeploySwagger(TemplatedSwaggerGenerator):
    """The document that `chalice deploy` imports."""

    def generate_swagger(self, app: Chalice, rest_api_model: RestAPI | None = None) -> Any:
        return _complete(super().generate_swagger(app, rest_api_model))


class TemplateSwagger(CFNSwaggerGenerator):
    """The document in the template of `chalice package`."""

    def generate_swagger(self, app: Chalice, rest_api_model: RestAPI | None = None) -> Any:
        return _complete(super().generate_swagger(app, rest_api_model))

    def _uri(self, lambda_arn: str | None = None) -> Any:
        uri = super()._uri(lambda_arn)
        if not stages.asked().has_alias:
            return uri
        # What SAM calls the alias that AutoPublishAlias makes; its Ref is its ARN.
        text = uri["Fn::Sub"].replace("${APIHandler.Arn}", f"${{APIHandlerAlias{ALIAS}}}")
        return {"Fn::Sub": text}


def _complete(document: Any) -> Any:
    # Only now: it reads the environment when it is imported.
    from infra import rest_api

    return rest_api.complete(document, stages.asked())


REPLACEMENTS: tuple[tuple[object, str, object], ...] = (
    (chalice.deploy.deployer, "LambdaDeploymentPackager", Packager),
    (chalice.deploy.deployer, "TemplatedSwaggerGenerator", DeploySwagger),
    (chalice.package, "CFNSwaggerGenerator", TemplateSwagger),
)


def main() -> None:
    """Run Chalice's command line with the replacements in place. Raises Refused."""
    for owner, name, replacement in REPLACEMENTS:
        setattr(owner, name, replacement)
    try:
        # Not its `main`, which prints a stack trace for whatever AWS says.
        chalice.cli.cli(obj={}, standalone_mode=False)
    except Abort:
        raise KeyboardInterrupt from None
    except ClickException as error:
        raise Refused(error.format_message()) from None
    except ChaliceDeploymentError as error:
        raise Refused(str(error).strip()) from None


def run(stage: Stage, name: str, *arguments: str) -> None:
    """Run one of its commands for a stage, in a process of its own. Raises Refused."""
    line = [sys.executable, "-m", "infra.cloud", name, "--stage", stage.name, *arguments]
    if subprocess.run(line, cwd=PROJECT, check=False).returncode:
        raise Refused(f"chalice {name} failed; it says above why.")


if __name__ == "__main__":
    sys.exit(command.run(main))
