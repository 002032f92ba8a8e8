"""docs/scaling.md: what is counted, and what is worked out."""

import pytest

from infra import scaling


@pytest.mark.timeout(180)
def test_the_page_of_scaling_is_what_is_counted() -> None:
    """It says what `make scaling` finds, and its formulas give what was counted."""
    assert scaling.PAGE.read_text() == scaling.page(scaling.measured())


def test_a_scan_is_charged_by_the_megabyte() -> None:
    """As DynamoDB's page on scans says: 1 MB a call, 4 KB a unit, half of it for eventual reads."""
    assert scaling.scan_of(1, 100) == scaling.List(calls=1, units=0.5)
    assert scaling.scan_of(1024, 1024) == scaling.List(calls=2, units=128.0)
    assert scaling.scan_of(2050, 1024) == scaling.List(calls=3, units=256.5)
    assert scaling.scan_of(2050, 1024).dollars == pytest.approx(32.0625)
