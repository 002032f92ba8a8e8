"""If-Match and If-None-Match (RFC 9110 section 13), for every resource."""

import pytest

from tests.client import Client
from tests.samples import SAMPLES, Sample

USER, _, TODO, _ = SAMPLES
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


def write_if(
    api: Client, sample: Sample, method: str, condition: str, header: str, *, allowed: bool
) -> None:
    """Send a write with a precondition, and check that it happened or not."""
    before = api.create(sample.path, sample.full())
    path = f"{sample.path}/{before[sample.key]}"
    body = None if method == "DELETE" else sample.full()

    response = api.request(method, path, body, **{header: condition.format(before["etag"])})

    if allowed:
        assert response.status == (204 if method == "DELETE" else 200)
        assert api.get(path).headers.get("etag") != before["etag"]
    else:
        assert response.status == 412
        assert before[sample.key] in response.json["detail"]
        assert header in response.json["detail"]
        assert api.get(path).json == before


@pytest.mark.parametrize(("condition", "header"), REFUSING + ALLOWING)
def test_write_with_precondition(api: Client, condition: str, header: str) -> None:
    """A precondition that does not hold is a 412 that names it, and changes nothing."""
    # A user is written in a transaction, a todo without.
    for sample in (USER, TODO):
        allowed = (condition, header) in ALLOWING
        write_if(api, sample, "PATCH", condition, header, allowed=allowed)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_every_write_honours_preconditions(api: Client, sample: Sample, method: str) -> None:
    """Every write of every resource honours both headers."""
    write_if(api, sample, method, OTHER, "If-Match", allowed=False)
    write_if(api, sample, method, "{}", "If-None-Match", allowed=False)
    write_if(api, sample, method, "{}", "If-Match", allowed=True)


@pytest.mark.parametrize(
    ("header", "condition", "reason"),
    [
        ("If-Match", OTHER, "If-Match does not list the etag that it has."),
        ("If-Match", "W/{}", "If-Match needs a strong etag, without W/."),
        ("If-None-Match", "*", "If-None-Match is *, and it exists."),
        ("If-None-Match", "W/{}", "If-None-Match lists the etag that it has."),
    ],
)
def test_the_detail_says_which_precondition_failed(
    api: Client, header: str, condition: str, reason: str
) -> None:
    """The sentence of a 412 is about the header and the reason."""
    for sample in (USER, TODO):
        item = api.create(sample.path, sample.full())
        response = api.patch(
            f"{sample.path}/{item[sample.key]}",
            sample.least(),
            **{header: condition.format(item["etag"])},
        )

        assert response.status == 412
        assert reason in response.json["detail"]


def test_a_list_of_100_etags_is_allowed(api: Client) -> None:
    """100 is the limit: DynamoDB's IN takes 100 operands."""
    item = api.create("/todos", {"task": "Dust"})
    etags = ", ".join([item["etag"], *(f'"{n}"' for n in range(99))])

    assert api.patch(f"/todos/{item['id']}", {"task": "Sweep"}, If_Match=etags).status == 200


@pytest.mark.wire
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_repeated_header_lines_are_one_list(api: Client, header: str) -> None:
    """RFC 9110 section 5.3: the order of the lines does not change the result."""
    for lines in ([OTHER, "{}"], ["{}", OTHER]):
        item = api.create("/todos", {"task": "Dust"})
        sent = [(header, line.format(item["etag"])) for line in lines]

        response = api.send_lines("PATCH", f"/todos/{item['id']}", sent, b'{"task": "x"}')

        assert response.status == (200 if header == "If-Match" else 412)


@pytest.mark.parametrize("condition", ["{}", "W/{}", "*", f"{OTHER}, {{}}"])
def test_if_none_match_with_the_current_etag(api: Client, sample: Sample, condition: str) -> None:
    """If-None-Match compares weakly; 304 has the etag and no body."""
    created = api.post(sample.path, sample.full())

    response = api.get(
        created.headers["location"],
        If_None_Match=condition.format(created.headers["etag"]),
    )

    assert (response.status, response.body) == (304, b"")
    assert response.headers["etag"] == created.headers["etag"]


@pytest.mark.wire
def test_if_none_match_with_another_etag(api: Client, sample: Sample) -> None:
    """Another etag in If-None-Match returns the item; in If-Match, it is a 412."""
    created = api.post(sample.path, sample.full())
    place = created.headers["location"]

    assert api.get(place, If_None_Match=OTHER).body == created.body
    assert api.get(place, If_Match=created.headers["etag"]).body == created.body
    assert api.get(place, If_Match="*").body == created.body
    assert api.get(place, If_Match=OTHER).status == 412


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
def test_invalid_etags(api: Client, header: str, condition: str) -> None:
    """A header that is not a list of 1 to 100 etags is a 400 that names it; nothing changes."""
    item = api.create("/todos", {"task": "Dust"})

    response = api.patch(f"/todos/{item['id']}", {"task": "Sweep"}, **{header: condition})

    assert response.status == 400
    assert list(response.problems) == [header]
    assert api.get(f"/todos/{item['id']}").json == item


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_every_operation_checks_its_etags(api: Client, method: str) -> None:
    """An invalid precondition is a 400 for every method, on a list, too."""
    item = api.create("/todos", {"task": "Dust"})
    body = {"task": "Sweep"} if method == "PUT" else None

    assert api.request(method, f"/todos/{item['id']}", body, If_Match="abc").status == 400
    assert api.get("/todos", If_None_Match="abc").status == 400
