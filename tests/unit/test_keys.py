"""The issuer's keys: fetched, kept, rotated, withdrawn, and what an issuer may not do."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from chalicelib.auth import keys as keys_module
from chalicelib.auth import tokens
from chalicelib.auth.keys import COOLDOWN_SECONDS, KEEP_SECONDS, STALE_SECONDS, IssuerKeys
from chalicelib.auth.tokens import Verifier
from chalicelib.errors import Unauthenticated, Unavailable
from tests.issuer import AUDIENCE, Issuer, jwk_of, running_issuer
from tests.processes import eventually


class Clock:
    """A clock that stands still until it is set forward."""

    def __init__(self) -> None:
        self.now = 2_000_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the keys and of the tokens' verification."""
    clock = Clock()
    monkeypatch.setattr(keys_module, "time", clock)
    monkeypatch.setattr(tokens, "time", clock)
    return clock


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer of the test's own."""
    with running_issuer() as running:
        yield running


@pytest.fixture
def verify(issuer: Issuer, clock: Clock) -> Callable[..., str]:
    """Verify a new token of an algorithm. Returns the subject."""
    verifier = Verifier(issuer.url, (AUDIENCE,), ("roles",), IssuerKeys(issuer.url))

    def verify(algorithm: str = "RS256", **options: Any) -> str:
        options = {"iat": int(clock.now), "exp": int(clock.now) + 600} | options
        return verifier.caller(issuer.token(algorithm, **options)).subject

    return verify


def test_keys_are_fetched_once(issuer: Issuer, verify: Callable[..., str], clock: Clock) -> None:
    """Discovery and keys: two requests for all tokens of an hour."""
    for algorithm in ("RS256", "ES256", "EdDSA"):
        assert verify(algorithm) == "ada"
    clock.now += KEEP_SECONDS - 1
    assert verify() == "ada"

    assert issuer.requests == ["/.well-known/openid-configuration", "/keys"]


def test_rotation_without_a_refused_request(
    issuer: Issuer, verify: Callable[..., str], clock: Clock
) -> None:
    """A new key is found with its first token, while the old one still works."""
    verify()
    old = issuer.private["RS256"]
    clock.now += COOLDOWN_SECONDS
    issuer.private["RS256"] = new = rsa.generate_private_key(65537, 2048)
    issuer.keys.append(jwk_of(new, "RS256", "new"))

    assert verify(header={"kid": "new"}) == "ada"
    assert verify(key=old) == "ada"


def test_made_up_key_ids_cause_one_fetch(
    issuer: Issuer, verify: Callable[..., str], clock: Clock
) -> None:
    """A thousand tokens with unknown keys, from many threads, in 30 s."""
    verify()
    clock.now += COOLDOWN_SECONDS
    issuer.requests.clear()

    def refused(number: int) -> bool:
        with pytest.raises(Unauthenticated):
            verify(header={"kid": f"made-up-{number}"})
        return True

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(refused, range(1000)))
    assert len(issuer.requests) == 2


def test_withdrawn_key_is_refused_within_the_hour(issuer: Issuer, clock: Clock) -> None:
    """Also for tokens that were verified and remembered."""
    verifier = Verifier(issuer.url, (AUDIENCE,), ("roles",), IssuerKeys(issuer.url))
    token = issuer.token(iat=int(clock.now), exp=int(clock.now) + 86_400)
    other = issuer.token("ES256", iat=int(clock.now), exp=int(clock.now) + 86_400)
    assert verifier.caller(token).subject == verifier.caller(other).subject == "ada"
    issuer.keys = [key for key in issuer.keys if key["kid"] != "rs256"]
    clock.now += KEEP_SECONDS

    with pytest.raises(Unauthenticated):
        verifier.caller(token)
    assert verifier.caller(other).subject == "ada"


def test_issuer_that_cannot_be_reached(
    issuer: Issuer, verify: Callable[..., str], clock: Clock
) -> None:
    """Known keys work for a day; after that, and before the first fetch, it is a 503."""
    issuer.status = 503
    with pytest.raises(Unavailable, match="issuer of access tokens"):
        verify()
    assert len(issuer.requests) == 1
    with pytest.raises(Unavailable):
        verify()
    assert len(issuer.requests) == 1
    issuer.status = 200
    clock.now += COOLDOWN_SECONDS
    assert verify() == "ada"
    issuer.status = 503
    clock.now += STALE_SECONDS - 1
    assert verify() == "ada"
    clock.now += COOLDOWN_SECONDS

    with pytest.raises(Unavailable):
        verify()


def test_all_keys_are_withdrawn(issuer: Issuer, verify: Callable[..., str], clock: Clock) -> None:
    """An issuer that publishes no key is not one that cannot be reached."""
    assert verify() == "ada"
    issuer.keys.clear()
    clock.now += KEEP_SECONDS

    with pytest.raises(Unauthenticated):
        verify()


