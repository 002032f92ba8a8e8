"""The environment variables that say whose access tokens are accepted."""

import json

import pytest

from chalicelib import oidc
from chalicelib.errors import SettingError
from tests import sign_in

ISSUER = {"OIDC_ISSUER": "https://issuer.shop.example", "OIDC_AUDIENCE": "shop"}


@pytest.mark.parametrize(
    "variables",
    [
        ISSUER,
        sign_in.VARIABLES,
        {"OIDC_ISSUER": "none"},
        ISSUER | {"OIDC_ISSUER": "https://shop.eu.auth0.com/"},
        ISSUER | {"OIDC_ISSUER": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12"},
        ISSUER | {"OIDC_ISSUER": "https://keycloak.shop.example:8443/realms/shop"},
        ISSUER | {"OIDC_AUDIENCE": "one, two"},
    ],
)
@pytest.mark.parametrize("local", [True, False])
def test_settings_that_can_be_used(variables: dict[str, str], local: bool) -> None:
    """An https URL with an audience, or none."""
    oidc.check(variables, local=local)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"OIDC_ISSUER": "", "OIDC_AUDIENCE": ""}, "OIDC_ISSUER is not set."),
        ({"OIDC_ISSUER": ""}, "OIDC_AUDIENCE need OIDC_ISSUER, which is not set"),
        ({"OIDC_ISSUER": "None"}, "OIDC_ISSUER is 'None'; it must be none, or an https:// URL"),
        *(
            ({"OIDC_ISSUER": f"https://{host}"}, f"OIDC_ISSUER is 'https://{host}'")
            for host in (
                *("2130706433", "0x7f000001", "0x7f.0.0.1", "10.0.0.1", "169.254.169.254"),
                *("localhost.localdomain", "ip6-localhost", "localhost..", "a..b", "-", "."),
                *("issuer.shop.example:99999", "issuer.shop.example:0", "issuer"),
                "issuer.shop.example/%zz",
            )
        ),
        ({"OIDC_ISSUER": "http://issuer.shop.example"}, "OIDC_ISSUER is 'http://"),
        ({"OIDC_ISSUER": "https://localhost:8080"}, "OIDC_ISSUER is 'https://localhost"),
        ({"OIDC_ISSUER": "https://x.localhost"}, "OIDC_ISSUER is 'https://x.localhost"),
        ({"OIDC_ISSUER": "https://127.1/realms"}, "OIDC_ISSUER is 'https://127.1"),
        ({"OIDC_ISSUER": "https://0.0.0.0"}, "OIDC_ISSUER is 'https://0.0.0.0"),
        ({"OIDC_ISSUER": "https://[::1]"}, "OIDC_ISSUER is 'https://[::1]"),
        ({"OIDC_ISSUER": "https://sue:pw@issuer.shop.example"}, "OIDC_ISSUER is 'https://sue"),
        ({"OIDC_ISSUER": "https://issuer.shop.example/?x"}, "OIDC_ISSUER is 'https://issuer"),
        ({"OIDC_ISSUER": "https://issuer.shop.example\n"}, "OIDC_ISSUER is 'https://issuer"),
        ({"OIDC_ISSUER": "https://"}, "OIDC_ISSUER is 'https://'"),
        ({"OIDC_AUDIENCE": ""}, "OIDC_AUDIENCE is not set."),
        ({"OIDC_AUDIENCE": " , "}, "OIDC_AUDIENCE is not set."),
        ({"OIDC_KEYS": "{"}, "OIDC_KEYS must be a JWK set in JSON"),
        ({"OIDC_KEYS": '{"keys": []}'}, "OIDC_KEYS must be a JWK set in JSON"),
        *(
            ({"OIDC_KEYS": keys}, "OIDC_KEYS must be a JWK set in JSON")
            for keys in (
                *("[]", "[" * 100_000, '{"keys": "abc"}', '{"keys": ["x"]}', '{"keys": {"a": 1}}'),
                *('{"keys": [{}]}', '{"keys": [{"kty": "RSA", "p": "x", "q": "y"}]}'),
                '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}',
            )
        ),
        (
            {"OIDC_KEYS": json.dumps({"keys": [{**sign_in.ISSUER.keys["keys"][0], "d": "AQAB"}]})},
            'OIDC_KEYS must be a JWK set in JSON, {"keys": [...]}, of public keys alone.',
        ),
    ],
)
def test_settings_that_cannot_be_used(changes: dict[str, str], sentence: str) -> None:
    """One sentence that says what to set."""
    with pytest.raises(SettingError) as refusal:
        oidc.check(ISSUER | changes, local=False)

    assert str(refusal.value).startswith(sentence)


@pytest.mark.parametrize("issuer", ["", "http://127.0.0.1:8080/realms/shop", "http://idp.internal"])
def test_only_local_stages_may_have_another_issuer(issuer: str) -> None:
    """Http on this machine, or in its network, is for development."""
    variables = ISSUER | {"OIDC_ISSUER": issuer} if issuer else {}

    oidc.check(variables, local=True)
    with pytest.raises(SettingError):
        oidc.check(variables, local=False)


@pytest.mark.parametrize("name", ["OIDC_AUDIENCE", "OIDC_ROLES", "OIDC_KEYS"])
def test_settings_without_an_issuer(name: str) -> None:
    """What is left from another stage is not ignored."""
    for local in (True, False):
        with pytest.raises(SettingError, match=f"{name} need OIDC_ISSUER, which is not set"):
            oidc.check({name: "x"}, local=local)
