"""`make package`: the template, as CloudFormation expands it, and the zip."""

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from cfnlint.api import lint_file

from infra import stages
from infra.deploy import bundle
from tests import sign_in
from tests.conftest import PROJECT
from tests.deployed import mappings
from tests.deployed.conftest import CLEAN
from tests.deployed.mappings import BadRequest
from tests.deployed.templates import (
    ASYNCHRONOUS,
    DOMAIN,
    EVERYTHING,
    VPC,
    Package,
    expanded,
    of_type,
    only,
)

# Not among the requirements: it pins other versions of AWS's SDK.
CHECKOV = "checkov@3.2.489"
RUNTIME = f"python3.{sys.version_info.minor}"
SHORT = 1000


@pytest.fixture(scope="module")
def prod(package: Package) -> Path:
    """The package of prod, as it is."""
    return package("prod")


@pytest.fixture(scope="module")
def full(package: Package) -> Path:
    """The package of a stage with every setting."""
    return package("test", EVERYTHING, ASYNCHRONOUS)


SNAPSHOTS = {
    "prod": ("prod", {}, "", {}, {}),
    "everything": ("test", EVERYTHING, ASYNCHRONOUS, {}, {}),
    "plan": ("dev", {"usage_plan": {}}, "", VPC | DOMAIN, {"OIDC_ISSUER": "none"}),
}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_template_is_the_snapshot(package: Package, name: str) -> None:
    """A change of the template is read as a change of tests/deployed/snapshots.

    SNAPSHOTS=write .venv/bin/python -m pytest -k snapshot tests/deployed writes them again.
    """
    stage, settings, source, chalice, variables = SNAPSHOTS[name]
    folder = package(stage, settings, source, chalice, **variables)
    template = json.loads((folder / "sam.json").read_text().replace(RUNTIME, "python3.x"))
    if name != "plan":
        # One of them has the document of the API, which is half of the template.
        del template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    text = "".join(f"{line}\n" for line in lines("", template))
    file = Path(__file__).with_name("snapshots") / f"{name}.txt"
    if os.environ.get("SNAPSHOTS") == "write":
        file.write_text(text)

    assert lint_file(folder / "sam.json") == []
    assert text.splitlines() == file.read_text().splitlines()


def lines(path: str, value: Any) -> Iterator[str]:
    """A JSON value as lines of a path and a value that is short, or that no dictionary contains."""
    text = json.dumps(value, sort_keys=True)
    if isinstance(value, dict) and len(text) > SHORT:
        for name, each in sorted(value.items()):
            yield from lines(f"{path}/{name}", each)
    else:
        yield f"{path} {text}"


@pytest.mark.parametrize("stage", stages.cloud_stages())
def test_cfn_lint_has_no_finding(package: Package, stage: str) -> None:
    """The template of every stage, as it is."""
    assert lint_file(package(stage) / "sam.json") == []


@pytest.mark.parametrize(
    "settings",
    [{"access_logs": False, "point_in_time_recovery": False, "alarms": False}, {"site": {}}],
    ids=["little", "site"],
)
def test_cfn_lint_has_no_finding_with_other_settings(
    package: Package, settings: dict[str, Any]
) -> None:
    """Each setting makes something that CloudFormation takes."""
    assert lint_file(package("prod", settings) / "sam.json") == []


@pytest.mark.timeout(180)
def test_checkov_has_no_finding(package: Package, prod: Path, full: Path, tmp_path: Path) -> None:
    """What is not as checkov wants it has a reason beside it: in templates and in workflows."""
    site = package("dev", {"site": {}, "alarms": True})
    for name, folder in {"prod": prod, "everything": full, "site": site}.items():
        (tmp_path / f"{name}.json").write_bytes((folder / "sam.json").read_bytes())
    shutil.copytree(PROJECT / ".github", tmp_path / ".github")
    frameworks = ["cloudformation", "github_actions"]

    output = subprocess.run(
        [
            *(str(PROJECT / ".venv/bin/uv"), "tool", "run", CHECKOV, "--skip-download"),
            *("--output", "json", "--framework", *frameworks, "--directory", str(tmp_path)),
        ],
        env=CLEAN,
        capture_output=True,
        text=True,
        check=False,
    )

    reports = {each["check_type"]: each["results"] for each in json.loads(output.stdout)}
    assert sorted(reports) == frameworks
    for results in reports.values():
        assert [(each["check_id"], each["resource"]) for each in results["failed_checks"]] == []
        assert results["passed_checks"]
        assert results["parsing_errors"] == []
    templates = {each["file_path"] for each in reports["cloudformation"]["passed_checks"]}
    assert templates == {"/prod.json", "/everything.json", "/site.json"}


