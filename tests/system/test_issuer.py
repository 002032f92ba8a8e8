"""The development issuer of `make run`, as clients of OAuth 2.0 and OpenID Connect use it."""

import json
import re
import stat
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
import pytest

from tests import sign_in
from tests.conftest import Launch, Local
from tests.issuer import AUDIENCE, running_issuer
from tests.samples import unique

REDIRECT = "http://localhost:4200/callback"
VERIFIER = "v" * 50
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
REQUEST = {
    "response_type": "code",
    "client_id": "web",
    "redirect_uri": REDIRECT,
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "scope": "openid",
    "state": "a&b",
    "nonce": "n1",
}


@pytest.fixture(scope="module")
def configuration(local: Local) -> Any:
    """The discovery document."""
    url = f"http://127.0.0.1:{local.port}/dev-issuer/.well-known/openid-configuration"
    return httpx.get(url).json()


def sign_in_as(configuration: Any, subject: str, **changes: str) -> str:
    """The code after a click on a person's button."""
    query = urlencode({**REQUEST, **changes, "subject": subject})
    response = httpx.get(f"{configuration['authorization_endpoint']}?{query}")
    assert response.status_code == 302, response.text
    location = response.headers["Location"]
    assert location.startswith(f"{REDIRECT}?")
    parameters = parse_qs(urlsplit(location).query)
    assert (parameters["state"], parameters["iss"]) == (["a&b"], [configuration["issuer"]])
    return parameters["code"][0]


def exchange(configuration: Any, **form: str) -> httpx.Response:
    """The response of the token endpoint."""
    return httpx.post(configuration["token_endpoint"], data=form)


def exchange_code(configuration: Any, code: str, **changes: str) -> httpx.Response:
    """The response to a code."""
    given = {"client_id": "web", "redirect_uri": REDIRECT, "code_verifier": VERIFIER, "code": code}
    return exchange(configuration, grant_type="authorization_code", **(given | changes))


def test_discovery(local: Local, configuration: Any) -> None:
    """The documents that every client reads first, for every origin."""
    issuer = f"http://127.0.0.1:{local.port}/dev-issuer"
    keys = httpx.get(configuration["jwks_uri"], headers={"Origin": "http://localhost:4200"})

    assert configuration["issuer"] == issuer
    assert keys.headers["Access-Control-Allow-Origin"] == "http://localhost:4200"
    (key,) = keys.json()["keys"]
    assert "d" not in key
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")


def test_page_has_a_button_for_each_person(configuration: Any) -> None:
    """One click each; what the client has sent is escaped, and sent again."""
    query = urlencode({**REQUEST, "state": '"><script>alert(1)</script>'})
    page = httpx.get(f"{configuration['authorization_endpoint']}?{query}")

    assert page.status_code == 200
    buttons = re.findall(r'<button name="subject" value="(\w+)">([^<]+)</button>', page.text)
    assert buttons == [("sue", "Sue (staff)"), ("ada", "Ada (customer)"), ("bob", "Bob (customer)")]
    assert "<script>" not in page.text


def test_authorization_code_with_pkce(local: Local, configuration: Any) -> None:
    """A code becomes tokens once; the API accepts the access token, and not the ID token."""
    code = sign_in_as(configuration, "ada")
    tokens = exchange_code(configuration, code).json()

    assert tokens["token_type"] == "Bearer"
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["aud"], claims["nonce"]) == ("ada", "web", "n1")
    ada = local.api.signed_in(f"Bearer {tokens['access_token']}")
    assert ada.get("/todos").status == 200
    assert ada.get("/users").status == 403
    refused = local.api.signed_in(f"Bearer {tokens['id_token']}").get("/todos")
    assert refused.status == 401
    assert local.api.signed_in(f"Bearer {tokens['refresh_token']}").get("/todos").status == 401
    again = exchange_code(configuration, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [{"code_verifier": "w" * 50}, {"client_id": "other"}, {"redirect_uri": f"{REDIRECT}/x"}],
)
def test_code_of_another_request(configuration: Any, changes: dict[str, str]) -> None:
    """RFC 6749 section 4.1.3 and RFC 7636 section 4.6."""
    response = exchange_code(configuration, sign_in_as(configuration, "sue"), **changes)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("verifier", ["v", "v" * 42, "v" * 129, "v" * 43 + "!"])
def test_code_verifier_of_another_form(configuration: Any, verifier: str) -> None:
    """43 to 128 characters (RFC 7636 section 4.1), also if the challenge is theirs."""
    digest = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    code = sign_in_as(configuration, "sue", code_challenge=digest)

    response = exchange_code(configuration, code, code_verifier=verifier)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


