"""The origin of the site's pages, which the user pool returns to and the API allows."""

from typing import Any

from infra.stages import Stage

DISTRIBUTION = "SiteDistribution"


def origin(stage: Stage) -> Any:
    """The origin of the pages, in CloudFormation's terms."""
    domain = stage.settings.site.domain if stage.settings.site else None
    return f"https://{domain}" if domain else {"Fn::Sub": f"https://${{{DISTRIBUTION}.DomainName}}"}
