"""The architecture: imports point one way, and there are no cycles."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import PROJECT

ROOTS = ("app.py", "chalicelib", "infra", "bench")

# What a package may import of the project; a package may import itself.
ALLOWED = {
    "chalicelib": set(),
    "chalicelib.auth": {"chalicelib"},
    "chalicelib.storage": {"chalicelib"},
    "chalicelib.http": {"chalicelib", "chalicelib.auth", "chalicelib.storage"},
    "chalicelib.events": {"chalicelib", "chalicelib.storage"},
    "chalicelib.webhooks": {"chalicelib", "chalicelib.storage"},
    "app": {"chalicelib", "chalicelib.http", "chalicelib.storage"},
    "infra": {"chalicelib", "chalicelib.events", "chalicelib.webhooks"},
    "infra.data": {
        *("chalicelib", "chalicelib.auth", "chalicelib.events", "chalicelib.http"),
        *("chalicelib.storage", "infra", "infra.deploy"),
    },
    "infra.docs": {"app", "chalicelib", "chalicelib.http", "infra"},
    "infra.template": {
        *("app", "chalicelib", "chalicelib.http", "chalicelib.webhooks", "infra", "infra.data"),
    },
    "infra.deploy": {
        *("chalicelib", "infra", "infra.data", "infra.docs", "infra.template"),
    },
    "infra.local": {
        *("app", "chalicelib", "chalicelib.events", "chalicelib.http", "chalicelib.storage"),
        *("chalicelib.webhooks", "infra", "infra.data", "infra.docs"),
    },
    "infra.load": {"infra"},
    "infra.web": {"infra", "infra.deploy", "infra.local", "infra.template"},
    "bench": {"infra", "infra.deploy"},
}
# Modules at the end of the chain: they import a command or a layer when it is needed.
ENTRY_POINTS = {
    "infra.cli": {
        *(
            "chalicelib.storage",
            "chalicelib.webhooks",
            "infra.deploy",
            "infra.template",
            "infra.data",
            "infra.docs",
            "infra.load",
        ),
        *("infra.local", "infra.web"),
    },
    # It opens the connection of the Init phase.
    "chalicelib.cold_start": {"chalicelib.storage"},
    # The public names of all layers.
    "chalicelib.framework": {"chalicelib.http", "chalicelib.storage"},
}


def modules() -> dict[str, Path]:
    """The project's modules by name, without the bench's peers, which are programs of their own."""
    files = [
        file
        for root in ROOTS
        for file in ([PROJECT / root] if root.endswith(".py") else (PROJECT / root).rglob("*.py"))
        if "peers" not in file.parts
    ]
    return {
        ".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__"): file
        for file in files
    }


MODULES = modules()


def imported(name: str) -> set[str]:
    """The project's modules that a module imports, inside functions, too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    known = found & MODULES.keys()
    # `from package import module` does not import names from the package itself.
    return {each for each in known if not any(other.startswith(f"{each}.") for other in known)}


def package(name: str) -> str:
    """The package of a module in ALLOWED."""
    return max((each for each in ALLOWED if f"{name}.".startswith(f"{each}.")), key=len)


def test_imports_have_no_cycles() -> None:
    """No module imports itself through others."""
    graph = {name: imported(name) - {name} for name in MODULES}

    assert len(graph) > 50
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_one_way(name: str) -> None:
    """A module imports its own package, and those that ALLOWED lists."""
    own = package(name)

    others = {package(each) for each in imported(name)} - {own}

    assert others <= ALLOWED[own] | ENTRY_POINTS.get(name, set())