def test_reuse_revokes_what_came_of_the_sign_in(configuration: Any) -> None:
    """A code or a refresh token that is used twice may be stolen (RFC 9700 section 4.14.2)."""
    for stolen in ("code", "refresh_token"):
        code = sign_in_as(configuration, "ada")
        first = exchange_code(configuration, code).json()
        form = {"grant_type": "refresh_token", "client_id": "web"}
        second = exchange(configuration, **form, refresh_token=first["refresh_token"]).json()
        if stolen == "code":
            assert exchange_code(configuration, code).status_code == 400
        else:
            again = exchange(configuration, **form, refresh_token=first["refresh_token"])
            assert again.status_code == 400

        revoked = exchange(configuration, **form, refresh_token=second["refresh_token"])
        assert (revoked.status_code, revoked.json()["error"]) == (400, "invalid_grant")


def test_used_tokens_outlive_a_restart(launch: Launch) -> None:
    """A code and a refresh token that were used are refused after it, too."""
    first = launch()
    first.read_until("ready")
    url = f"http://127.0.0.1:{first.port}/dev-issuer/.well-known/openid-configuration"
    configuration = httpx.get(url).json()
    code = sign_in_as(configuration, "ada")
    tokens = exchange_code(configuration, code).json()
    first.stop()
    again = launch(first.folder, first.port)
    again.read_until("ready")

    assert exchange_code(configuration, code).status_code == 400
    form = {"grant_type": "refresh_token", "client_id": "web"}
    used = exchange(configuration, **form, refresh_token=tokens["refresh_token"])
    assert used.status_code == 400


def test_authorization_request_by_post(configuration: Any) -> None:
    """OpenID Connect Core section 3.1.2.1."""
    form = {**REQUEST, "subject": "ada"}
    response = httpx.post(configuration["authorization_endpoint"], data=form)

    assert response.status_code == 302
    assert response.headers["Location"].startswith(f"{REDIRECT}?code=")


def test_scope_is_the_requested_one(configuration: Any) -> None:
    """Libraries refuse a response with another scope."""
    for scope in ("openid", "openid profile offline_access"):
        code = sign_in_as(configuration, "ada", scope=scope)
        tokens = exchange_code(configuration, code).json()
        assert tokens["scope"] == scope
        form = {"grant_type": "refresh_token", "client_id": "web"}
        refreshed = exchange(configuration, **form, refresh_token=tokens["refresh_token"])
        assert refreshed.json()["scope"] == scope


def test_time_of_the_sign_in(configuration: Any) -> None:
    """auth_time is in the ID token, stays at a refresh, and max_age asks for a new sign-in."""
    with httpx.Client() as browser:

        def authorize(**query: str) -> dict[str, list[str]]:
            url = f"{configuration['authorization_endpoint']}?{urlencode({**REQUEST, **query})}"
            return parse_qs(urlsplit(browser.get(url).headers["Location"]).query)

        tokens = exchange_code(configuration, authorize(subject="bob")["code"][0]).json()
        silent = authorize(prompt="none", max_age="600")["code"][0]
        again = exchange_code(configuration, silent).json()
        times = {
            jwt.decode(each["id_token"], options={"verify_signature": False})["auth_time"]
            for each in (tokens, again)
        }
        assert len(times) == 1
        cookie = browser.cookies["storefront-dev-issuer"]
        old = {"Cookie": f"storefront-dev-issuer=bob.{int(cookie.partition('.')[2]) - 700}"}
        query = urlencode({**REQUEST, "prompt": "none", "max_age": "600"})
        url = f"{configuration['authorization_endpoint']}?{query}"
        late = httpx.get(url, headers=old).headers["Location"]
        assert parse_qs(urlsplit(late).query)["error"] == ["login_required"]


def test_discovery_under_another_name(local: Local, configuration: Any) -> None:
    """A client compares the issuer with the URL that it asked: the sentence names the right one."""
    url = f"http://localhost:{local.port}/dev-issuer/.well-known/openid-configuration"
    response = httpx.get(url)

    assert response.status_code == 421
    assert response.json()["error_description"] == (
        f"The issuer is {configuration['issuer']}: use this URL."
    )


