"""An OpenID Connect issuer for development: it signs anybody in as one of three sample people.

server.py serves it under PATH. It has discovery, keys, the authorization code flow with PKCE,
refresh tokens that are used once, client credentials, user info and logout, with CORS. A cookie
remembers the person for `prompt=none`. Codes and refresh tokens are signed, and a file beside the
key has those that were used, so that a restart of the API changes nothing.
https://openid.net/specs/openid-connect-core-1_0.html
https://www.rfc-editor.org/rfc/rfc6749
https://www.rfc-editor.org/rfc/rfc7636
"""

import html
import json
import os
import re
import secrets
from base64 import b64decode, urlsafe_b64encode
from hashlib import sha256
from http import HTTPStatus
from math import inf
from pathlib import Path
from threading import Lock
from time import time
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import PyJWTError

from infra.local.loopback import HOST, is_local_host

PATH = "/dev-issuer"
AUDIENCE = "storefront"
ALGORITHM = "RS256"
# The type of a JWT that is an access token (RFC 9068 section 2.1).
AT_JWT = "at+jwt"
KEY_FILE = "issuer-key.pem"
USED_FILE = "issuer-used.json"
# The cookie with the subject of the person who signed in last, and when, in seconds since 1970.
COOKIE = "storefront-dev-issuer"
# The environment variable with the path of the key.
KEY_VARIABLE = "DEV_ISSUER_KEY"

# The sample people by subject: name and roles.
PEOPLE: dict[str, tuple[str, list[str]]] = {
    "sue": ("Sue", ["staff"]),
    "ada": ("Ada", []),
    "bob": ("Bob", []),
}

CODE_SECONDS = 60
TOKEN_SECONDS = 60 * 60
REFRESH_SECONDS = 30 * 24 * 60 * 60
# Of the tokens in the header files, which are written when `make run` starts.
HEADER_SECONDS = 7 * 24 * 60 * 60

Response = dict[str, Any]

