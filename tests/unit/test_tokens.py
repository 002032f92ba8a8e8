"""Access tokens: which are accepted, and the misused and forged ones that are refused, by name."""

import hmac
import json
from collections.abc import Callable, Iterator
from time import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chalicelib.access import subject_key
from chalicelib.auth import tokens
from chalicelib.auth.keys import IssuerKeys
from chalicelib.auth.tokens import Verifier
from chalicelib.errors import Unauthenticated
from tests.issuer import AUDIENCE, Issuer, b64, jwk_of, running_issuer

Forge = Callable[[Issuer], str]


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """An issuer that all tests share."""
    with running_issuer() as running:
        yield running


@pytest.fixture(scope="module")
def keys(issuer: Issuer) -> IssuerKeys:
    """Its keys, which are fetched once."""
    return IssuerKeys(issuer.url)


@pytest.fixture
def verifier(issuer: Issuer, keys: IssuerKeys) -> Verifier:
    """A verifier that has seen no token."""
    return Verifier(issuer.url, (AUDIENCE, "shop-web"), ("roles",), keys)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_algorithms(issuer: Issuer, verifier: Verifier, algorithm: str) -> None:
    """Each algorithm that issuers use, verified once and remembered then."""
    token = issuer.token(algorithm, roles=["staff", "buyer"])

    first, second = verifier.caller(token), verifier.caller(token)

    assert (first.subject, first.roles) == ("ada", frozenset({"staff", "buyer"}))
    assert second is first


