"""The stages of `.chalice/config.json`, the one file that has the differences between stages.

Chalice reads its own settings there: https://aws.github.io/chalice/topics/configfile.html. Settings
that Chalice does not have are under `infra`; `Infra` has their names, types and defaults. With
the defaults, an API that is not called costs its storage and its backups.
"""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from chalice.config import Config
from msgspec import Meta, Struct

from chalicelib import oidc
from infra.errors import CommandError

PROJECT = Path(__file__).parent.parent
FILE = PROJECT / ".chalice" / "config.json"
# The alias that API Gateway calls where it does not call the function's latest version.
ALIAS = "live"
# Two years: https://hstspreload.org
HSTS_SECONDS = 2 * 365 * 24 * 60 * 60

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
]  # fmt: skip


class Throttle(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests per second on average, and at once, beyond which API Gateway answers 429."""

    rate: Annotated[float, Meta(gt=0, le=10_000)] = 100
    burst: Annotated[int, Meta(ge=1, le=5_000)] = 200


class Capacity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Provisioned capacity of every table and index, scaled between two bounds.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html
    """

    minimum: Annotated[int, Meta(ge=1)] = 1
    maximum: Annotated[int, Meta(ge=1, le=40_000)] = 100
    # Of the capacity that is consumed, in percent: below it scales in, above it scales out.
    target: Annotated[int, Meta(ge=20, le=90)] = 70


class Cache(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """API Gateway's cache, which costs by the hour, of the lists of some resources.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-caching.html
    """

    gigabytes: Literal["0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237"] = "0.5"
    seconds: Annotated[int, Meta(ge=1, le=3600)] = 60
    resources: tuple[str, ...] = ("products",)


class WebAcl(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A web ACL of AWS WAF: a rate for each IP address, and AWS's managed common rules.

    https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
    """

    # In five minutes; more requests of one address get 403.
    requests_per_ip: Annotated[int, Meta(ge=10, le=2_000_000_000)] = 2_000


# https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-deploymentpreference.html
Deployment = Literal[
    "AllAtOnce",
    "Canary10Percent5Minutes",
    "Canary10Percent10Minutes",
    "Canary10Percent15Minutes",
    "Canary10Percent30Minutes",
    "Linear10PercentEvery1Minute",
    "Linear10PercentEvery2Minutes",
    "Linear10PercentEvery3Minutes",
    "Linear10PercentEvery10Minutes",
]


class UsagePlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one API key may ask for; with a plan, every call needs a key."""

    rate: Annotated[float, Meta(gt=0, le=10_000)] = 50
    burst: Annotated[int, Meta(ge=1, le=5_000)] = 100
    requests_per_month: Annotated[int, Meta(ge=1)] = 1_000_000


class Site(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The front end's hosting: a private bucket behind CloudFront."""

    # A domain of one's own; SITE_CERTIFICATE_ARN names its certificate for `make stack`.
    domain: Annotated[str, Meta(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")] | None = None
    # ISO 4217.
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] = "EUR"
    # The client id of the front end at the issuer; the user pool of the template has its own.
    client_id: str = "web"
    scope: str = "openid profile"
    # Further parameters of the sign-in, such as Auth0's `audience`.
    parameters: dict[str, str] = {}
    # Origins that the issuer uses besides its own, such as that of its token endpoint.
    connect: tuple[Annotated[str, Meta(pattern=r"^https://[A-Za-z0-9.-]+(:\d{1,5})?$")], ...] = ()


class Webhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where change events are sent to, signed. infra/aws/webhooks.py checks the texts."""

    url: str
    # Types such as product.updated, all of a resource (product.*), all of an action (*.deleted), *.
    events: Annotated[tuple[str, ...], Meta(min_length=1)] = ("*",)
    # The name of a secret in AWS Secrets Manager.
    secret: str
    # Requests at the same time, at most.
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
    concurrency: Annotated[int, Meta(ge=2, le=1000)] = 5


class Infra(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a stage can say beyond Chalice's own settings."""

    log_retention_in_days: RetentionDays = 30
    access_logs: bool = True
    # In the access log. An IP address is personal data.
    source_ip: bool = False
    throttle: Throttle = Throttle()
    # CloudWatch metrics of each method, which are charged, in addition to those of the stage.
    detailed_metrics: bool = False
    point_in_time_recovery: bool = True
    deletion_protection: bool = False
    # All tables are encrypted; with AWS_MANAGED the key is in KMS, which logs and charges its use.
    # With CUSTOMER_MANAGED the template has a key of the stage's own, for the logs, too.
    encryption: Literal["AWS_OWNED", "AWS_MANAGED", "CUSTOMER_MANAGED"] = "AWS_OWNED"
    # None is on-demand.
    capacity: Capacity | None = None

    # What follows is made by the template of `make package` alone.
    cache: Cache | None = None
    usage_plan: UsagePlan | None = None
    provisioned_concurrency: Annotated[int, Meta(ge=0, le=1000)] = 0
    snap_start: bool = False
    # How the requests move to a new version of the function; None: all at once, without CodeDeploy.
    deployment: Deployment | None = None
    termination_protection: bool = False
    web_acl: WebAcl | None = None
    # One event for each change, on an event bus of the stage.
    events: bool = False
    # Where these events are sent to, by name.
    webhooks: dict[str, Webhook] = {}
    # Metrics of the log lines: of the whole stage, or also of each operation.
    metrics: Literal["stage", "operations"] | None = None
    alarms: bool = False
    # What the descriptions of alarms link to: a path of the repository, or the URL of the page.
    runbook: Annotated[str, Meta(pattern=r"^\S+$")] = "docs/operating.md"
    dashboard: bool = False
    site: Site | None = None


class Stage(Struct, frozen=True):
    """A stage: what Chalice reads of it, and what `infra` does."""

    name: str
    config: Config
    infra: Infra

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
        infra = self.infra
        return bool(infra.provisioned_concurrency or infra.snap_start or infra.deployment)

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
        if issuer == oidc.OPEN:
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
        infra = msgspec.convert(stages[name].get("infra", {}), Infra)
    except msgspec.ValidationError as error:
        raise CommandError(
            f"The stage {name!r} in .chalice/config.json is wrong: {error}."
        ) from None
    variables = config.environment_variables
    missing = [each for each in ("STAGE", "TABLE_PREFIX") if each not in variables]
    if missing:
        raise CommandError(
            f"The stage {name!r} in .chalice/config.json is wrong: its environment_variables "
            f"do not set {' and '.join(missing)}."
        )
    if infra.webhooks and not infra.events:
        raise CommandError(
            f"The stage {name!r} in .chalice/config.json is wrong: it has webhooks and no events: "
            'add "events": true.'
        )
    if infra.site and infra.usage_plan:
        raise CommandError(
            f"The stage {name!r} in .chalice/config.json is wrong: it has a usage_plan and a site, "
            "whose pages cannot keep an API key secret."
        )
    return Stage(name, config, infra)


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
