"""The front end's hosting: a private bucket behind CloudFront, and the headers of its files.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
"""

from collections.abc import Iterable

# A year, for hashed files, whose content never changes.
IMMUTABLE = "public, max-age=31536000, immutable"
# For the files that name the others: a browser asks each time whether they have changed.
REVALIDATED = "no-cache"
# https://hstspreload.org
HSTS_SECONDS = 2 * 365 * 24 * 60 * 60

# CloudFront Functions run ECMAScript 5.1 with parts of later versions. Every path is a page of
# the application, except for files, which have a dot and are not in a folder: a product's key may
# have a dot, too.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html
REWRITE = r"""
function handler(event) {
  var request = event.request;
  if (!/^\/[^\/]+\.[^\/]+$/.test(request.uri)) request.uri = '/index.html';
  return request;
}
""".strip()


def content_security_policy(connect: Iterable[str]) -> str:
    """The value of Content-Security-Policy; `connect` has the origins of the API and the issuer.

    https://www.w3.org/TR/CSP3/, https://angular.dev/best-practices/security
    """
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": " ".join(["'self'", *connect]),
        "base-uri": "'self'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "angular",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def security_headers(connect: Iterable[str]) -> dict[str, str]:
    """The headers of every response of the site."""
    return {
        "Content-Security-Policy": content_security_policy(connect),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Strict-Transport-Security": f"max-age={HSTS_SECONDS}; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def cache_control(name: str) -> str:
    """The value of Cache-Control of a file of the build."""
    return IMMUTABLE if name.endswith((".js", ".css")) else REVALIDATED
