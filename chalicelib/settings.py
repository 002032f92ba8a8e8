"""Every environment variable that the app reads: once, typed, with its default."""

import os
import re
from pathlib import Path

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

# The browser origin that may read answers: https://fetch.spec.whatwg.org/#http-access-control-allow-origin
CORS_ALLOW_ORIGIN = _setting(
    "CORS_ALLOW_ORIGIN",
    "*",
    r"\*|https?://[A-Za-z0-9.-]+(:\d{1,5})?",
    "* or one origin like https://shop.example.com, without a path",
)

# Where the docs page has Swagger UI from: a folder on the web, or a path on the API's own host. Its
# files are those whose digests docs.py has: a browser takes no other version.
DOCS_ASSETS = _setting(
    "DOCS_ASSETS",
    "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5.34.0",
    r"(https://[A-Za-z0-9.-]+)?(/[A-Za-z0-9@._-]+)*",
    "an https:// URL or a path, without a closing slash",
)

# Amazon's own certificate authorities, which DynamoDB's certificate comes from, out of the 127 that
# botocore has: https://www.amazontrust.com/repository/
AMAZON_ROOTS = Path(__file__).with_name("amazon_roots.pem")
# The SDKs' variable, for networks that look into TLS:
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html
CA_BUNDLE = os.environ.get("AWS_CA_BUNDLE", str(AMAZON_ROOTS))
if not Path(CA_BUNDLE).is_file():
    raise SettingError(f"AWS_CA_BUNDLE is {CA_BUNDLE!r}; it must be a file of certificates.")