ORIGINS = ("https://shop.example", "https://staff.example")
ALLOW_ORIGIN = "Access-Control-Allow-Origin"


@pytest.mark.parametrize("origins", [("*",), ORIGINS[:1], ORIGINS], ids=len)
def test_gateway_responses_have_the_apis_form(package: Package, origins: tuple[str, ...]) -> None:
    """Problem documents that every allowed origin can read, 404 for an unknown path, and 405."""
    variables: dict[str, str] = stages.load("dev").config.environment_variables
    variables = {**variables, "CORS_ALLOW_ORIGIN": " ".join(origins)}
    folder = package("dev", chalice={"environment_variables": variables}, OIDC_ISSUER="none")
    document = only(expanded(folder), "AWS::ApiGateway::RestApi")["Body"]
    responses = document["x-amazon-apigateway-gateway-responses"]

    mappings.check(document)
    unknown = responses["MISSING_AUTHENTICATION_TOKEN"]
    assert unknown["statusCode"] == "404"
    assert responses["THROTTLED"]["statusCode"] == "429"
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "INTEGRATION_TIMEOUT", "WAF_FILTERED"} <= set(responses)
    literal = "*" if len(origins) > 1 else origins[0]
    for response in responses.values():
        headers = response["responseParameters"]
        assert headers[f"gatewayresponse.header.{ALLOW_ORIGIN}"] == f"'{literal}'"
        assert headers.get("gatewayresponse.header.Vary") == (
            None if origins == ("*",) else "'Origin'"
        )
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        assert headers["gatewayresponse.header.X-Request-Id"] == "context.requestId"
        problem = json.loads(response["responseTemplates"]["application/json"])
        assert set(problem) == {"type", "title", "status", "detail", "requestId"}
        assert str(problem["status"]) == response["statusCode"]
    for path, operations in document["paths"].items():
        other = operations["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]
        preflight = operations["options"]["x-amazon-apigateway-integration"]
        named = {name.upper() for name in operations if not name.startswith("x-")}
        answer = other["responses"]["default"]
        assert (other["type"], answer["statusCode"]) == ("mock", "405"), path
        allow = answer["responseParameters"]["method.response.header.Allow"].strip("'")
        assert set(allow.split(", ")) == named
        for integration in (other, preflight):
            for name, origin in itertools.product(("Origin", "origin"), (*ORIGINS, "https://x.y")):
                allowed = allowed_origin(integration["responses"]["default"], {name: origin})
                expected = origin if origin in origins else None
                assert allowed == (origins[0] if len(origins) == 1 else expected)


def allowed_origin(response: dict[str, Any], headers: dict[str, str]) -> str | None:
    """The origin that a mock integration's response allows, as API Gateway makes it."""
    literal = response["responseParameters"].get(f"method.response.header.{ALLOW_ORIGIN}")
    template = response.get("responseTemplates", {}).get("application/json", "")
    _, overrides = mappings.render(template, headers)
    return overrides.get(ALLOW_ORIGIN, literal.strip("'") if literal else None)


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("integration response", "method.request.header.Origin"),
        ("integration response", "https://shop.example"),
        ("gateway response", "integration.response.header.Origin"),
        ("gateway response", "*"),
    ],
)
def test_mappings_that_api_gateway_refuses(prod: Path, kind: str, source: str) -> None:
    """The emulators refuse them, too: a stack with such a document is rolled back."""
    document = only(expanded(prod), "AWS::ApiGateway::RestApi")["Body"]
    mappings.check(document)
    if kind == "gateway response":
        response = document["x-amazon-apigateway-gateway-responses"]["THROTTLED"]
        response["responseParameters"]["gatewayresponse.header.X"] = source
    else:
        integration = document["paths"]["/users"]["options"]["x-amazon-apigateway-integration"]
        response = integration["responses"]["default"]
        response["responseParameters"]["method.response.header.Vary"] = source

    with pytest.raises(BadRequest, match="Invalid mapping expression"):
        mappings.check(document)


