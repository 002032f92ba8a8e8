"""If-Match and If-None-Match (RFC 9110 section 13), for every resource."""

import pytest

from tests.client import Client
from tests.samples import Sample

OTHER = '"0123456789abcdef01234567"'


REFUSING = [
    # If-Match compares strongly, so a weak etag never matches.
    *((OTHER, "If-Match"), (f'{OTHER}, "x,y", ""', "If-Match"), ('"a" , ,"b",', "If-Match")),
    *(("W/{}", "If-Match"), (f"W/{{}}, {OTHER}", "If-Match")),
    # On a write, If-None-Match that matches is a 412 too (RFC 9110 section 13.1.2).
    *(("{}", "If-None-Match"), ("W/{}", "If-None-Match"), (f"{OTHER}, {{}}", "If-None-Match")),
    ("*", "If-None-Match"),
]
ALLOWING = [
    *(("{}", "If-Match"), ("*", "If-Match"), (",{} ,", "If-Match")),
    *((f"{OTHER}, {{}}", "If-Match"), (f'{{}},{OTHER}, W/"x"', "If-Match")),
    *((OTHER, "If-None-Match"), (f"W/{OTHER}", "If-None-Match")),
]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(("condition", "header"), REFUSING + ALLOWING)
def test_a_write_happens_only_if_its_precondition_holds(
    api: Client, sample: Sample, method: str, condition: str, header: str
) -> None:
    """A precondition that fails is a 412, and changes nothing; one that holds lets it through."""
    before = api.create(sample.path, sample.full())
    place = f"{sample.path}/{before[sample.key]}"
    body = None if method == "DELETE" else sample.full()

    answer = api.request(method, place, body, **{header: condition.format(before["etag"])})

    if (condition, header) in REFUSING:
        assert answer.status == 412
        assert before[sample.key] in answer.json["detail"]
        assert api.get(place).json == before
    else:
        assert answer.status == (204 if method == "DELETE" else 200)
        assert api.get(place).headers.get("etag") != before["etag"]


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


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_a_list_refuses_a_precondition_that_cannot_be_read(
    api: Client, sample: Sample, header: str
) -> None:
    """A page has no etag, so none changes anything; but a mistake is not passed over."""
    answer = api.get(sample.path, **{header: "no-quotes"})

    assert answer.status == 400
    assert set(answer.problems) == {header}
    assert api.get(sample.path, **{header: OTHER}).status == 200
