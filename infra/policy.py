"""`make policy`: what the function may do, read off the code, as `.chalice/policy-STAGE.json`.

Chalice's own analyser finds the calls to AWS in the sources and its policy builder names their
actions. They reach as far as `*`; here each action is scoped to the declared tables and indexes
that the app uses it on. A call that the analyser cannot see, or an action without a scope, is
refused.
"""

import ast
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore import xform_name
from botocore.session import get_session
from chalice.analyzer import APICallCollector, AppViewTypeInfer, parse_code
from chalice.constants import VPC_ATTACH_POLICY, XRAY_POLICY
from chalice.policy import PolicyBuilder, load_custom_policy_actions
from chalice.utils import serialize_to_json

from chalicelib.models import RESOURCES
from chalicelib.schema import CLAIMS
from infra import command, stages
from infra.command import Refused
from infra.stages import PROJECT, Stage

Document = dict[str, Any]

SOURCES = ("app.py", "chalicelib")

# What a call does that is no action of its own name.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
ALSO = {
    "dynamodb": {
        "transact_write_items": [
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        ]
    }
}

ITEMS = tuple(resource.path for resource in RESOURCES)
REFERENCED = tuple(
    dict.fromkeys(other.path for each in RESOURCES for other in each.references.values())
)
INDEXES = tuple(f"{each.path}/index/{index.name}" for each in RESOURCES for index in each.indexes)

# What each action is done on.
SCOPES: Mapping[str, tuple[str, ...]] = {
    "dynamodb:ConditionCheckItem": REFERENCED,
    "dynamodb:DeleteItem": (*ITEMS, CLAIMS),
    "dynamodb:GetItem": (*ITEMS, CLAIMS),
    "dynamodb:PutItem": (*ITEMS, CLAIMS),
    "dynamodb:Query": INDEXES,
    "dynamodb:UpdateItem": ITEMS,
}


def main() -> None:
    """Write the policy of every stage that is in an AWS account."""
    # The app makes a client when it is imported, which needs some region; nothing is called.
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    for name in stages.cloud():
        write(stages.load(name))


def write(stage: Stage) -> None:
    """Write the policy of a stage where its configuration says."""
    file = path(stage)
    text = text_of(stage)
    unchanged = file.exists() and file.read_text() == text
    file.write_text(text)
    print(f".chalice/{file.name}: {'as it was' if unchanged else 'written'}")


def path(stage: Stage) -> Path:
    """The file that Chalice takes the policy of a stage from. Raises Refused without one."""
    name = stage.config.iam_policy_file
    if not name:
        raise Refused(
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

    Partition, region and account are `*`: a role's policy reaches no further than its own account,
    and the file says nothing of yours. The template of `make package` names all three.
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
    """The actions of all calls to AWS in the app's sources. Raises Refused for one unseen."""
    custom = load_custom_policy_actions()
    for service, calls in ALSO.items():
        custom[service] = custom.get(service, {}) | calls
    builder = PolicyBuilder(custom_policy_actions=custom)
    found: set[str] = set()
    for file in _sources():
        source = file.read_text()
        calls = _calls(source)
        unseen = named_calls(source) - calls.get("dynamodb", set())
        if unseen:
            raise Refused(
                f"{file.relative_to(PROJECT)} calls {', '.join(sorted(unseen))} where Chalice's "
                "analyser does not see it, so the policy would lack it: call it on the module's "
                "`client`, in a function of chalicelib/dynamodb.py."
            )
        for service, names in calls.items():
            for name in names:
                statements = builder.build_policy_from_api_calls({service: {name}})["Statement"]
                known = {action for statement in statements for action in statement["Action"]}
                if not known:
                    raise Refused(
                        f"{file.relative_to(PROJECT)} calls {name} of {service}, and Chalice does "
                        "not know what that needs: add it to ALSO in infra/policy.py."
                    )
                found |= known
    return found


def named_calls(source: str) -> set[str]:
    """The calls in `source` with the name of one of DynamoDB's, on whatever but our own modules."""
    tree = ast.parse(source)
    ours = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "chalicelib"
        for alias in node.names
    }
    model = get_session().get_service_model("dynamodb")
    names = {xform_name(name) for name in model.operation_names}
    return {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {*names, "get_paginator"}
        and not (isinstance(node.func.value, ast.Name) and node.func.value.id in ours)
    }


def other_functions() -> list[str]:
    """The names of the app's Lambda functions beside the one that answers API Gateway."""
    from app import app

    functions: list[Any] = [*app.pure_lambda_functions, *app.event_sources]
    return sorted(each.name for each in functions)


class _EveryFunction(AppViewTypeInfer):
    """Chalice's analyser, for which each function of a module may be called."""

    def _is_chalice_view(self, node: ast.FunctionDef) -> bool:
        return True

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Chalice's analyser does not look into classes; `named_calls` does."""


class _Simplified(ast.NodeTransformer):
    """Says in the analyser's words what it would not find.

    It looks names in annotations up, and clients come from boto3 for it: chalicelib/sdk.py makes
    them as boto3 does.
    """

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | list[ast.AST]:
        if node.module == "chalicelib" and any(alias.name == "sdk" for alias in node.names):
            return [node, ast.Import([ast.alias("boto3")])]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id == "sdk":
            return ast.Attribute(ast.Name("boto3"), node.attr)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self.generic_visit(node)
        return ast.Assign([node.target], node.value, lineno=node.lineno) if node.value else None

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        return node


def _calls(source: str) -> Any:
    """The calls to AWS in a module: sets of boto3's names, by service.

    A module that makes no client has none: the analyser stumbles over what it has instead.
    """
    if not re.search(r"\b(boto3|sdk)\b", source):
        return {}
    parsed = parse_code(ast.unparse(_Simplified().visit(ast.parse(source))))
    binder = _EveryFunction(parsed).bind_types()
    return APICallCollector(binder).collect_api_calls(parsed.parsed_ast)


def _scope(action: str) -> tuple[str, ...]:
    if action not in SCOPES:
        raise Refused(
            f"The code calls {action}, and infra/policy.py does not say on which tables: add it to "
            "SCOPES."
        )
    return SCOPES[action]


def _sources() -> Iterator[Path]:
    for name in SOURCES:
        place = PROJECT / name
        yield from sorted(place.rglob("*.py")) if place.is_dir() else [place]


if __name__ == "__main__":
    sys.exit(command.run(main))