ACCEPTED: dict[str, Forge] = {
    "audience in a list": lambda i: i.token(aud=["other", AUDIENCE]),
    "second audience": lambda i: i.token(aud="shop-web"),
    "Cognito: client_id and token_use": lambda i: i.token(
        aud=None, client_id="shop-web", token_use="access"
    ),
    "Keycloak: typ Bearer": lambda i: i.token(typ="Bearer"),
    "header type at+jwt": lambda i: i.token(header={"typ": "at+jwt"}),
    "header type in capitals": lambda i: i.token(header={"typ": "AT+JWT"}),
    "59 s past": lambda i: i.token(exp=int(time()) - 59),
    "nbf 50 s ahead": lambda i: i.token(nbf=int(time()) + 50),
    "exp with a fraction": lambda i: i.token(exp=time() + 60.5),
    "no roles": lambda i: i.token(),
    "Azure AD B2C: nonce beside scopes": lambda i: i.token(nonce="n", scp="shop.read", azp="web"),
    "nonce in an at+jwt": lambda i: i.token(nonce="n", header={"typ": "at+jwt"}),
    # RFC 9068 section 2.1: with and without `application/`.
    "nonce in an application/at+jwt": lambda i: i.token(
        nonce="n", header={"typ": "application/AT+JWT"}
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_tokens(issuer: Issuer, verifier: Verifier, name: str) -> None:
    """What is within the rules."""
    assert verifier.caller(ACCEPTED[name](issuer)).subject == "ada"


def public_pem(issuer: Issuer) -> bytes:
    """The issuer's RSA key as an attacker has it."""
    public = issuer.private["RS256"].public_key()
    pem: bytes = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def hmac_token(issuer: Issuer, secret: bytes) -> str:
    """HS256 with the public key, or nothing, as its secret (RFC 8725 section 2.1)."""
    text = f"{b64({'alg': 'HS256', 'kid': 'rs256'})}.{b64(issuer.claims())}"
    return f"{text}.{b64(hmac.digest(secret, text.encode(), 'sha256'))}"


def rsa_token(issuer: Issuer, algorithm: str) -> str:
    """A token of the RSA key with another RSA algorithm."""
    key = issuer.private["RS256"]
    return jwt.encode(issuer.claims(), key, algorithm=algorithm, headers={"kid": "rs256"})


def unsigned(issuer: Issuer, algorithm: str) -> str:
    """A token without a signature, whose header names an algorithm."""
    return f"{b64({'alg': algorithm, 'kid': 'rs256'})}.{b64(issuer.claims())}."


def changed_payload(issuer: Issuer, **changes: Any) -> str:
    """A valid token whose payload was replaced."""
    header, _, signature = issuer.token().split(".")
    return f"{header}.{b64(issuer.claims(**changes))}.{signature}"


def raw_claims(issuer: Issuer, name: str, text: str) -> str:
    """A signed token with one claim as JSON text that Python would not write."""
    members = json.dumps(issuer.claims())[:-1]
    return issuer.signed({"alg": "RS256", "kid": "rs256"}, f'{members},"{name}":{text}}}'.encode())


FOREIGN_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FOREIGN_EC = ec.generate_private_key(ec.SECP256R1())

REFUSED: dict[str, Forge] = {
    "alg none": lambda i: unsigned(i, "none"),
    "alg None": lambda i: unsigned(i, "None"),
    "alg RS256 without a signature": lambda i: unsigned(i, "RS256"),
    "no alg": lambda i: f"{b64({'kid': 'rs256'})}.{b64(i.claims())}.{i.token().split('.')[2]}",
    "alg a list": lambda i: i.signed({"alg": ["RS256"], "kid": "rs256"}, b"{}"),
    "HS256 with the public key": lambda i: hmac_token(i, public_pem(i)),
    "HS256 with an empty secret": lambda i: hmac_token(i, b""),
    "RS384": lambda i: rsa_token(i, "RS384"),
    "PS256": lambda i: rsa_token(i, "PS256"),
    "ES256 under the id of the RSA key": lambda i: i.token("ES256", header={"kid": "rs256"}),
    "RS256 under the id of the EC key": lambda i: i.token("RS256", header={"kid": "es256"}),
    "EdDSA under the id of the RSA key": lambda i: i.token("EdDSA", header={"kid": "rs256"}),
    "foreign RSA key under a known kid": lambda i: i.token(key=FOREIGN_RSA),
    "foreign EC key under a known kid": lambda i: i.token("ES256", key=FOREIGN_EC),
    "unknown kid": lambda i: i.token(header={"kid": "made-up"}),
    "kid a number": lambda i: i.signed({"alg": "RS256", "kid": 1}, json.dumps(i.claims()).encode()),
    "kid a path": lambda i: i.token(header={"kid": "../../dev/null"}),
    "jwk in the header": lambda i: i.token(
        key=FOREIGN_RSA, header={"jwk": jwk_of(FOREIGN_RSA, "RS256", "rs256")}
    ),
    "jku in the header": lambda i: i.token(header={"jku": f"{i.url}/keys"}),
    "x5u in the header": lambda i: i.token(header={"x5u": f"{i.url}/keys"}),
    "x5c in the header": lambda i: i.token(header={"x5c": ["MII"]}),
    "crit in the header": lambda i: i.token(header={"crit": ["exp"]}),
    "b64 in the header": lambda i: i.signed(
        {"alg": "RS256", "kid": "rs256", "b64": False, "crit": ["b64"]},
        json.dumps(i.claims()).encode(),
    ),
    "zip in the header": lambda i: i.token(header={"zip": "DEF"}),
    "header type JWE": lambda i: i.token(header={"typ": "JWE"}),
    "header type of a logout token": lambda i: i.token(header={"typ": "logout+jwt"}),
    "stripped signature": lambda i: i.token().rpartition(".")[0] + ".",
    "no signature part": lambda i: i.token().rpartition(".")[0],
    "doubled signature": lambda i: i.token() + i.token().rpartition(".")[2],
    "signature of another token": lambda i: (
        i.token().rpartition(".")[0] + "." + i.token(sub="bob").rpartition(".")[2]
    ),
    "truncated signature": lambda i: i.token()[:-8],
    "changed subject": lambda i: changed_payload(i, sub="sue"),
    "changed roles": lambda i: changed_payload(i, roles=["staff"]),
    "ID token: nonce": lambda i: i.token(nonce="n"),
    "ID token: at_hash": lambda i: i.token(at_hash="h"),
    "ID token: c_hash": lambda i: i.token(c_hash="h"),
    "logout token": lambda i: i.token(events={"http://schemas.openid.net/event/x": {}}),
    "ID token: nonce, and azp": lambda i: i.token(nonce="n", azp="web"),
    "ID token: nonce, and empty scopes": lambda i: i.token(nonce="n", scope=""),
    "ID token: at_hash beside scopes": lambda i: i.token(at_hash="h", nonce="n", scp="read"),
    "ID token: nonce, of Keycloak": lambda i: i.token(nonce="n", typ="ID"),
    "sub a lone surrogate": lambda i: i.signed(
        {"alg": "RS256", "kid": "rs256"},
        json.dumps(i.claims(sub="x")).replace('"x"', r'"\ud800"').encode(),
    ),
    "padded": lambda i: f"{i.token()}==",
    "ID token of Cognito": lambda i: i.token(token_use="id"),
    "ID token of Keycloak": lambda i: i.token(typ="ID"),
    "refresh token of Keycloak": lambda i: i.token(typ="Refresh"),
    "other issuer": lambda i: i.token(iss="https://evil.example"),
    "issuer with a slash": lambda i: i.token(iss=f"{i.url}/"),
    "issuer in a list": lambda i: i.signed(
        {"alg": "RS256", "kid": "rs256"}, json.dumps(i.claims() | {"iss": [i.url]}).encode()
    ),
    "no issuer": lambda i: i.token(iss=None),
    "other audience": lambda i: i.token(aud="https://other.example"),
    "part of the audience": lambda i: i.token(aud=AUDIENCE[:-1]),
    "audience with more": lambda i: i.token(aud=AUDIENCE + "/"),
    "no audience": lambda i: i.token(aud=None),
    "no audience, only client_id": lambda i: i.token(aud=None, client_id="shop-web"),
    "Cognito: other client": lambda i: i.token(aud=None, client_id="x", token_use="access"),
    "audience a number": lambda i: i.token(aud=1),
    "audience an object": lambda i: i.token(aud={AUDIENCE: 1}),
    "empty audience list": lambda i: i.token(aud=[]),
    "no exp": lambda i: i.token(exp=None),
    "exp as text": lambda i: raw_claims(i, "exp", '"9999999999"'),
    "exp true": lambda i: raw_claims(i, "exp", "true"),
    "exp null": lambda i: raw_claims(i, "exp", "null"),
    "exp 1e999": lambda i: raw_claims(i, "exp", "1e999"),
    "exp NaN": lambda i: raw_claims(i, "exp", "NaN"),
    "exp of 400 digits": lambda i: raw_claims(i, "exp", "9" * 400),
    "exp 61 s past": lambda i: i.token(exp=int(time()) - 61),
    "exp 0": lambda i: i.token(exp=0),
    "nbf 70 s ahead": lambda i: i.token(nbf=int(time()) + 70),
    "nbf as text": lambda i: raw_claims(i, "nbf", '"0"'),
    "iat a day ahead": lambda i: i.token(iat=int(time()) + 86_400),
    "no subject": lambda i: i.token(sub=None),
    "empty subject": lambda i: i.token(sub=""),
    "subject a number": lambda i: raw_claims(i, "sub", "1"),
    "subject of 256 characters": lambda i: i.token(sub="x" * 256),
    "over 8 KiB": lambda i: i.token(more="x" * 8192),
    "deep nesting": lambda i: raw_claims(i, "more", "[" * 3000 + "]" * 3000),
    "five parts": lambda i: i.token() + ".a.b",
    "two parts": lambda _: "a.b",
    "one part": lambda _: "abc",
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "white space": lambda i: " " + i.token(),
    "line feed": lambda i: i.token() + "\n",
    "padding": lambda i: i.token() + "=",
    "not ASCII": lambda i: i.token() + "é",
    "claims a list": lambda i: i.signed({"alg": "RS256", "kid": "rs256"}, b"[]"),
    "claims not JSON": lambda i: i.signed({"alg": "RS256", "kid": "rs256"}, b"{"),
    "claims not UTF-8": lambda i: i.signed({"alg": "RS256", "kid": "rs256"}, b'{"a":"\xff"}'),
    "header a list": lambda i: f"{b64(b'[]')}.{b64(i.claims())}.{i.token().split('.')[2]}",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_tokens(issuer: Issuer, verifier: Verifier, name: str) -> None:
    """Forged and misused tokens; nothing says why a signature is wrong."""
    forged = REFUSED[name](issuer)

    with pytest.raises(Unauthenticated) as refused:
        verifier.caller(forged)

    assert refused.value.failure in (tokens.INVALID, tokens.EXPIRED)
    with pytest.raises(Unauthenticated):
        verifier.caller(forged)


def test_roles_claims(issuer: Issuer, keys: IssuerKeys) -> None:
    """Names with colons, dots, URLs and paths; scopes are text."""
    claims_by_name: dict[str, dict[str, Any]] = {
        "cognito:groups": {"cognito:groups": ["staff"]},
        "roles": {"roles": ["staff"]},
        "realm_access.roles": {"realm_access": {"roles": ["staff"]}},
        "https://shop.example/roles": {"https://shop.example/roles": ["staff"]},
        "scope": {"scope": "read staff"},
    }
    for claim, claims in claims_by_name.items():
        found = Verifier(issuer.url, (AUDIENCE,), (claim,), keys)
        assert "staff" in found.caller(issuer.token(**claims)).roles, claim
        assert found.caller(issuer.token()).roles == frozenset()


ROLES: dict[str, tuple[Any, set[str]]] = {
    "one role as a text": ("staff", {"staff"}),
    "a text with a space": ("shop staff", {"shop staff"}),
    "an object whose names are the roles": ({"staff": {"1": "shop.example"}}, {"staff"}),
    "null inside a list": (["staff", None], {"staff"}),
    "a number inside a list": (["staff", 1], {"staff"}),
    "lists inside a list": ([["staff"]], set()),
    "null": (None, set()),
    "a number": (1, set()),
    "true": (True, set()),
    "an empty list": ([], set()),
    "an empty object": ({}, set()),
}


@pytest.mark.parametrize("form", ROLES)
def test_forms_of_a_claim_of_roles(issuer: Issuer, verifier: Verifier, form: str) -> None:
    """No form of the claim locks its person out: an odd one gives no roles."""
    claim, roles = ROLES[form]
    payload = json.dumps(issuer.claims() | {"roles": claim}).encode()
    token = issuer.signed({"alg": "RS256", "kid": "rs256"}, payload)

    caller = verifier.caller(token)

    assert (caller.subject, set(caller.roles)) == ("ada", roles)


@pytest.mark.parametrize("path", ["resource_access.shop.api.roles", "https://shop.example/a.roles"])
def test_paths_through_names_with_dots(issuer: Issuer, keys: IssuerKeys, path: str) -> None:
    """Keycloak's roles of a client whose id has a dot."""
    verifier = Verifier(issuer.url, (AUDIENCE,), (path,), keys)
    claims: dict[str, Any] = {
        "resource_access": {"shop": {"roles": ["other"]}, "shop.api": {"roles": ["staff"]}},
        "https://shop.example/a": {"roles": ["staff"]},
    }

    assert verifier.caller(issuer.token(**claims)).roles == {"staff"}
    assert verifier.caller(issuer.token(resource_access=["shop"])).roles == frozenset()


def test_scopes_as_roles(issuer: Issuer, keys: IssuerKeys) -> None:
    """A scope of the API's own is a role; one of another API with the same name is not."""
    verifier = Verifier(issuer.url, (AUDIENCE, "storefront"), ("cognito:groups", "scope"), keys)
    roles: dict[str, set[str]] = {
        "storefront/staff openid": {"staff", "openid"},
        f"{AUDIENCE}/staff": {"staff"},
        "crm/staff": {"crm/staff"},
        "/staff": {"/staff"},
        "a\u00a0staff": {"a\u00a0staff"},
        "": set(),
    }
    for scope, expected in roles.items():
        assert verifier.caller(issuer.token(scope=scope)).roles == expected
    claims: dict[str, Any] = {"scope": "openid", "cognito:groups": ["staff"]}
    both = issuer.token(**claims)
    assert verifier.caller(both).roles == {"openid", "staff"}


def test_nonce_in_an_access_token_of_keycloak(issuer: Issuer, verifier: Verifier) -> None:
    """Versions before 25 put it there; `typ` says that it is no ID token."""
    assert verifier.caller(issuer.token(nonce="n", typ="Bearer")).subject == "ada"


def test_subjects_as_keys() -> None:
    """A plain subject is its own key; another, or one that looks like a digest, gets a digest."""
    assert subject_key("ada") == "ada"
    digests = [subject_key(each) for each in ("auth0|5f7c", "..", "a b", "x" * 65, "sub-1", "é")]
    assert all(digest.startswith("sub-") and len(digest) == 44 for digest in digests)
    assert len(set(digests)) == len(digests)
    assert subject_key(digests[0]) != digests[0]
