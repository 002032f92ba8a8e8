"""The settings of a stage that Chalice does not have, and their checks.

They are under `infra` in `.chalice/config.json`. With the defaults, an API that is not called costs
its storage and its backups.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

from chalice.config import Config
from msgspec import Meta, Struct

from chalicelib.access import ANYONE
from chalicelib.events import CHANGE_NAMES
from chalicelib.webhooks.signature import PREFIX

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
    """Where change events are sent to, signed."""

    url: str
    # Types such as product.updated, all of a resource (product.*), all of an action (*.deleted), *.
    events: Annotated[tuple[str, ...], Meta(min_length=1)] = ("*",)
    # The name of a secret in AWS Secrets Manager.
    secret: str
    # Requests at the same time, at most.
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
    concurrency: Annotated[int, Meta(ge=2, le=1000)] = 5


class StageSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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
    runbook: Annotated[str, Meta(pattern=r"^\S+$")] = "docs/runbook.md"
    dashboard: bool = False
    site: Site | None = None


MAX_URL_LENGTH = 1000
NAME = r"[a-z][a-z0-9]{0,29}"
# https://www.rfc-editor.org/rfc/rfc1123#section-2
HOST = r"(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,62}"
# Of the path and the query: no space, and no fragment.
TARGET = r"(/[!$-~]*)?(\?[!$-~]*)?"
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
SECRET_NAME = r"[A-Za-z0-9/_+=.@-]{1,512}"  # noqa: S105, a pattern of names


def problems(settings: StageSettings, config: Config) -> Iterator[str]:
    """What is wrong with the settings of a stage, beyond their types: the ends of sentences."""
    for name in ("STAGE", "TABLE_PREFIX"):
        if name not in config.environment_variables:
            yield f"its environment_variables do not set {name}"
    if settings.webhooks and not settings.events:
        yield 'it has webhooks and no events: add "events": true'
    if settings.site and settings.usage_plan:
        yield "it has a usage_plan and a site, whose pages cannot keep an API key secret"
    if settings.snap_start and settings.provisioned_concurrency:
        yield (
            "it has snap_start and provisioned_concurrency, and Lambda supports one of them at a "
            "time"
        )
    if settings.snap_start and config.lambda_python_version == "python3.11":
        yield (
            "it has snap_start, which needs Python 3.12 or later, and this is "
            "python3.11: make clean, and then make PYTHON=python3.13"
        )
    for name, webhook in settings.webhooks.items():
        if problem := _webhook_problem(name, webhook):
            yield f"its webhook {name!r} cannot work: {problem}"
    yield from _cache_problems(settings)


def _cache_problems(settings: StageSettings) -> Iterator[str]:
    if not settings.cache:
        return
    # Imported here, because most stages need no declarations, and some files may be wrong.
    from chalicelib.models import RESOURCES

    resources = {resource.name: resource for resource in RESOURCES}
    for name in settings.cache.resources:
        if name not in resources:
            yield f"it caches {name}, and there are {', '.join(resources)}"
        # The cache does not know the caller, which a list by author=me depends on, too.
        elif ANYONE not in resources[name].access.rule("list") or resources[name].has_author:
            yield (
                f"it caches {name}, which is not the same list for every caller: API Gateway would "
                "show one caller's list to others"
            )


def _webhook_problem(name: str, webhook: Webhook) -> str | None:
    """What is wrong with a webhook, or None."""
    if not re.fullmatch(NAME, name):
        return "its name must be a lowercase letter, and at most 29 lowercase letters and digits"
    if not _is_url(webhook.url):
        return (
            f"its url must be https://, the name of a host, and at most {MAX_URL_LENGTH} "
            "characters, such as https://mail.example.com/hooks, without a user and a fragment"
        )
    if webhook.secret.startswith(PREFIX):
        return (
            "its secret must be the name of a secret in AWS Secrets Manager, and it is the secret "
            "itself. Do not keep a secret in a file of the repository: make another one"
        )
    if not re.fullmatch(SECRET_NAME, webhook.secret):
        return "its secret must be the name of a secret in AWS Secrets Manager, and no ARN"
    types = _event_types()
    for event in webhook.events:
        if event not in {"*", *types, *(part for each in types for part in _patterns(each))}:
            return f"there is no event {event}. The events are {', '.join(types)}"
    return None


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return (
        len(url) <= MAX_URL_LENGTH
        and parts.scheme == "https"
        and re.fullmatch(HOST, parts.hostname or "") is not None
        and port != 0
        and parts.netloc.lower() in {parts.hostname, f"{parts.hostname}:{port}"}
        and re.fullmatch(TARGET, url.partition("://")[2].removeprefix(parts.netloc)) is not None
    )


def _event_types() -> list[str]:
    """The types of all events."""
    # As above.
    from chalicelib.models import RESOURCES

    return [
        f"{resource.noun}.{change}" for resource in RESOURCES for change in CHANGE_NAMES.values()
    ]


def _patterns(type_: str) -> tuple[str, str]:
    """The patterns that contain a type: all of its resource, and all of its action."""
    noun, _, action = type_.rpartition(".")
    return f"{noun}.*", f"*.{action}"