CORS = {
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Vary": "Origin",
}
# Places on this machine. The issuer gives tokens to whoever asks, so it knows no others: neither
# as an origin or a redirection, nor as the name under which it is called.
# RFC 7636 section 4.1.
CODE_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
SCOPES = ("openid", "profile", "offline_access")
LOCAL_URL = re.compile(rf"https?://{HOST}(/[!-\[\]-~]*)?", re.IGNORECASE)
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1.1rem system-ui, sans-serif; margin: 4rem auto; max-width: 24rem; padding: 0 1rem; }}
button {{ display: block; font: inherit; margin: .8rem 0; padding: .7rem 1rem; width: 100%; }}
</style>
</head>
<body>
<h1>{title}</h1>
{content}
</body>
</html>
"""


class Refused(Exception):
    """An error of OAuth 2.0 (RFC 6749 section 5.2): its code, and a sentence."""

    def __init__(self, code: str, sentence: str, challenge: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        # The scheme of the credentials that were refused, or empty.
        self.challenge = challenge


class Issuer:
    """The issuer at a URL, with the private key in a file."""

    def __init__(self, url: str, key_file: Path) -> None:
        self.url = url
        self._netloc = urlsplit(url).netloc
        key: Any = serialization.load_pem_private_key(key_file.read_bytes(), None)
        self._key = key
        public: dict[str, Any] = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        self._key_id = sha256(public["n"].encode()).hexdigest()[:16]
        del public["key_ops"]
        self.keys = {"keys": [{**public, "kid": self._key_id, "use": "sig", "alg": ALGORITHM}]}
        # When codes, refresh tokens and families of them expire that were used or revoked.
        self._used_file = key_file.with_name(USED_FILE)
        self._used: dict[str, int] = {}
        if self._used_file.exists():
            self._used = json.loads(self._used_file.read_text())
        self._lock = Lock()

    def respond(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Response:
        """The response to a request below PATH, as a Lambda function returns it."""
        origin = headers.get("origin")
        if not is_local_host(headers.get("host", "")) or not _is_local(origin or self.url):
            return _json({"error": "access_denied", "error_description": "Not from here."}, 403)
        if target.startswith(f"{PATH}/.well-known/") and headers["host"] != self._netloc:
            # Clients compare the issuer with the URL that they asked.
            sentence = f"The issuer is {self.url}: use this URL."
            response = _json({"error": "invalid_request", "error_description": sentence}, 421)
        else:
            response = self._respond(method, target, headers, body)
        if origin:
            response["headers"]["Access-Control-Allow-Origin"] = origin
        return response

    def _respond(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Response:
        parts = urlsplit(target)
        name = parts.path.removeprefix(PATH)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        form = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))
        try:
            match method, name:
                case "OPTIONS", _:
                    return _response(204, "")
                case (("GET" | "HEAD"), "/.well-known/openid-configuration"):
                    return _json(self.configuration())
                case (("GET" | "HEAD"), "/keys"):
                    return _json(self.keys)
                case (("GET" | "POST"), "/authorize"):
                    return self._authorize({**query, **form}, headers.get("cookie", ""))
                case "POST", "/token":
                    return _json(self._token(form, headers))
                case (("GET" | "POST"), "/userinfo"):
                    return _json(self._user_info(headers))
                case (("GET" | "POST"), "/logout"):
                    return self._log_out({**query, **form})
        except Refused as error:
            content = {"error": error.code, "error_description": str(error)}
            if not error.challenge:
                return _json(content, 400)
            response = _json(content, 401)
            challenge = f'{error.challenge} error="{error.code}", error_description="{error}"'
            response["headers"]["WWW-Authenticate"] = challenge
            return response
        return _page(404, "Not found", "<p>The development issuer has no such page.</p>")

    def configuration(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "end_session_endpoint": f"{self.url}/logout",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "scopes_supported": [*SCOPES, "staff"],
            "claims_supported": ["sub", "name", "roles", "auth_time"],
        }

    def access_token(
        self, subject: str, client: str, roles: list[str], seconds: int = TOKEN_SECONDS
    ) -> str:
        """An access token (RFC 9068)."""
        claims = {"aud": AUDIENCE, "sub": subject, "client_id": client, "roles": roles}
        return self._signed(AT_JWT, claims, seconds)

    def _authorize(self, query: dict[str, str], cookies: str) -> Response:
        """The page with a button per person, or the redirect with a code for the chosen one.

        `prompt=none` chooses the person who signed in last, without a page.
        https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest
        """
        redirect = query.get("redirect_uri", "")
        if not _is_local(redirect):
            return _page(
                400, "Cannot sign in", "<p>redirect_uri must be a URL on this machine.</p>"
            )
        pkce = query.get("code_challenge") and query.get("code_challenge_method") == "S256"
        if query.get("response_type") != "code" or not query.get("client_id") or not pkce:
            return _page(
                400,
                "Cannot sign in",
                "<p>The request needs response_type=code, a client_id, a code_challenge, and "
                "code_challenge_method=S256.</p>",
            )
        state = {"state": query["state"]} if "state" in query else {}
        subject, authenticated_at = query.pop("subject", None), int(time())
        if query.get("prompt") == "none":
            found = re.search(rf"(?:^|; ){COOKIE}=(\w+)\.(\d{{1,12}})(?:;|$)", cookies)
            subject, authenticated_at = (found[1], int(found[2])) if found else (None, 0)
            if subject not in PEOPLE or time() - authenticated_at > _seconds(query.get("max_age")):
                return _redirect(redirect, {"error": "login_required", **state, "iss": self.url})
        if subject not in PEOPLE:
            return _sign_in_page(query)
        names = ("client_id", "redirect_uri", "code_challenge", "nonce", "scope")
        claims: dict[str, Any] = {name: query[name] for name in names if name in query}
        claims |= {"sub": subject, "auth_time": authenticated_at, "family": secrets.token_hex(8)}
        code = self._signed("code", claims, CODE_SECONDS)
        cookie = _cookie(f"{subject}.{authenticated_at}")
        return _redirect(redirect, {"code": code, **state, "iss": self.url}, cookie)

    def _token(self, form: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        client = _client(form, headers)
        match form.get("grant_type"):
            case "authorization_code":
                code = self._verified("code", form.get("code", ""))
                verifier = form.get("code_verifier", "")
                digest = sha256(verifier.encode()).digest()
                challenge = urlsafe_b64encode(digest).decode().rstrip("=")
                sent = {"client_id": client, "redirect_uri": form.get("redirect_uri")}
                same = all(code.get(name) == value for name, value in sent.items())
                verified = CODE_VERIFIER.fullmatch(verifier) and code["code_challenge"] == challenge
                if not same or not verified:
                    raise Refused("invalid_grant", "The code is not for this request.")
                self._use(code)
                return self._tokens(code, client, code.get("nonce"))
            case "refresh_token":
                token = self._verified("refresh", form.get("refresh_token", ""))
                if token["client_id"] != client:
                    raise Refused("invalid_grant", "The refresh token is another client's.")
                self._use(token)
                return self._tokens(token, client, None)
            case "client_credentials":
                # Every client may have every role here: that is what development is for.
                roles = [each for each in form.get("scope", "").split() if each != "openid"]
                token_text = self.access_token(client, client, roles)
                return {
                    "access_token": token_text,
                    "token_type": "Bearer",
                    "expires_in": TOKEN_SECONDS,
                    "scope": " ".join(roles),
                }
        raise Refused("unsupported_grant_type", "grant_type is not one of the discovery document.")

    def _tokens(self, grant: dict[str, Any], client: str, nonce: str | None) -> dict[str, Any]:
        """The tokens for the claims of a code, or of a refresh token."""
        subject = grant["sub"]
        name, roles = PEOPLE[subject]
        access_token = self.access_token(subject, client, roles)
        half = sha256(access_token.encode()).digest()[:16]
        # OpenID Connect Core section 12.2: a refresh keeps the time of the sign-in.
        kept = {"sub": subject, "auth_time": grant["auth_time"]}
        claims = {**kept, "aud": client, "name": name, "roles": roles}
        claims["at_hash"] = urlsafe_b64encode(half).decode().rstrip("=")
        if nonce:
            claims["nonce"] = nonce
        scope = " ".join(each for each in grant.get("scope", "").split() if each in SCOPES)
        refresh = {**kept, "client_id": client, "scope": scope, "family": grant["family"]}
        return {
            "access_token": access_token,
            "id_token": self._signed("JWT", claims, TOKEN_SECONDS),
            "refresh_token": self._signed("refresh", refresh, REFRESH_SECONDS),
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": scope,
        }

    def _user_info(self, headers: dict[str, str]) -> dict[str, Any]:
        token = headers.get("authorization", "").partition(" ")[2]
        claims = self._verified(AT_JWT, token)
        name, _ = PEOPLE.get(claims["sub"], (claims["sub"], []))
        return {"sub": claims["sub"], "name": name, "roles": claims["roles"]}

    def _log_out(self, given: dict[str, str]) -> Response:
        """Forget the person."""
        redirect = given.get("post_logout_redirect_uri", "")
        if _is_local(redirect):
            state = {"state": given["state"]} if "state" in given else {}
            return _redirect(redirect, state, _cookie(""))
        response = _page(200, "Signed out", "<p>You are signed out.</p>")
        response["headers"]["Set-Cookie"] = _cookie("")
        return response

    def _use(self, claims: dict[str, Any]) -> None:
        """Check that a code or a refresh token is used for the first time. Raises Refused.

        A second use revokes all that came of the same sign-in (RFC 9700 section 4.14.2).
        """
        now = int(time())
        with self._lock:
            names = claims["jti"], claims["family"]
            is_used = not self._used.keys().isdisjoint(names)
            name = names[1] if is_used else names[0]
            self._used = {each: end for each, end in self._used.items() if end > now}
            self._used[name] = now + REFRESH_SECONDS
            unfinished = self._used_file.with_suffix(".part")
            unfinished.write_text(json.dumps(self._used))
            unfinished.replace(self._used_file)
        if is_used:
            raise Refused("invalid_grant", "It was used before, or it is revoked.")

    def _signed(self, kind: str, claims: dict[str, Any], seconds: int) -> str:
        now = int(time())
        common = {"iss": self.url, "iat": now, "exp": now + seconds, "jti": secrets.token_hex(8)}
        headers = {"kid": self._key_id, "typ": kind}
        return jwt.encode({**common, **claims}, self._key, algorithm=ALGORITHM, headers=headers)

    def _verified(self, kind: str, token: str) -> dict[str, Any]:
        """The claims of something that `_signed` returned. Raises Refused."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=[ALGORITHM],
                issuer=self.url,
                options={"verify_aud": False},
            )
            if jwt.get_unverified_header(token)["typ"] == kind:
                return claims
        except PyJWTError:
            pass
        sentence = "It was not issued here, or it has expired."
        if kind == AT_JWT:
            # RFC 6750 section 3.
            raise Refused("invalid_token", sentence, challenge="Bearer")
        raise Refused("invalid_grant", sentence)


