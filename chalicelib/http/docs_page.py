"""The docs page: Swagger UI, which shows the OpenAPI document.

Imported when the page is requested, so that no other request pays for it. The page's
Content-Security-Policy allows it to load and run its own files and nothing else.
"""

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from string import Template
from urllib.parse import urlsplit

from chalicelib import oidc, settings

# The digests of the files of swagger-ui-dist, in the version of settings.DOCS_ASSETS
# (https://www.w3.org/TR/sri-2/).
FILES = {
    "swagger-ui-bundle.js": (
        "sha384-9Td7MKiIr2S83E1kZyyVi8KdJw/S8CpAvu0llLyMeg0xq/hDGiZJfVn0fV4llCmK"
    ),
    "oauth2-redirect.js": "sha384-XuY48ztmqRBrZqX+bDrPUqkTumNohu9Bl+yztOEp/hDTS5qXIApmbiD04MrTFpjk",
    "swagger-ui.css": "sha384-4c3vsE5f+trhFyHrFrLM1fFGUn531NIaC7dcqEWIJdoRQJ5CkJbSuSCwXLpaS1KF",
}

# "Authorize" signs in by the authorization code flow with PKCE (RFC 7636) in another window, to
# which the issuer returns this page: there, oauth2-redirect.js hands the code over and closes it.
# The page's own host is the only server, so the menu of servers is removed.
SCRIPT = """
if (window.opener && new URLSearchParams(location.search).has("state")) {
  const script = document.createElement("script");
  Object.assign(script, { crossOrigin: "anonymous", ...document.body.dataset });
  document.head.append(script);
} else {
  const ui = SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#docs",
    oauth2RedirectUrl: location.origin + location.pathname,
    displayRequestDuration: true,
    syntaxHighlight: { theme: "monokai" },
    plugins: [() => ({ wrapComponents: { ServersContainer: () => () => null } })],
  });
  ui.initOAuth({
    clientId: document.getElementById("docs").dataset.client,
    scopes: "openid",
    usePkceWithAuthorizationCodeGrant: true,
  });
}
"""

# Colours with enough contrast, in place of those of Swagger UI's that have too little
# (https://www.w3.org/TR/WCAG22/#contrast-minimum).
STYLE = """
#docs .auth-wrapper .authorize { color: #0b6b3a; border-color: #0b6b3a; }
#docs .auth-wrapper .authorize svg { fill: #0b6b3a; }
#docs .info .title small { background: #4a5160; }
#docs .info .title small.version-stamp { background: #3f6a00; }
#docs .info .url, #docs .info__license .link { color: #0b5cad; }
#docs .json-schema-2020-12-expand-deep-button, #docs .parameter__in { color: #4a5160; }
#docs .opblock-post .opblock-summary-method { background: #0b6b3a; }
#docs .opblock-get .opblock-summary-method { background: #0b5cad; }
#docs .opblock-put .opblock-summary-method { background: #8a4b00; }
#docs .opblock-patch .opblock-summary-method { background: #00695c; }
#docs .opblock-delete .opblock-summary-method { background: #b3261e; }
"""

# Scripts run in this order: the last one needs Swagger UI and the element that it fills.
PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$name</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="$assets/swagger-ui.css" integrity="$css" crossorigin="anonymous">
<style>$style</style>
</head>
<body data-src="$assets/oauth2-redirect.js" data-integrity="$redirect">
<div id="docs" data-client="$client"></div>
<script src="$assets/swagger-ui-bundle.js" integrity="$bundle" crossorigin="anonymous"></script>
<script>$script</script>
</body>
</html>
""")


def html(name: str) -> str:
    """The page of the API with this name, as HTML."""
    return PAGE.substitute(
        name=name,
        assets=settings.DOCS_ASSETS,
        bundle=FILES["swagger-ui-bundle.js"],
        redirect=FILES["oauth2-redirect.js"],
        css=FILES["swagger-ui.css"],
        client=escape(settings.DOCS_CLIENT_ID),
        script=SCRIPT,
        style=STYLE,
    )


def content_security_policy() -> str:
    """The page's Content-Security-Policy (https://www.w3.org/TR/CSP3/)."""
    # With a path that ends in a slash, the source is this folder and not the whole host.
    assets = f"{settings.DOCS_ASSETS}/" if "://" in settings.DOCS_ASSETS else "'self'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {assets} {_digest(SCRIPT)}",
            f"style-src {assets} {_digest(STYLE)}",
            "img-src 'self' data:",
            " ".join(("connect-src 'self'", *_issuer_hosts())),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _issuer_hosts() -> list[str]:
    """The hosts of which the page reads discovery documents, and gets tokens."""
    if settings.OIDC_ISSUER in ("", oidc.NO_AUTH):
        return []
    parts = urlsplit(settings.OIDC_ISSUER)
    hosts = [f"{parts.scheme}://{parts.netloc}"]
    if re.fullmatch(r"cognito-idp\..+\.amazonaws\.com(\.cn)?", parts.netloc):
        # Cognito's discovery document is on another host than its tokens.
        hosts.append("https://*.amazoncognito.com")
    return hosts


def _digest(text: str) -> str:
    """The source expression that allows a script or style in the page itself."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
