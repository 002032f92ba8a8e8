"""The docs page: what it may load and run, and from where."""

import re
from base64 import b64encode
from hashlib import sha256, sha384
from importlib.metadata import version

import pytest

from chalicelib import settings
from chalicelib.http import docs_page
from infra.local import server


def test_digests_of_swagger_ui() -> None:
    """The digests are of the version that the CDN's URL names, and that `make run` serves."""
    installed = version("flask-swagger-ui")

    assert f"https://cdn.jsdelivr.net/npm/swagger-ui-dist@{installed}" == settings.DOCS_ASSETS
    for name, digest in docs_page.FILES.items():
        content = (server.ASSETS_FOLDER / name).read_bytes()
        assert digest == f"sha384-{b64encode(sha384(content).digest()).decode()}"


def test_content_security_policy_of_the_docs_page() -> None:
    """The policy has the digests of the one script and style in the page, and no unsafe word."""
    for kind in ("script", "style"):
        (text,) = re.findall(f"<{kind}>(.*?)</{kind}>", docs_page.html("storefront"), re.DOTALL)
        digest = b64encode(sha256(text.encode()).digest()).decode()

        assert (
            f"{kind}-src {settings.DOCS_ASSETS}/ 'sha256-{digest}'"
            in docs_page.content_security_policy()
        )
    assert "default-src 'none'" in docs_page.content_security_policy()
    assert "unsafe" not in docs_page.content_security_policy()


def test_loaded_files_have_digests() -> None:
    """Each file has its digest, and nothing is loaded that has none."""
    page = docs_page.html("storefront")

    loaded = re.findall(
        r'(?:src|href)="(?!data:)([^"]+)"( (?:data-)?integrity="sha384-[^"]+")?', page
    )
    assert len(loaded) == len(docs_page.FILES)
    assert all(integrity for _, integrity in loaded)


@pytest.mark.parametrize(
    ("issuer", "hosts"),
    [
        ("", ""),
        ("none", ""),
        ("https://shop.eu.auth0.com/", " https://shop.eu.auth0.com"),
        ("http://127.0.0.1:8080/realms/shop", " http://127.0.0.1:8080"),
        (
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12",
            " https://cognito-idp.eu-west-1.amazonaws.com https://*.amazoncognito.com",
        ),
        ("https://x.elb.amazonaws.com/realms/shop", " https://x.elb.amazonaws.com"),
    ],
)
def test_hosts_that_the_docs_page_may_call(
    monkeypatch: pytest.MonkeyPatch, issuer: str, hosts: str
) -> None:
    """Its own, and the issuer's."""
    monkeypatch.setattr(settings, "OIDC_ISSUER", issuer)

    assert f"; connect-src 'self'{hosts}; " in docs_page.content_security_policy()


def test_client_id_of_the_docs_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot end its attribute."""
    monkeypatch.setattr(settings, "DOCS_CLIENT_ID", '"><script>')

    assert 'data-client="&quot;&gt;&lt;script&gt;"' in docs_page.html("storefront")
