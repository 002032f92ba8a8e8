"""The function's IAM policy, generated from the code as `.chalice/policy-STAGE.json`.

Chalice's analyser finds the calls to AWS and its policy builder names their actions, on every
resource (`*`). Here each action is limited to the tables and indexes that the app uses it on. All
calls are in chalicelib/storage/dynamodb.py (a unit test checks that), so that module is analysed.
"""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chalice.analyzer import get_client_calls_for_app
from chalice.constants import VPC_ATTACH_POLICY, XRAY_POLICY
from chalice.policy import PolicyBuilder, load_custom_policy_actions
from chalice.utils import serialize_to_json

from chalicelib.models import RESOURCES
from chalicelib.schema import CLAIMS
from infra import stages
from infra.errors import CommandError
from infra.stages import PROJECT, Stage

Document = dict[str, Any]

SOURCE = PROJECT / "chalicelib" / "storage" / "dynamodb.py"

# The actions of calls that have no action of their own name.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
CALL_ACTIONS = {
    "dynamodb": {
        "transact_write_items": [
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        ]
    }
}

ITEMS = tuple(resource.name for resource in RESOURCES)
REFERENCED = tuple(
    dict.fromkeys(other.name for each in RESOURCES for other in each.references.values())
)
INDEXES = tuple(f"{each.name}/index/{index.name}" for each in RESOURCES for index in each.indexes)

# The tables and indexes of each action.
SCOPES: Mapping[str, tuple[str, ...]] = {
    "dynamodb:ConditionCheckItem": REFERENCED,
    "dynamodb:DeleteItem": (*ITEMS, CLAIMS),
    "dynamodb:GetItem": (*ITEMS, CLAIMS),
    "dynamodb:PutItem": (*ITEMS, CLAIMS),
    "dynamodb:Query": INDEXES,
    "dynamodb:UpdateItem": ITEMS,
}


def write_all() -> None:
    """Write the policy of every stage that is in an AWS account."""
    for name in stages.cloud_stages():
        write(stages.load(name))


def write(stage: Stage) -> None:
    """Write the policy of a stage to the file that its configuration names."""
    file = path(stage)
    text = text_of(stage)
    unchanged = file.exists() and file.read_text() == text
    file.write_text(text)
    print(f".chalice/{file.name}: {'as it was' if unchanged else 'written'}")


def path(stage: Stage) -> Path:
    """The file that Chalice takes the policy of a stage from. Raises CommandError without one."""
    name = stage.config.iam_policy_file
    if not name:
        raise CommandError(
            f"The stage {stage.name!r} in .chalice/config.json needs "
            f'"iam_policy_file": "policy-{stage.name}.json".'
        )
    return PROJECT / ".chalice" / name


def text_of(stage: Stage) -> str:
    """The policy file of a stage."""
    text: str = serialize_to_json(document(stage))
    return text


def document(stage: Stage) -> Document:
    """The policy of a stage.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html

    Partition, region and account are `*`: a role's policy is limited to its account anyway, and the
    file holds no account id. The template of `make package` names all three.
    """
    table = f"arn:*:dynamodb:*:*:table/{stage.table_prefix}"
    statements = [
        {
            "Effect": "Allow",
            "Action": [action],
            "Resource": [f"{table}{name}" for name in _scope(action)],
        }
        for action in sorted(actions())
    ]
    log = f"arn:*:logs:*:*:log-group:{stage.log_group}"
    statements.append(
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            # The function's own log, and those of the app's other functions.
            "Resource": [f"{log}:*", *(f"{log}-{name}:*" for name in other_functions())],
        }
    )
    if stage.config.xray_enabled:
        statements.append(XRAY_POLICY)
    if stage.config.subnet_ids and stage.config.security_group_ids:
        statements.append(VPC_ATTACH_POLICY)
    return {"Version": "2012-10-17", "Statement": statements}


def actions() -> set[str]:
    """The actions of all calls in SOURCE. Raises CommandError for a call without a known action."""
    custom = load_custom_policy_actions()
    for service, calls in CALL_ACTIONS.items():
        custom[service] = custom.get(service, {}) | calls
    builder = PolicyBuilder(custom_policy_actions=custom)
    found: set[str] = set()
    for service, names in api_calls(SOURCE.read_text()).items():
        for name in names:
            statements = builder.build_policy_from_api_calls({service: {name}})["Statement"]
            known = {action for statement in statements for action in statement["Action"]}
            if not known:
                raise CommandError(
                    f"{SOURCE.relative_to(PROJECT)} calls {name} of {service}, and Chalice does "
                    "not know its actions: add it to CALL_ACTIONS in infra/template/policy.py."
                )
            found |= known
    return found


def api_calls(source: str) -> dict[str, set[str]]:
    """The calls of `client` in a module, by service, as boto3's method names.

    Chalice's analyser knows boto3's clients alone, in views, and fails on annotations: it gets a
    view that makes the same calls.
    """
    names = {
        node.func.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "client"
    }
    view = "import boto3\n@app.route('/')\ndef view():\n    client = boto3.client('dynamodb')\n"
    calls: dict[str, set[str]] = get_client_calls_for_app(
        view + "".join(f"    client.{name}()\n" for name in sorted(names))
    )
    return calls


def other_functions() -> list[str]:
    """The names of the app's other Lambda functions, which API Gateway does not invoke."""
    from app import app

    functions: list[Any] = [*app.pure_lambda_functions, *app.event_sources]
    return sorted(each.name for each in functions)


def _scope(action: str) -> tuple[str, ...]:
    if action not in SCOPES:
        raise CommandError(
            f"The code calls {action}, and SCOPES in infra/template/policy.py has no tables for "
            "it: add them."
        )
    return SCOPES[action]