def test_pages_cannot_be_framed(configuration: Any) -> None:
    """No page of another origin lays the buttons over its own."""
    page = httpx.get(f"{configuration['authorization_endpoint']}?{urlencode(REQUEST)}")

    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "http://127.0.0.1.evil.example/"},
        {"redirect_uri": "http://evil.example\\@127.0.0.1/cb"},
        {"redirect_uri": "http://evil.example\\.localhost/"},
        {"redirect_uri": "http://evil.example@localhost/"},
        {"redirect_uri": "http://["},
        {"redirect_uri": "http://localhost/\r\nX: y"},
        {"redirect_uri": "http://localhost/#x"},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
        {"client_id": ""},
    ],
)
def test_requests_that_are_refused(configuration: Any, changes: dict[str, str]) -> None:
    """No redirect to another machine, and no code without PKCE."""
    query = urlencode({**REQUEST, **changes, "subject": "sue"})
    response = httpx.get(f"{configuration['authorization_endpoint']}?{query}")

    assert response.status_code == 400
    assert "Location" not in response.headers


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}],
)
def test_other_places_get_no_token(configuration: Any, headers: dict[str, str]) -> None:
    """A web site in the developer's browser, also by DNS rebinding."""
    form = {"grant_type": "client_credentials", "client_id": "x", "scope": "staff"}

    response = httpx.post(configuration["token_endpoint"], data=form, headers=headers)

    assert response.status_code == 403
    assert "access_token" not in response.text
    assert "Access-Control-Allow-Origin" not in response.headers


def test_refresh_token(local: Local, configuration: Any) -> None:
    """A client stays signed in; its refresh token is used once, and of no use to another."""
    first = exchange_code(configuration, sign_in_as(configuration, "sue")).json()
    given = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}

    other = exchange(configuration, **given, client_id="other")
    assert (other.status_code, other.json()["error"]) == (400, "invalid_grant")
    second = exchange(configuration, **given, client_id="web").json()

    sue = local.api.signed_in(f"Bearer {second['access_token']}")
    assert sue.get("/users?limit=1").status == 200
    again = exchange(configuration, **given, client_id="web")
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    access = exchange(
        configuration,
        grant_type="refresh_token",
        refresh_token=second["access_token"],
        client_id="web",
    )
    assert access.status_code == 400


@pytest.mark.parametrize(("scope", "status"), [("staff", 200), ("", 403)])
def test_client_credentials(local: Local, configuration: Any, scope: str, status: int) -> None:
    """A machine: its id is the subject, and its scopes are roles; by the form or by HTTP Basic."""
    client = f"machine-{unique()}"
    form = {"grant_type": "client_credentials", "scope": scope}
    responses = [
        exchange(configuration, **form, client_id=client),
        httpx.post(configuration["token_endpoint"], data=form, auth=(client, "secret")),
    ]

    for response in responses:
        machine = local.api.signed_in(f"Bearer {response.json()['access_token']}")
        assert machine.get("/users?limit=1").status == status
        todo = machine.create("/todos", {"task": "Count the cups"})
        assert local.api.get(f"/todos/{todo['id']}?owner={client}").json == todo


def test_client_id_with_a_space(configuration: Any) -> None:
    """HTTP Basic has it as in a form: a plus sign (RFC 6749 section 2.3.1)."""
    form = {"grant_type": "client_credentials"}
    response = httpx.post(configuration["token_endpoint"], data=form, auth=("stock+sync", "x"))

    claims = jwt.decode(response.json()["access_token"], options={"verify_signature": False})
    assert claims["client_id"] == "stock sync"


@pytest.mark.parametrize("value", ["Basic", "Basic !!!", "Basic OnNlY3JldA=="])
def test_basic_authorization_without_a_client(configuration: Any, value: str) -> None:
    """A 401 with a challenge (RFC 6749 section 5.2)."""
    form = {"grant_type": "client_credentials"}
    response = httpx.post(
        configuration["token_endpoint"], data=form, headers={"Authorization": value}
    )

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password", "client_id": "web"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "invalid_client"),
        (
            {"grant_type": "authorization_code", "client_id": "web", "code": "x"},
            "invalid_grant",
        ),
        ({}, "invalid_client"),
    ],
)
def test_wrong_token_requests(configuration: Any, form: dict[str, str], error: str) -> None:
    """RFC 6749 section 5.2, readable for a browser client of another origin."""
    origin = {"Origin": "http://127.0.0.1:4200"}
    response = httpx.post(configuration["token_endpoint"], data=form, headers=origin)

    assert (response.status_code, response.json()["error"]) == (400, error)
    assert response.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    assert response.headers["Cache-Control"] == "no-store"