def make_key(folder: Path) -> Path:
    """The file with the issuer's private key in the data folder; made if it does not exist."""
    file = folder / KEY_FILE
    if not file.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        unfinished = file.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as opened:
            opened.write(pem)
        unfinished.replace(file)
    return file


def write_headers(issuer: Issuer, folder: Path) -> None:
    """Write a file for each of PEOPLE, for `curl -H @FOLDER/sue`."""
    folder.mkdir(parents=True, exist_ok=True)
    for subject, (_, roles) in PEOPLE.items():
        token = issuer.access_token(subject, "header-file", roles, HEADER_SECONDS)
        file = folder / subject
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as opened:
            opened.write(f"Authorization: Bearer {token}\n")


def _client(form: dict[str, str], headers: dict[str, str]) -> str:
    """The client's id, from the form or from HTTP Basic (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            # Encoded as in a form, with `+` for a space.
            client = unquote_plus(b64decode(encoded, validate=True).decode().partition(":")[0])
        except ValueError:
            client = ""
        if not client:
            raise Refused("invalid_client", "Authorization is not valid.", challenge="Basic")
        return client
    if not form.get("client_id"):
        raise Refused("invalid_client", "The request needs a client_id.")
    return form["client_id"]


def _sign_in_page(query: dict[str, str]) -> Response:
    fields = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in query.items()
    )
    buttons = "".join(
        f'<button name="subject" value="{subject}">{name} '
        f"({'staff' if 'staff' in roles else 'customer'})</button>"
        for subject, (name, roles) in PEOPLE.items()
    )
    return _page(200, "Sign in as", f'<form action="{PATH}/authorize">{fields}{buttons}</form>')


def _is_local(url: str) -> bool:
    # Not by urlsplit, which reads a backslash differently than browsers do.
    return LOCAL_URL.fullmatch(url) is not None and "#" not in url


def _redirect(url: str, parameters: dict[str, str], cookie: str | None = None) -> Response:
    mark = "&" if urlsplit(url).query else "?"
    headers = {"Location": f"{url}{mark}{urlencode(parameters)}" if parameters else url}
    if cookie is not None:
        headers["Set-Cookie"] = cookie
    return _response(302, "", **headers)


def _seconds(max_age: str | None) -> float:
    """The value of `max_age`: no limit, if it is not given or no number."""
    return float(max_age) if max_age and max_age.isascii() and max_age.isdigit() else inf


def _cookie(value: str) -> str:
    """The cookie that remembers a person; an empty value forgets them."""
    seconds = REFRESH_SECONDS if value else 0
    return f"{COOKIE}={value}; Path={PATH}; Max-Age={seconds}; HttpOnly; SameSite=Lax"


def _page(status: int, title: str, content: str) -> Response:
    text = PAGE.format(title=title, content=content)
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
    )
    return _response(
        status,
        text,
        **{"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy},
    )


def _json(content: dict[str, Any], status: int = HTTPStatus.OK) -> Response:
    return _response(status, json.dumps(content), **{"Content-Type": "application/json"})


def _response(status: int, body: str, **headers: str) -> Response:
    return {
        "statusCode": int(status),
        "headers": {**CORS, "Cache-Control": "no-store", **headers},
        "multiValueHeaders": {},
        "body": body,
    }
