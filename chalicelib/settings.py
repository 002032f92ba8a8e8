"""Settings: the environment variables that configure the app, checked once, with defaults."""

import os
import re
from pathlib import Path

from chalicelib import oidc
from chalicelib.errors import SettingError


def _setting(name: str, default: str, pattern: str, right: str) -> str:
    value = os.environ.get(name, default)
    if not re.fullmatch(pattern, value):
        raise SettingError(f"{name} is {value!r}; it must be {right}.")
    return value


STAGE = _setting("STAGE", "local", r"[A-Za-z0-9_-]{1,50}", "1 to 50 of A-Z a-z 0-9 _ -")

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
TABLE_PREFIX = _setting(
    "TABLE_PREFIX",
    f"storefront-{STAGE}-",
    r"[A-Za-z0-9_.-]{1,200}",
    "1 to 200 of A-Z a-z 0-9 _ . -",
)

# The browser origins that may read responses: * or a list, separated by spaces or commas.
# As browsers send them, which is what they are compared with: in small letters, without the port
# that the scheme has by default.
# https://fetch.spec.whatwg.org/#http-access-control-allow-origin
ORIGIN = r"(?:https://[a-z0-9.-]+(?:(?!:443\b):[1-9]\d{0,4})?|http://[a-z0-9.-]+(?:(?!:80\b):[1-9]\d{0,4})?)"
CORS_ALLOW_ORIGINS = tuple(
    _setting(
        "CORS_ALLOW_ORIGIN",
        "*",
        rf"\*|{ORIGIN}([ ,]+{ORIGIN})*",
        "* or origins like https://shop.example.com, as browsers send them: in small letters, and "
        "without a path or a default port (443 of https, 80 of http)",
    )
    .replace(",", " ")
    .split()
)

# For how long browsers refuse plain HTTP for the API's host; 0: no header. `infra` sets it for
# stages with a custom domain. https://www.rfc-editor.org/rfc/rfc6797
HSTS_SECONDS = int(_setting("HSTS_SECONDS", "0", r"\d{1,9}", "a number of seconds"))

# Where the docs page loads Swagger UI from: a folder on the web, or a path of the API's own host.
# Browsers accept the files whose digests are in http/docs_page.py, and no other version.
DOCS_ASSETS = _setting(
    "DOCS_ASSETS",
    "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5.34.0",
    r"(https://[A-Za-z0-9.-]+)?(/[A-Za-z0-9@._-]+)*",
    "an https:// URL or a path, without a closing slash",
)

# Who issues access tokens: the URL of an OpenID Connect issuer, or `oidc.OPEN`. These are checked
# when the API starts (`check_oidc`), and not here, because commands import the app, too.
OIDC_ISSUER = os.environ.get("OIDC_ISSUER", "")
# The values of `aud` (Cognito: `client_id`) that are accepted.
OIDC_AUDIENCES = tuple(os.environ.get("OIDC_AUDIENCE", "").replace(",", " ").split())
# The claims that hold the caller's roles, or paths to them, such as realm_access.roles.
OIDC_ROLES = tuple((os.environ.get("OIDC_ROLES") or "roles").replace(",", " ").split())
# The issuer's public keys, a JWK set in JSON: then none are fetched.
OIDC_KEYS = os.environ.get("OIDC_KEYS", "")

# The version of the function, for the log; None where the API does not run on Lambda.
FUNCTION_VERSION = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")

# Whether the API runs on this machine. On Lambda it does not, even in a stage with this name.
IS_LOCAL = STAGE == "local" and "AWS_LAMBDA_RUNTIME_API" not in os.environ

# The client with which the docs page signs in; without one, it takes a pasted token alone.
DOCS_CLIENT_ID = _setting("DOCS_CLIENT_ID", "", r"[\x21-\x7e]{0,200}", "a client id of the issuer")

# The certificate authorities that issue DynamoDB's certificates, 7 of the 127 in botocore's file:
# loading the others takes a tenth of a cold start. https://www.amazontrust.com/repository/
AMAZON_ROOTS = Path(__file__).parent / "storage" / "amazon_roots.pem"
# The SDKs' own variable, for networks with a TLS-inspecting proxy:
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html
CA_BUNDLE = os.environ.get("AWS_CA_BUNDLE", str(AMAZON_ROOTS))
if not Path(CA_BUNDLE).is_file():
    raise SettingError(f"AWS_CA_BUNDLE is {CA_BUNDLE!r}; it must be a file of certificates.")


def check_oidc() -> None:
    """Raise SettingError if there is no issuer of access tokens that can be used."""
    oidc.check(os.environ, local=IS_LOCAL)
