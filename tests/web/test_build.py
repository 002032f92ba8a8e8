"""The build: from the lock alone, the same bytes twice, and small enough."""

import json
import re
import shutil
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from infra.errors import CommandError
from infra.web import build, node


def listed(folder: Path) -> list[str]:
    """The names and versions of the packages that are installed in a folder."""
    lock = json.loads((folder / "node_modules" / ".package-lock.json").read_text())
    return sorted(f"{name} {each['version']}" for name, each in lock["packages"].items())


def npm_ci(folder: Path, cache: Path) -> list[str]:
    """Install the packages. Returns their names and versions."""
    folder.mkdir()
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy2(node.WEB / name, folder / name)
    subprocess.run(
        [*node.npm_command(), "ci", "--silent", "--cache", str(cache)],
        cwd=folder,
        env=node.environment(),
        check=True,
        capture_output=True,
    )
    return listed(folder)


@pytest.mark.timeout(180)
def test_npm_ci_from_an_empty_cache(tmp_path: Path) -> None:
    """The lock has everything, and installs again what make has installed."""
    installed = listed(node.WEB)

    assert npm_ci(tmp_path / "web", tmp_path / "cache") == installed


def test_lock_has_no_holes() -> None:
    """Every package has a version and a digest, and no address of where it came from."""
    packages = json.loads((node.WEB / "package-lock.json").read_text())["packages"]
    del packages[""]
    for name, each in packages.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+\S*", each["version"]), name
        assert each["integrity"].startswith("sha512-"), name
        assert "resolved" not in each, name


def test_two_builds_are_identical(tmp_path: Path) -> None:
    """The same files with the same bytes, without a cache."""
    command = node.command("build", "--output-path", str(tmp_path))
    # The cache of builds is for developers alone (web/angular.json).
    without_cache = node.environment() | {"CI": "true"}
    subprocess.run(command, cwd=node.WEB, env=without_cache, check=True, capture_output=True)

    def contents(folder: Path) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in folder.iterdir()}

    built = contents(build.DIST)
    # A build into another folder has it elsewhere.
    del built["3rdpartylicenses.txt"]
    assert contents(tmp_path / "browser") == built


def test_build_has_no_configuration() -> None:
    """One build serves every stage: config.json is not a part of it, and no URL is in it."""
    names = {file.name for file in build.DIST.iterdir()}

    assert {"index.html", "robots.txt", "favicon.svg"} <= names
    assert "config.json" not in names
    for name in names:
        assert b"dev-issuer" not in (build.DIST / name).read_bytes()


def test_first_download_is_small() -> None:
    """A first visit has at most 115,000 bytes of JavaScript in gzip."""
    size = build.gzip_size(build.DIST, build.initial_modules(build.DIST))

    assert 50_000 < size <= build.MAX_INITIAL == 115_000


@pytest.mark.parametrize(("limit", "size"), [("MAX_INITIAL", 90_000), ("MAX_PAGE", 1_000)])
def test_build_that_is_too_large_fails(
    monkeypatch: pytest.MonkeyPatch, limit: str, size: int
) -> None:
    """The message says what to do."""
    monkeypatch.setattr(build, limit, size)
    # The build that is there already.
    monkeypatch.setattr(node, "command", lambda *_: ["true"])

    with pytest.raises(CommandError, match=r"too large. routes.ts and app.html are a "):
        build.build()


@pytest.mark.parametrize(
    ("version", "supported"),
    [
        ((22, 22, 3), True),
        ((22, 23, 0), True),
        ((24, 15, 0), True),
        ((22, 22, 2), False),
        ((20, 20, 2), False),
        ((23, 0, 0), False),
        ((24, 14, 9), False),
        ((26, 0, 0), False),
    ],
)
def test_supported_versions_of_node(version: tuple[int, int, int], supported: bool) -> None:
    """As npm reads `engines` in web/package.json."""
    assert node.supports("^22.22.3 || ^24.15.0", version) is supported


SOURCE = node.WEB / "src"
LAYERS = ("core", "shared", "features")


def imports_of(file: Path) -> set[Path]:
    """The files of the shop that a file imports, but not on demand."""
    paths = re.findall(r"^(?:import|export)[^;]*? from '(\.[^']+)'", file.read_text(), re.MULTILINE)
    return {(file.parent / f"{path}.ts").resolve() for path in paths}


def layer(file: Path) -> str:
    """The folder of a file in src/app."""
    return file.relative_to(SOURCE).parts[1]


def test_imports_point_one_way() -> None:
    """Features import what is shared and the core, and no file imports itself through others."""
    graph = {file: imports_of(file) for file in (SOURCE / "app").rglob("*.ts")}

    assert len(graph) > 50
    TopologicalSorter(graph).prepare()
    for file, imported in graph.items():
        for other in imported:
            if {layer(file), layer(other)} <= set(LAYERS):
                assert LAYERS.index(layer(file)) >= LAYERS.index(layer(other)), (file, other)