def test_slow_issuer(
    issuer: Issuer, verify: Callable[..., str], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without keys, a bounded time; with keys, no other request waits for the one that fetches."""
    monkeypatch.setattr(keys_module, "FETCH_SECONDS", 0.2)
    issuer.open.clear()
    with pytest.raises(Unavailable):
        verify()
    issuer.open.set()
    clock.now += COOLDOWN_SECONDS
    assert verify() == "ada"
    clock.now += KEEP_SECONDS
    issuer.open.clear()
    issuer.requests.clear()
    monkeypatch.setattr(keys_module, "FETCH_SECONDS", 30)

    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(verify)
        eventually(lambda: len(issuer.requests) == 1)
        assert verify() == "ada"
        assert not fetching.done()
        issuer.open.set()
        assert fetching.result(30) == "ada"


def test_rotation_under_concurrent_requests(
    issuer: Issuer, verify: Callable[..., str], clock: Clock
) -> None:
    """Tokens of a new key that come at the same time are all accepted, after one fetch."""
    verify()
    clock.now += COOLDOWN_SECONDS
    new = rsa.generate_private_key(65537, 2048)
    issuer.private["RS256"] = new
    issuer.keys.append(jwk_of(new, "RS256", "new"))
    issuer.requests.clear()
    issuer.open.clear()

    with ThreadPoolExecutor(8) as pool:
        subjects = [pool.submit(verify, header={"kid": "new"}, jti=str(n)) for n in range(8)]
        eventually(lambda: len(issuer.requests) == 1)
        issuer.open.set()
        assert {each.result(30) for each in subjects} == {"ada"}
    assert len(issuer.requests) == 2


def break_configuration(issuer: Issuer, /, **members: Any) -> None:
    """Replace members of the discovery document."""
    issuer.configuration |= members


BROKEN: dict[str, Callable[[Issuer], object]] = {
    "another issuer": lambda i: break_configuration(i, issuer="https://evil.example"),
    "no issuer": lambda i: break_configuration(i, issuer=None),
    "no jwks_uri": lambda i: break_configuration(i, jwks_uri=None),
    "jwks_uri of another scheme": lambda i: break_configuration(i, jwks_uri="file:///etc/keys"),
    "too large": lambda i: break_configuration(i, more="x" * keys_module.MAX_DOCUMENT_BYTES),
    "redirect": lambda i: i.__dict__.update(status=302, location=f"{i.url}/keys"),
    "not an object": lambda i: i.__dict__.update(configuration=[]),
    "jwks_uri is no URL": lambda i: break_configuration(i, jwks_uri="http://[::1/keys"),
    "jwks_uri has a wrong port": lambda i: break_configuration(i, jwks_uri="http://host:abc/keys"),
    "jwks_uri has a wrong host": lambda i: break_configuration(i, jwks_uri="http://a..b/keys"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_issuer_that_breaks_the_rules(
    issuer: Issuer, verify: Callable[..., str], name: str
) -> None:
    """Its keys are not used."""
    BROKEN[name](issuer)

    with pytest.raises(Unavailable):
        verify()


WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505, it is to be refused
P384 = ec.generate_private_key(ec.SECP384R1())
UNUSABLE: dict[str, Callable[[Issuer], dict[str, Any]]] = {
    "1024 bits": lambda _: jwk_of(WEAK, "RS256", "rs256"),
    "use enc": lambda i: jwk_of(i.private["RS256"], "RS256", "rs256", use="enc"),
    "key_ops without verify": lambda i: jwk_of(
        i.private["RS256"], "RS256", "rs256", key_ops=["encrypt"]
    ),
    "alg RS512": lambda i: jwk_of(i.private["RS256"], "RS256", "rs256", alg="RS512"),
    "symmetric": lambda _: {"kty": "oct", "k": "c2VjcmV0", "kid": "rs256", "alg": "RS256"},
    "curve P-384": lambda _: jwk_of(P384, "ES384", "rs256", alg="ES256"),
    "kty a list": lambda i: jwk_of(i.private["RS256"], "RS256", "rs256", kty=["RSA"]),
    "kid a number": lambda i: jwk_of(i.private["RS256"], "RS256", "rs256", kid=1),
    "modulus not base64": lambda i: jwk_of(i.private["RS256"], "RS256", "rs256", n="!"),
    "no modulus": lambda i: jwk_of(i.private["RS256"], "RS256", "rs256", n=None),
}


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits long")
@pytest.mark.parametrize("name", UNUSABLE)
def test_unusable_keys_are_left_out(issuer: Issuer, verify: Callable[..., str], name: str) -> None:
    """A weak key, or one for something else, verifies nothing; the others do."""
    issuer.keys = [UNUSABLE[name](issuer), *issuer.keys[1:]]

    assert verify("ES256") == "ada"
    with pytest.raises(Unauthenticated):
        verify("RS256", key=WEAK if name == "1024 bits" else None)


def test_two_keys_with_one_id(issuer: Issuer, verify: Callable[..., str]) -> None:
    """No key is chosen at random."""
    issuer.keys.append(jwk_of(rsa.generate_private_key(65537, 2048), "RS256", "rs256"))

    with pytest.raises(Unauthenticated):
        verify()


def test_one_key_twice(issuer: Issuer, verify: Callable[..., str]) -> None:
    """The same key under the same id is one key."""
    issuer.keys.append(dict(issuer.keys[0]))

    assert verify() == "ada"


def test_null_members(issuer: Issuer, verify: Callable[..., str]) -> None:
    """A member that is null is as one that is missing (RFC 7517 section 4)."""
    nothing = dict.fromkeys(("alg", "use", "key_ops", "x5c", "x5t"))
    issuer.keys = [key | nothing for key in issuer.keys]

    assert verify() == "ada"


def test_informational_responses(issuer: Issuer, verify: Callable[..., str]) -> None:
    """An issuer may send 102 or 103 before its documents."""
    issuer.informational = (102, 103)

    assert verify() == "ada"


def test_given_keys_need_no_request(issuer: Issuer) -> None:
    """OIDC_KEYS: for functions that cannot reach the issuer."""
    keys = IssuerKeys(issuer.url, json.loads(json.dumps({"keys": issuer.keys})))
    verifier = Verifier(issuer.url, (AUDIENCE,), ("roles",), keys)

    assert verifier.caller(issuer.token()).subject == "ada"
    with pytest.raises(Unauthenticated):
        verifier.caller(issuer.token(header={"kid": "made-up"}))
    assert issuer.requests == []
