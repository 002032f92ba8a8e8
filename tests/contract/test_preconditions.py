"""If-Match and If-None-Match (RFC 9110 section 13), for every resource."""

import pytest

from tests.client import Client
from tests.samples import Sample

OTHER = '"0123456789abcdef01234567"'


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "condition", [OTHER, f'{OTHER}, "x,y", ""', "W/{}", f"W/{{}}, {OTHER}", '"a" , ,"b",']
)
def test_a_stale_etag_changes_nothing(
    api: Client, sample: Sample, method: str, condition: str
) -> None:
    """No match is 412; a weak etag never matches, for If-Match compares strongly."""
    before = api.create(sample.path, sample.full())
    place = f"{sample.path}/{before[sample.key]}"
    body = None if method == "DELETE" else sample.full()

    answer = api.request(method, place, body, If_Match=condition.format(before["etag"]))

    assert answer.status == 412
    assert before[sample.key] in answer.json["detail"]
    assert api.get(place).json == before


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "condition", ["{}", "*", f"{OTHER}, {{}}", f'{{}},{OTHER}, W/"x"', ",{} ,"]
)
def test_a_matching_etag_lets_the_write_through(
    api: Client, sample: Sample, method: str, condition: str
) -> None:
    """One of a list is enough, and * matches whatever is there."""
    before = api.create(sample.path, sample.full())
    place = f"{sample.path}/{before[sample.key]}"
    body = None if method == "DELETE" else sample.full()

    answer = api.request(method, place, body, If_Match=condition.format(before["etag"]))

    assert answer.status == (204 if method == "DELETE" else 200)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("condition", ["{}", "W/{}", "*", f"{OTHER}, {{}}"])
def test_if_none_match_refuses_a_write(
    api: Client, sample: Sample, method: str, condition: str
) -> None:
    """On a write, If-None-Match that matches is 412 too (RFC 9110 section 13.1.2)."""
    before = api.create(sample.path, sample.full())
    place = f"{sample.path}/{before[sample.key]}"
    body = None if method == "DELETE" else sample.full()

    answer = api.request(method, place, body, If_None_Match=condition.format(before["etag"]))

    assert answer.status == 412
    assert api.get(place).json == before
    other = api.request(method, place, body, If_None_Match=OTHER)
    assert other.status in (200, 204)


@pytest.mark.parametrize("condition", ["{}", "W/{}", "*", f"{OTHER}, {{}}"])
def test_a_read_of_what_the_client_has_is_a_304(
    api: Client, sample: Sample, condition: str
) -> None:
    """If-None-Match compares weakly; 304 has the etag and no body."""
    created = api.post(sample.path, sample.full())

    answer = api.get(
        created.headers["location"],
        If_None_Match=condition.format(created.headers["etag"]),
    )

    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == created.headers["etag"]


def test_a_read_of_what_has_changed_is_a_200(api: Client, sample: Sample) -> None:
    """Another etag in If-None-Match gives the item; in If-Match, 412."""
    created = api.post(sample.path, sample.full())
    place = created.headers["location"]

    assert api.get(place, If_None_Match=OTHER).body == created.body
    assert api.get(place, If_Match=created.headers["etag"]).body == created.body
    assert api.get(place, If_Match="*").body == created.body
    assert api.get(place, If_Match=OTHER).status == 412


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize(
    "condition",
    [
        *("abc", '"abc', 'abc"', "", " ", ",", "'abc'", '"a" "b"', '*, "a"', '"a", *', 'w/"a"'),
        '"a b"',
        ", ".join(f'"{n}"' for n in range(101)),
        " " * 4000 + "x",
    ],
)
def test_what_is_no_etag_is_refused(api: Client, method: str, header: str, condition: str) -> None:
    """A header that is no list of etags is a 400 that names it, and changes nothing."""
    item = api.create("/todos", {"task": "Dust"})
    body = {"task": "Sweep"} if method in ("PUT", "PATCH") else None

    answer = api.request(method, f"/todos/{item['id']}", body, **{header: condition})

    assert answer.status == 400
    assert list(answer.problems) == [header]
    assert api.get(f"/todos/{item['id']}").json == item
