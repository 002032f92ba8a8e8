"""The commands on a stage, as those who type them meet them."""

import json
import re
import subprocess
from typing import Any

import pytest

from tests import sign_in
from tests.client import Client, Live
from tests.conftest import PROJECT
from tests.deployed.conftest import CLEAN, Account, everything, tables_of

DEPLOY = (PROJECT / "docs" / "deploy.md").read_text()
NOBODY = ("AKIANOBODY", "wrong")


def document_of_deployer() -> str:
    """The policy that docs/deploy.md prints."""
    (document,) = re.findall(r"### Deployer permissions.*?```json\n(.*?)```", DEPLOY, re.DOTALL)
    return str(document)


def deployer(account: Account) -> tuple[str, str]:
    """The keys of a user with that policy only."""
    iam = account.client("iam")
    iam.create_user(UserName="deployer")
    iam.put_user_policy(
        UserName="deployer", PolicyName="deploy", PolicyDocument=document_of_deployer()
    )
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


@pytest.mark.timeout(120)
def test_deployers_policy_is_sufficient(empty_account: Account) -> None:
    """`make deploy` twice and `chalice delete` need the policy in the docs, and all of it."""
    account = empty_account
    keys = deployer(account)
    before = everything(account)
    url = api_url(account, account.make("deploy", "STAGE=dev", keys=keys))
    api = Client(Live(url), sign_in.staff())
    kept = api.post("/products", {"name": "Teapot", "price": 3})
    again = account.make("deploy", "STAGE=dev", keys=keys)

    assert "Only the stack has these settings: log_retention_in_days." in again
    assert "Tables of dev: no step to take" in again
    assert api_url(account, again) == url
    assert api.get(kept.headers["location"]).body == kept.body
    account.chalice("delete", "--stage", "dev", keys=keys)

    left = everything(account)
    assert left == before | {"tables": tables_of("dev"), "logs": left["logs"]}
    actions = {
        action
        for statement in json.loads(document_of_deployer())["Statement"]
        for action in statement["Action"]
    }
    done = {action for action, _ in account.calls}
    # Nothing to spare: what is not done here is what the emulator does not ask for, or not yet.
    assert actions - done == {
        # AWS checks these in addition when something is created with tags, or a role is passed.
        "dynamodb:TagResource",
        "iam:PassRole",
        "lambda:TagResource",
        # The emulator calls it PutFunctionConcurrency.
        "lambda:DeleteFunctionConcurrency",
        # An index that is new, a tag that has gone.
        "dynamodb:UpdateTable",
        "lambda:UntagResource",
    }


def test_logs_have_to_be_allowed_once(account: Account) -> None:
    """A stack with access logs asks for `make account`, which not every deployer may run."""
    keys = deployer(account)
    (account.project / "dist" / "dev").mkdir(parents=True, exist_ok=True)
    (account.project / "dist" / "dev" / "sam.json").write_text("{}")
    output = refusal(account, "stack", "STAGE=dev", "BUCKET=packages")
    assert output.startswith("API Gateway may not write logs in this account and region yet: make ")
    denied = refusal(account, "account", keys=keys)
    assert denied.startswith("These credentials do not have the right to call ")
    assert denied.endswith(" docs/deploy.md has the policy that a deployer needs.")
    assert "may write logs in us-east-1, as arn:" in account.make("account")
    assert "may write logs in us-east-1 already" in account.make("account")


def api_url(account: Account, output: str) -> str:
    """The emulator's URL of the API that `make deploy` has printed."""
    (api_id,) = re.findall(r"The API responds at https://(\w+)\.execute-api\.[\w.-]+/dev/", output)
    return f"http://{api_id}.execute-api.localhost:{account.port}/dev"


def refusal(account: Account, *words: str, **options: Any) -> str:
    """The one line that a failing command prints."""
    result = account.start(*words, **options)
    assert result.returncode != 0, result.stdout
    (line,) = [each for each in result.stderr.splitlines() if not each.startswith("make: ")]
    return line


COMMANDS = ["tables", "deploy", "stack", "claims-check"]


@pytest.mark.parametrize("command", COMMANDS)
def test_invalid_credentials_are_reported(account: Account, command: str) -> None:
    """One sentence with the code, and how to check."""
    (account.project / "dist" / "dev").mkdir(parents=True, exist_ok=True)
    (account.project / "dist" / "dev" / "sam.json").write_text("{}")

    output = refusal(account, command, "STAGE=dev", "BUCKET=packages", keys=NOBODY)

    assert re.match(r"AWS does not accept these credentials \(\w+\): check AWS_PROFILE", output)
    assert everything(account)["APIs"] == set()


@pytest.mark.parametrize("command", [*COMMANDS, "account"])
def test_missing_region_is_reported(account: Account, command: str) -> None:
    """One sentence with the variable to set."""
    (account.project / "dist" / "dev").mkdir(parents=True, exist_ok=True)
    (account.project / "dist" / "dev" / "sam.json").write_text("{}")

    output = refusal(account, command, "STAGE=dev", "BUCKET=packages", AWS_DEFAULT_REGION=None)

    assert output == (
        "No region is set: say which one, for example export AWS_DEFAULT_REGION=eu-west-1."
    )


@pytest.mark.parametrize("command", ["tables", "deploy", "package"])
@pytest.mark.parametrize("stage", ["", "local"])
def test_stage_must_be_named(account: Account, command: str, stage: str) -> None:
    """No command touches an account for a stage that was not named."""
    output = refusal(account, command, f"STAGE={stage}")

    assert output == "Name the stage, one of dev, test, prod, for example STAGE=dev."


