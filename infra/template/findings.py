"""Findings of checkov that do not apply: the template has the reason, in the resource.

https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html
"""

from typing import Any


def skip(reasons: dict[str, str]) -> dict[str, Any]:
    """The `Metadata` of a resource: the ids of the findings to skip, and why."""
    return {"checkov": {"skip": [{"id": id_, "comment": why} for id_, why in reasons.items()]}}
