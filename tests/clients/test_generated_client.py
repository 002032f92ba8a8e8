"""A client that is generated from the OpenAPI document, at work."""

import importlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

from chalicelib.http.api import OPENAPI_FILE
from tests.client import Client
from tests.conftest import PROJECT, SHELL
from tests.samples import unique

BIN = PROJECT / ".venv" / "bin"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the package that openapi-python-client has made. It warns of nothing."""
    folder = tmp_path_factory.mktemp("generated") / "client"
    result = subprocess.run(
        [
            BIN / "openapi-python-client",
            *("generate", "--path", OPENAPI_FILE, "--output-path", folder, "--fail-on-warning"),
        ],
        # It puts what it writes in shape with ruff.
        env=SHELL | {"PATH": f"{BIN}:{SHELL['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def test_generated_client_creates_changes_lists_and_deletes(
    generated: Path, live: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the names and types of the document alone."""
    monkeypatch.syspath_prepend(generated)
    package: Any = importlib.import_module("storefront_client")
    models: Any = importlib.import_module("storefront_client.models")
    products = {
        name: importlib.import_module(f"storefront_client.api.products.{name}").sync_detailed
        for name in ("create_product", "patch_product", "list_products", "delete_product")
    }
    deployment: Any = live.deployment
    key = unique()
    token = (live.authorization or "").removeprefix("Bearer ")
    url = f"http://{deployment.netloc}"
    with package.AuthenticatedClient(base_url=url, token=token) as client:
        body = models.NewProduct(name="Teapot", price=34.5, id=key)
        created = products["create_product"](client=client, body=body, idempotency_key=unique())
        assert (created.status_code, created.parsed.id) == (201, key)
        again = products["create_product"](client=client, body=body)
        assert (again.status_code, again.parsed.errors[0].field) == (409, "id")

        changes = models.ProductChanges(price=30)
        changed = products["patch_product"](
            key, client=client, body=changes, if_match=created.parsed.etag
        )
        assert (changed.status_code, changed.parsed.price) == (200, 30)
        stale = products["patch_product"](
            key, client=client, body=changes, if_match=created.parsed.etag
        )
        assert (stale.status_code, stale.parsed.title) == (412, "Precondition Failed")

        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = products["list_products"](client=client, limit=2, **cursor).parsed
            found += [item.id for item in page.items]
            if page.next_ is None:
                break
            cursor = {"cursor": page.next_}
        assert key in found
        assert len(set(found)) == len(found)

        deleted = products["delete_product"](key, client=client, if_match=changed.parsed.etag)
        assert deleted.status_code == 204
        assert live.get(f"/products/{key}").status == 404