@pytest.mark.parametrize("command", [*COMMANDS, "package"])
def test_unknown_stage_is_rejected(account: Account, command: str) -> None:
    """One sentence with those that there are."""
    output = refusal(account, command, "STAGE=live")

    assert output == ("There is no stage 'live': .chalice/config.json has local, dev, test, prod.")


def test_missing_table_is_reported(account: Account) -> None:
    """One sentence with the command that makes it."""
    output = refusal(account, "claims-check", "STAGE=test")

    assert output.startswith("A table is missing (")
    assert output.endswith("; make tables STAGE=test makes it.")


def test_missing_credentials_are_reported(account: Account) -> None:
    """One sentence with the variables to set."""
    output = refusal(
        account,
        "tables",
        "STAGE=dev",
        AWS_ACCESS_KEY_ID="",
        AWS_SECRET_ACCESS_KEY="",
        AWS_EC2_METADATA_DISABLED="true",
        AWS_SHARED_CREDENTIALS_FILE="/nowhere",
        AWS_CONFIG_FILE="/nowhere",
    )

    assert output.startswith("There are no AWS credentials: set AWS_PROFILE to a profile of yours")


def test_unreachable_account_is_reported(account: Account) -> None:
    """One sentence with the endpoint."""
    unreachable = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}

    output = refusal(account, "tables", "STAGE=dev", **unreachable)

    assert output.startswith('Could not connect to the endpoint URL: "http://127.0.0.1:9/"')


ISSUERS = {
    "": "OIDC_ISSUER is not set",
    "http://issuer.shop.example": "OIDC_ISSUER is 'http://issuer.shop.example'; it must be none",
    "https://127.0.0.1:8000/dev-issuer": "OIDC_ISSUER is 'https://127.0.0.1:8000/dev-issuer'; it ",
    "issuer.shop.example": "OIDC_ISSUER is 'issuer.shop.example'; it must be none, or an",
}


@pytest.mark.parametrize("issuer", ISSUERS)
@pytest.mark.parametrize("command", ["deploy", "package"])
def test_issuer_that_cannot_be_used(account: Account, command: str, issuer: str) -> None:
    """One sentence, before anything is made. `make package` makes a user pool if there is none."""
    if command == "package" and not issuer:
        return
    # Without an issuer, the other variables are refused, too.
    others = {} if issuer else dict.fromkeys(sign_in.VARIABLES)
    output = refusal(account, command, "STAGE=dev", **{**others, "OIDC_ISSUER": issuer})

    assert output.startswith(ISSUERS[issuer])
    assert everything(account)["tables"] == set()


def test_issuer_without_an_audience(account: Account) -> None:
    """Any token of the issuer, for whatever API, would be accepted."""
    output = refusal(account, "deploy", "STAGE=dev", OIDC_AUDIENCE=None)

    assert output.startswith("OIDC_AUDIENCE is not set.")


@pytest.mark.parametrize("command", ["deploy", "package", "local"])
def test_plain_chalice_without_an_issuer(account: Account, command: str) -> None:
    """Chalice's own commands refuse it, too, with a sentence and without a stack trace."""
    arguments = {"package": ["plain"], "local": ["--no-autoreload"]}.get(command, [])
    result = subprocess.run(
        [account.project / ".venv" / "bin" / "chalice", command, "--stage", "dev", *arguments],
        cwd=account.project,
        env=CLEAN | account.environment() | dict.fromkeys(sign_in.VARIABLES, ""),
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode != 0
    assert result.stderr.startswith("OIDC_ISSUER is not set.")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "settings",
    [
        {"usage_plan": {}},
        {"capacity": {"minimum": 1, "maximum": 10}},
        {"encryption": "CUSTOMER_MANAGED"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_deploy_rejects_settings_of_the_stack(account: Account, settings: dict[str, Any]) -> None:
    """Who asks for API keys must not get an open API, nor tables that are throttled."""
    file = account.project / ".chalice" / "config.json"
    before = file.read_text()
    declared = json.loads(before)
    declared["stages"]["dev"]["infra"].update(settings)
    file.write_text(json.dumps(declared))
    try:
        output = refusal(account, "deploy", "STAGE=dev")
    finally:
        file.write_text(before)

    assert output.endswith("which only its stack has: make package stack STAGE=dev BUCKET=...")


def test_a_stack_needs_a_package_and_a_bucket(account: Account) -> None:
    """One sentence for each."""
    assert refusal(account, "stack", "STAGE=prod").endswith("BUCKET=shop-packages.")
    assert refusal(account, "stack", "STAGE=prod", "BUCKET=packages") == (
        "dist/prod does not exist: make package STAGE=prod writes it."
    )


@pytest.mark.timeout(120)
def test_plain_chalice_deploy_and_delete(account: Account) -> None:
    """`chalice package`, `chalice deploy` and `chalice delete`, as Chalice has them."""
    before = everything(account)
    file = account.project / ".chalice" / "config.json"
    declared = json.loads(file.read_text())
    declared["stages"]["dev"]["environment_variables"] |= sign_in.VARIABLES
    file.write_text(json.dumps(declared))
    account.chalice("package", "--stage", "dev", "plain")
    assert (account.project / "plain" / "sam.json").exists()

    output = account.chalice("deploy", "--stage", "dev")
    assert "Rest API URL: https://" in output
    assert everything(account)["functions"] == {"storefront-dev"}
    (api_id,) = re.findall(r"Rest API URL: https://(\w+)\.", output)
    url = f"http://{api_id}.execute-api.localhost:{account.port}/dev"
    api = Client(Live(url, "dev"), sign_in.staff())
    account.make("tables", "STAGE=dev")
    created = api.post("/products", {"name": "Teapot", "price": 3})
    assert api.get(created.headers["location"]).body == created.body
    account.chalice("delete", "--stage", "dev")

    left = everything(account)
    assert left == before | {name: left[name] for name in ("tables", "logs")}