@pytest.mark.parametrize("stage", stages.cloud_stages())
def test_one_stage_of_the_api(package: Package, stage: str) -> None:
    """SAM makes no second one, which would lack the throttle, the log and the web ACL."""
    resources = expanded(package(stage))

    assert [
        name
        for name, each in of_type(resources, "AWS::ApiGateway::Deployment").items()
        if "StageName" in each["Properties"]
    ] == []
    api_stages = of_type(resources, "AWS::ApiGateway::Stage").values()
    assert [each["Properties"]["StageName"] for each in api_stages] == [stage]


@pytest.mark.parametrize("issuer", [sign_in.VARIABLES, {"OIDC_ISSUER": "none"}])
def test_no_user_pool_beside_an_issuer(package: Package, issuer: dict[str, str]) -> None:
    """The issuer of the environment, or none, is the function's."""
    folder = package("dev", **issuer)
    resources = expanded(folder)

    variables = resources["APIHandler"]["Properties"]["Environment"]["Variables"]
    assert {name: variables[name] for name in issuer} == issuer
    assert of_type(resources, "AWS::Cognito::UserPool") == {}
    assert lint_file(folder / "sam.json") == []


def test_zip_contents(prod: Path) -> None:
    """Under 6.5 MB, a .pyc for each module, no boto3, nothing of the machine it was made on."""
    zip_file = prod / "deployment.zip"
    names = ZipFile(zip_file).namelist()

    assert zip_file.stat().st_size < 6_500_000
    assert not [name for name in names if name.startswith(("boto", "infra", "tests"))]
    assert not [name for name in names if "/." in name or name.startswith(".")]
    modules = [name for name in names if name.endswith(".py")]
    tag = sys.implementation.cache_tag
    for module in modules:
        folder, _, file = module.rpartition("/")
        compiled = f"{folder}/__pycache__/{file.removesuffix('.py')}.{tag}.pyc"
        assert compiled.lstrip("/") in names
    runtime = (prod / "sam.json").read_text()
    assert f'"python{sys.version_info[0]}.{sys.version_info[1]}"' in runtime


def test_zip_is_reproducible(prod: Path, package: Package) -> None:
    """Another checkout at another time and place: the template and the zip are the same."""
    other = package("prod", TZ="Asia/Tokyo", PYTHONHASHSEED="7")

    for name in ("deployment.zip", "sam.json"):
        assert (other / name).read_bytes() == (prod / name).read_bytes()


def test_every_stage_has_the_same_zip(prod: Path, package: Package) -> None:
    """The zip that was tested in one stage is deployed to the next."""
    other = package("dev") / "deployment.zip"

    assert other.read_bytes() == (prod / "deployment.zip").read_bytes()


def test_other_files_in_chalicelib_are_not_packed(tmp_path: Path) -> None:
    """Chalice packs every file in chalicelib/; a secret there would be uploaded."""
    plain, ordered = tmp_path / "plain.zip", tmp_path / "ordered.zip"
    with ZipFile(plain, "w") as made:
        made.writestr("app.py", "x = 1\n")
        for name in (".env", "chalicelib/.secret", "chalicelib/store.py~", "chalicelib/a.swp~"):
            made.writestr(name, "secret")
        made.writestr("chalicelib/__pycache__/store.cpython-39.pyc", b"old")

    bundle.normalize(plain, ordered)

    tag = sys.implementation.cache_tag
    assert ZipFile(ordered).namelist() == [f"__pycache__/app.{tag}.pyc", "app.py"]
