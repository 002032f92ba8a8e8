"""The docs page: Swagger UI, which shows the OpenAPI document.

Imported when the page is requested, so that no other request pays for it. The page's
Content-Security-Policy allows it to load and run its own files and nothing else.
"""

import re
from base64 import b64encode
from hashlib import sha256
from string import Template
from urllib.parse import urlsplit

from msgspec import json

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

# The page's own host is the only server, so the menu of servers is removed.
#
# The button signs in by the authorization code flow with PKCE, in another window, which
# oauth2-redirect.js ends: it finds `swaggerUIRedirectOauth2` in the window that opened it. For
# other clients, and for a token that is pasted, there is Swagger UI's own dialog.
# https://www.rfc-editor.org/rfc/rfc7636
SCRIPT = Template("""
const redirectUrl = new URL("docs/oauth2-redirect.html", location.href).href;
const [issuer, client] = [$issuer, $client];
const ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  oauth2RedirectUrl: redirectUrl,
  displayRequestDuration: true,
  syntaxHighlight: { theme: "monokai" },
  plugins: [() => ({ wrapComponents: { ServersContainer: () => () => null } })],
});
ui.initOAuth({ clientId: client, scopes: "openid", usePkceWithAuthorizationCodeGrant: true });

const button = document.getElementById("sign-in");
const status = document.getElementById("signed-in");
const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
let signedIn = false;

function show(subject) {
  signedIn = subject !== null;
  button.textContent = signedIn ? "Sign out" : "Sign in";
  status.textContent = signedIn ? `Signed in as $${subject}` : "";
}

async function signIn(popup) {
  const found = await fetch(`$${issuer.replace(/[/]$$/, "")}/.well-known/openid-configuration`);
  const { authorization_endpoint, token_endpoint } = await found.json();
  const [verifier, state] = [random(), random()];
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  let failed = false;
  window.swaggerUIRedirectOauth2 = {
    state,
    redirectUrl,
    auth: { name: "accessToken", schema: new Map([["flow", "authorizationCode"]]) },
    errCb: ({ message }) => { failed = true; status.textContent = message; },
    callback: async ({ auth }) => {
      if (failed) return;
      const body = new URLSearchParams({
        grant_type: "authorization_code", code: auth.code, code_verifier: verifier,
        client_id: client, redirect_uri: redirectUrl,
      });
      const tokens = await (await fetch(token_endpoint, { method: "POST", body })).json();
      if (!tokens.access_token) {
        status.textContent = tokens.error_description ?? tokens.error ?? "There is no token.";
        return;
      }
      ui.preauthorizeApiKey("accessToken", tokens.access_token);
      const payload = tokens.access_token.split(".")[1];
      show(JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))).sub);
    },
  };
  popup.location = `$${authorization_endpoint}?$${new URLSearchParams({
    response_type: "code", scope: "openid", client_id: client, redirect_uri: redirectUrl, state,
    code_challenge: base64url(digest), code_challenge_method: "S256",
  })}`;
}

button.hidden = !client;
button.onclick = () => {
  if (!signedIn) {
    const popup = window.open("", "sign-in");
    if (!popup) {
      status.textContent = "The browser has blocked the window. Allow it, and try again.";
      return;
    }
    signIn(popup).catch(() => {
      popup.close();
      status.textContent = "The issuer cannot be reached.";
    });
    return;
  }
  ui.authActions.logout(["accessToken"]);
  show(null);
};
""")

# Colours with enough contrast, in place of those of Swagger UI's that have too little
# (https://www.w3.org/TR/WCAG22/#contrast-minimum).
STYLE = """
#session { font: 14px sans-serif; margin: 16px auto 0; max-width: 1460px; padding: 0 20px; }
#session button { border: 2px solid #0b6b3a; border-radius: 4px; background: #0b6b3a;
  color: #fff; cursor: pointer; font: bold 14px sans-serif; padding: 8px 24px; }
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
<link rel="stylesheet" href="$assets/swagger-ui.css" integrity="$style" crossorigin="anonymous">
<style>$colours</style>
</head>
<body>
<p id="session">
<button id="sign-in" hidden>Sign in</button>
<span id="signed-in" role="status"></span>
</p>
<div id="docs"></div>
<script src="$assets/swagger-ui-bundle.js" integrity="$script" crossorigin="anonymous"></script>
<script>$start</script>
</body>
</html>
""")


# The issuer sends the window that it signs a person in with here.
REDIRECT_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Signed in</title>
</head>
<body>
<script src="$assets/oauth2-redirect.js" integrity="$script" crossorigin="anonymous"></script>
</body>
</html>
""")


def html(name: str) -> str:
    """The page of the API with this name, as HTML."""
    return PAGE.substitute(
        name=name,
        assets=settings.DOCS_ASSETS,
        script=FILES["swagger-ui-bundle.js"],
        style=FILES["swagger-ui.css"],
        start=_script(),
        colours=STYLE,
    )


def redirect_html() -> str:
    """The page to which the issuer redirects after a sign-in, as HTML."""
    return REDIRECT_PAGE.substitute(assets=settings.DOCS_ASSETS, script=FILES["oauth2-redirect.js"])


def content_security_policy() -> str:
    """The page's Content-Security-Policy (https://www.w3.org/TR/CSP3/)."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_assets()} {_digest(_script())}",
            f"style-src {_assets()} {_digest(STYLE)}",
            "img-src 'self' data:",
            " ".join(("connect-src 'self'", *_issuer_hosts())),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def redirect_content_security_policy() -> str:
    """The Content-Security-Policy of `redirect_html`."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_assets()}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _assets() -> str:
    # With a path that ends in a slash, the source is this folder and not the whole host.
    return f"{settings.DOCS_ASSETS}/" if "://" in settings.DOCS_ASSETS else "'self'"


def _script() -> str:
    """The script that starts Swagger UI. Without a client id, the button is hidden."""
    client = settings.DOCS_CLIENT_ID
    return SCRIPT.substitute(issuer=_quoted(settings.OIDC_ISSUER), client=_quoted(client))


def _quoted(text: str) -> str:
    # A script element ends at the first `</`, wherever that is.
    return json.encode(text).decode().replace("<", "\\u003c")


def _issuer_hosts() -> list[str]:
    """The hosts of which the page reads discovery documents, and gets tokens."""
    if settings.OIDC_ISSUER in ("", oidc.OPEN):
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
