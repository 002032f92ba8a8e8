"""Access rules: every rule against every kind of caller."""

import pytest

from chalicelib.access import (
    ANYONE,
    AUTHOR,
    SELF,
    SIGNED_IN,
    STAFF,
    VERBS,
    Access,
    Rule,
    require_rule,
)
from chalicelib.context import ANONYMOUS, Caller
from chalicelib.errors import Forbidden, Unauthenticated

ADA, SUE = Caller("ada"), Caller("sue", frozenset({"staff"}))
NOBODY = Rule(0)


@pytest.mark.parametrize(
    ("rule", "caller", "key", "expected"),
    [
        (ANYONE, ANONYMOUS, None, ANYONE),
        (ANYONE, ADA, None, ANYONE),
        (SIGNED_IN, ANONYMOUS, None, Unauthenticated),
        (SIGNED_IN, ADA, None, SIGNED_IN),
        (STAFF, ANONYMOUS, None, Unauthenticated),
        (STAFF, ADA, None, Forbidden),
        (STAFF, ADA, "ada", Forbidden),
        (STAFF, SUE, None, STAFF),
        (SELF | STAFF, ANONYMOUS, "ada", Unauthenticated),
        (SELF | STAFF, ADA, "ada", SELF),
        (SELF | STAFF, ADA, "bob", Forbidden),
        (SELF | STAFF, ADA, None, NOBODY),
        (SELF | STAFF, SUE, "bob", STAFF),
        (SELF, SUE, "bob", Forbidden),
        (SELF, ANONYMOUS, "", Unauthenticated),
        (AUTHOR | STAFF, ANONYMOUS, "r1", Unauthenticated),
        (AUTHOR | STAFF, ADA, "r1", NOBODY),
        (AUTHOR | STAFF, SUE, "r1", STAFF),
    ],
    ids=str,
)
def test_rules(
    rule: Rule, caller: Caller, key: str | None, expected: Rule | type[Exception]
) -> None:
    """What is met; NOBODY means that the item decides."""
    if isinstance(expected, Rule):
        assert require_rule(rule, caller, key) == expected
    else:
        with pytest.raises(expected):
            require_rule(rule, caller, key)


def test_undeclared_actions_are_for_staff() -> None:
    """A new resource is closed; `others` opens what is not named."""
    assert {Access().rule(action) for action in VERBS} == {STAFF}
    opened = Access(read=ANYONE, default=SELF | STAFF)
    assert [opened.rule(action) for action in VERBS] == [ANYONE, *[SELF | STAFF] * 4]
