"""The stages of `.chalice/config.json`, the one file that has the differences between stages.

Chalice reads its own settings there: https://aws.github.io/chalice/topics/configfile.html. Settings
that Chalice does not have are under `infra` (settings.py).
"""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
from chalice.config import Config
from msgspec import Struct

from chalicelib import oidc
from infra.errors import CommandError
from infra.settings import StageSettings, problems

PROJECT = Path(__file__).parent.parent
FILE = PROJECT / ".chalice" / "config.json"
# The alias that API Gateway calls where it does not call the function's latest version.
ALIAS = "live"
# Two years: https://hstspreload.org
HSTS_SECONDS = 2 * 365 * 24 * 60 * 60


class Stage(Struct, frozen=True):
    """A stage: what Chalice reads of it, and what `infra` does."""

    name: str
    config: Config
    settings: StageSettings

    @property
    def table_prefix(self) -> str:
        """What the names of its tables begin with."""
        prefix: str = self.config.environment_variables["TABLE_PREFIX"]
        return prefix

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the stage's AWS resources."""
        tags: dict[str, str] = self.config.tags
        return {name: value for name, value in tags.items() if name != "aws-chalice"}

    @property
    def tag_list(self) -> Any:
        """The tags, as most of AWS's APIs and CloudFormation take them."""
        return [{"Key": name, "Value": value} for name, value in self.tags.items()]

    @property
    def function(self) -> str:
        """The name that `chalice deploy` gives its Lambda function."""
        return f"{self.config.app_name}-{self.name}"

    @property
    def log_group(self) -> str:
        """Where the Lambda function's log is."""
        return f"/aws/lambda/{self.function}"

    @property
    def access_log_group(self) -> str:
        """Where API Gateway's access log is."""
        return f"/aws/apigateway/{self.function}"

    @property
    def has_alias(self) -> bool:
        """Whether API Gateway calls an alias of the function, and not its latest version."""
        settings = self.settings
        return bool(settings.provisioned_concurrency or settings.snap_start or settings.deployment)

    @property
    def key_alias(self) -> str:
        """The alias of its own key in KMS, with `encryption` CUSTOMER_MANAGED."""
        return f"alias/{self.function}"

    @property
    def custom_domain(self) -> str | None:
        """The domain of one's own that serves its API."""
        declared: dict[str, str] | None = self.config.api_gateway_custom_domain
        return declared["domain_name"] if declared else None

    @property
    def variables(self) -> dict[str, str]:
        """The function's environment variables."""
        return self.config.environment_variables | oidc_variables() | hsts_variable(self.config)

    @property
    def makes_user_pool(self) -> bool:
        """Whether its template makes a user pool, because no issuer is named."""
        return not self.variables.get("OIDC_ISSUER")

    def check_oidc(self) -> None:
        """Print whose access tokens the stage's function accepts.

        Raises SettingError if it could accept none.
        """
        oidc.check(self.variables, local=False)
        issuer = self.variables["OIDC_ISSUER"]
        if issuer == oidc.NO_AUTH:
            print(f"OIDC_ISSUER is none: every caller of {self.name} is staff.", flush=True)
        else:
            print(f"Callers of {self.name} sign in with {issuer}.", flush=True)

    def apply_environment(self) -> None:
        """Set the stage's environment variables in this process, for the app to read."""
        os.environ.update(self.variables)


def load(name: str) -> Stage:
    """The stage with this name. Raises CommandError for one that does not exist, or is wrong."""
    declared = _declared()
    stages = declared.get("stages", {})
    if name not in stages:
        raise CommandError(
            f"There is no stage {name!r}: .chalice/config.json has {', '.join(stages)}."
        )
    config = Config(chalice_stage=name, config_from_disk=declared)
    try:
        settings = msgspec.convert(stages[name].get("infra", {}), StageSettings)
    except msgspec.ValidationError as error:
        raise CommandError(
            f"The stage {name!r} in .chalice/config.json is wrong: {error}."
        ) from None
    for problem in problems(settings, config):
        raise CommandError(f"The stage {name!r} in .chalice/config.json is wrong: {problem}.")
    return Stage(name, config, settings)


def oidc_variables() -> dict[str, str]:
    """The variables of this process that say whose access tokens a stage accepts.

    They come before those in the stage's `environment_variables`.
    """
    return {name: os.environ[name] for name in oidc.VARIABLES if os.environ.get(name)}


def hsts_variable(config: Config) -> dict[str, str]:
    """The variable with which the function of a stage with a custom domain asks for HTTPS."""
    return {"HSTS_SECONDS": str(HSTS_SECONDS)} if config.api_gateway_custom_domain else {}


def cloud_stages() -> list[str]:
    """The names of the stages that are in an AWS account: all but `local`."""
    return [name for name in _declared()["stages"] if name != "local"]


def _declared() -> dict[str, Any]:
    try:
        declared: dict[str, Any] = json.loads(FILE.read_text())
    except json.JSONDecodeError as error:
        raise CommandError(f".chalice/config.json is not JSON: {error}.") from None
    return declared
