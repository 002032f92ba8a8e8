"""The docs page: Swagger UI, which shows the OpenAPI document.

Imported when the page is requested, so that no other request pays for it. The page's
Content-Security-Policy allows it to load and run its own files and nothing else.
"""

from base64 import b64encode
from hashlib import sha256
from string import Template

from chalicelib import settings

# The digests of the files of swagger-ui-dist, in the version of settings.DOCS_ASSETS
# (https://www.w3.org/TR/sri-2/).
FILES = {
    "swagger-ui-bundle.js": (
        "sha384-9Td7MKiIr2S83E1kZyyVi8KdJw/S8CpAvu0llLyMeg0xq/hDGiZJfVn0fV4llCmK"
    ),
    "swagger-ui.css": "sha384-4c3vsE5f+trhFyHrFrLM1fFGUn531NIaC7dcqEWIJdoRQJ5CkJbSuSCwXLpaS1KF",
}

# The page's own host is the only server, so the menu of servers is removed.
SCRIPT = """
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  displayRequestDuration: true,
  syntaxHighlight: { theme: "monokai" },
  plugins: [() => ({ wrapComponents: { ServersContainer: () => () => null } })],
});
"""

# Colours with enough contrast, in place of those of Swagger UI's that have too little
# (https://www.w3.org/TR/WCAG22/#contrast-minimum), and no empty box where the servers' menu was.
STYLE = """
#docs .scheme-container { display: none; }
#docs .info .title small { background: #4a5160; }
#docs .info .title small.version-stamp { background: #3f6a00; }
#docs .info .url { color: #0b5cad; }
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
<div id="docs"></div>
<script src="$assets/swagger-ui-bundle.js" integrity="$script" crossorigin="anonymous"></script>
<script>$start</script>
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
        start=SCRIPT,
        colours=STYLE,
    )


def content_security_policy() -> str:
    """The page's Content-Security-Policy (https://www.w3.org/TR/CSP3/)."""
    # With a path that ends in a slash, the source is this folder and not the whole host.
    source = f"{settings.DOCS_ASSETS}/" if "://" in settings.DOCS_ASSETS else "'self'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {source} {_digest(SCRIPT)}",
            f"style-src {source} {_digest(STYLE)}",
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _digest(text: str) -> str:
    """The source expression that allows a script or style in the page itself."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
