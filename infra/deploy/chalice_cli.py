"""Chalice's command line for stages in AWS.

It differs from the plain command, which works as well, in three ways: the zip is reproducible and
compiled (bundle.py), the template's document has API Gateway's extensions (api_document.py of the
template), and the function gets the issuer that the environment of the command names. What is
replaced is internal to Chalice, which is why its version is pinned.
"""

import os
import subprocess
import sys
from typing import Any

import chalice.cli
import chalice.config
import chalice.deploy.deployer
import chalice.package
from chalice import Chalice
from chalice.deploy.deployer import ChaliceDeploymentError
from chalice.deploy.models import RestAPI
from chalice.deploy.swagger import CFNSwaggerGenerator
from click import Abort, ClickException

from infra import stages
from infra.deploy.bundle import Packager
from infra.errors import EXPECTED, CommandError, error_message
from infra.stages import PROJECT, Stage
from infra.template import api_document
from infra.template.part import FUNCTION_ALIAS


class TemplateSwagger(CFNSwaggerGenerator):
    """The document in the template of `chalice package`."""

    def generate_swagger(self, app: Chalice, rest_api_model: RestAPI | None = None) -> Any:
        document = super().generate_swagger(app, rest_api_model)
        return api_document.add_extensions(document, _stage())

    def _uri(self, lambda_arn: str | None = None) -> Any:
        uri = super()._uri(lambda_arn)
        if not _stage().has_alias:
            return uri
        # The Ref of an alias is its ARN.
        text = uri["Fn::Sub"].replace("${APIHandler.Arn}", f"${{{FUNCTION_ALIAS}}}")
        return {"Fn::Sub": text}


def _stage() -> Stage:
    return stages.load(os.environ["STAGE"])


def _environment_variables(config: chalice.config.Config) -> dict[str, str]:
    variables: dict[str, str] = config._chain_merge("environment_variables")  # noqa: SLF001
    return variables | stages.oidc_variables() | stages.hsts_variable(config)


REPLACEMENTS: tuple[tuple[object, str, object], ...] = (
    (chalice.deploy.deployer, "LambdaDeploymentPackager", Packager),
    (chalice.package, "CFNSwaggerGenerator", TemplateSwagger),
    (chalice.config.Config, "environment_variables", property(_environment_variables)),
)


def main() -> int:
    """Run Chalice's command line with the replacements in place. Returns the exit status."""
    for owner, name, replacement in REPLACEMENTS:
        setattr(owner, name, replacement)
    try:
        # Not `chalice.cli.main`, which prints a stack trace for every error of AWS.
        chalice.cli.cli(obj={}, standalone_mode=False)
    except Abort:
        print("Interrupted. Run the same command again.", file=sys.stderr)
    except ClickException as error:
        error.show()
    except ChaliceDeploymentError as error:
        print(str(error).strip(), file=sys.stderr)
    except EXPECTED as error:
        print(error_message(error), file=sys.stderr)
    else:
        return 0
    return 1


def run(stage: Stage, name: str, *arguments: str, **variables: str) -> None:
    """Run one of Chalice's commands for a stage, in another process. Raises CommandError.

    `variables` are added to the environment of the process.
    """
    line = [sys.executable, "-m", __name__, name, "--stage", stage.name, *arguments]
    if subprocess.run(line, cwd=PROJECT, env=os.environ | variables, check=False).returncode:
        raise CommandError(f"chalice {name} failed; the message above says why.")


if __name__ == "__main__":
    sys.exit(main())