def test_user_info_logout_and_preflight(configuration: Any) -> None:
    """What a browser client needs besides tokens."""
    tokens = exchange_code(configuration, sign_in_as(configuration, "bob")).json()
    header = {"Authorization": f"Bearer {tokens['access_token']}"}
    logout = configuration["end_session_endpoint"]

    person = httpx.get(configuration["userinfo_endpoint"], headers=header)
    assert person.json() == {"sub": "bob", "name": "Bob", "roles": []}
    nobody = httpx.get(configuration["userinfo_endpoint"])
    assert nobody.status_code == 401
    assert nobody.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    query = urlencode({"post_logout_redirect_uri": "http://localhost:4200/", "state": "s"})
    assert httpx.get(f"{logout}?{query}").headers["Location"] == "http://localhost:4200/?state=s"
    query = urlencode({"post_logout_redirect_uri": "https://evil.example/"})
    assert "Location" not in httpx.get(f"{logout}?{query}").headers
    refused = httpx.get(f"{logout}?{urlencode({'post_logout_redirect_uri': 'http://['})}")
    assert refused.status_code == 200
    preflight = httpx.options(configuration["token_endpoint"])
    assert preflight.status_code == 204
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    assert httpx.get(f"{configuration['issuer']}/nothing").status_code == 404


def test_session_without_a_page(configuration: Any) -> None:
    """prompt=none signs in who signed in last in this browser, until the logout."""
    silent = {**REQUEST, "prompt": "none"}

    def authorize(browser: httpx.Client, **query: str) -> dict[str, list[str]]:
        response = browser.get(f"{configuration['authorization_endpoint']}?{urlencode(query)}")
        return parse_qs(urlsplit(response.headers["Location"]).query)

    with httpx.Client() as browser:
        nobody = authorize(browser, **silent)
        assert (nobody["error"], nobody["state"]) == (["login_required"], ["a&b"])
        authorize(browser, **REQUEST, subject="bob")
        tokens = exchange_code(configuration, authorize(browser, **silent)["code"][0]).json()
        assert jwt.decode(tokens["id_token"], options={"verify_signature": False})["sub"] == "bob"
        browser.get(configuration["end_session_endpoint"])
        assert authorize(browser, **silent)["error"] == ["login_required"]


def test_key_and_header_files(local: Local) -> None:
    """Only their owner may read them; a header file holds one header for `curl -H @`."""
    key = local.folder / "issuer-key.pem"
    files = [key, *(local.headers / name for name in ("sue", "ada", "bob"))]

    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert (local.headers / "sue").read_text().startswith("Authorization: Bearer ey")
    assert local.api.signed_in(local.header("bob")).get("/users/bob").status == 200
    assert local.api.signed_in(local.header("bob")).get("/users/ada").status == 403


def test_key_is_kept(launch: Launch, local: Local) -> None:
    """Tokens outlive a restart; they are of no use at another `make run`."""
    first = launch()
    first.read_until("ready")
    ada = first.header("ada")
    assert first.stop() == 0
    again = launch(first.folder, first.port)
    again.read_until("ready")

    assert again.api.signed_in(ada).get("/todos").status == 200
    assert local.api.signed_in(ada).get("/todos").status == 401


def test_another_issuer(launch: Launch) -> None:
    """The environment names it; the development issuer is not there."""
    local = launch(**sign_in.VARIABLES)
    assert local.read_until("sign in") == "Callers sign in with https://issuer.shop.example.\n"
    local.forget()

    assert local.api.signed_in(sign_in.staff()).get("/users").status == 200
    assert local.api.signed_in(None).get("/users").status == 401
    assert local.api.signed_in(None).get("/dev-issuer/keys").status == 404


def test_another_issuer_on_this_machine(launch: Launch) -> None:
    """Over http: its documents are fetched with the first token."""
    with running_issuer() as issuer:
        local = launch(OIDC_ISSUER=issuer.url, OIDC_AUDIENCE=AUDIENCE)
        local.read_until("ready")
        local.forget()
        ada = local.api.signed_in(f"Bearer {issuer.token()}")
        sue = local.api.signed_in(f"Bearer {issuer.token('ES256', sub='sue', roles=['staff'])}")

        assert issuer.requests == []
        assert ada.get("/todos").status == 200
        assert sue.get("/users").status == 200
        assert ada.get("/users").status == 403
        assert issuer.requests == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"OIDC_ISSUER": "nonsense"}, "OIDC_ISSUER is 'nonsense'; it must be none, or a URL."),
        ({"OIDC_AUDIENCE": "api"}, "OIDC_AUDIENCE need OIDC_ISSUER, which is not set"),
        ({"OIDC_ISSUER": "https://issuer.shop.example"}, "OIDC_AUDIENCE is not set."),
        (
            {**sign_in.VARIABLES, "OIDC_KEYS": json.dumps({"keys": []})},
            "OIDC_KEYS must be a JWK set in JSON",
        ),
    ],
)
def test_issuer_that_cannot_be_used(
    launch: Launch, variables: dict[str, str], sentence: str
) -> None:
    """One sentence, before anything is started."""
    local = launch(**variables)

    assert local.end() == 1
    (output,) = local.said
    assert output.startswith(sentence)
