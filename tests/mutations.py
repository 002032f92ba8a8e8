"""Small mistakes that a test must notice: `python -m tests.mutations` makes each in a copy.

`python -m tests.mutations infra` makes those in the files whose path begins with `infra`.
Each mutation replaces one text in one file, and names the tests that should fail then. The command
prints the result of each, and ends with status 1 if a mutation survived, or did not find its place.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.conftest import SHELL, checkout
from tests.processes import change


class Mutation(NamedTuple):
    """A replacement in a file of the project, and the tests that should notice it."""

    file: str
    old: str
    new: str
    tests: str


COLLECTION = "chalicelib/storage/collection.py"
CONTRACT = "tests/contract -k in_process"

ACCESS_UNIT = "tests/unit/test_access.py"
ACCESS = "tests/system/test_access.py"
ISOLATION = "tests/system/test_isolation.py"
TOKENS = "tests/unit/test_tokens.py"

APP = "web/src/app"
WEB = "tests/web"

EVENTS = "tests/unit/test_events.py"
WEBHOOKS = "tests/unit/test_webhooks.py"
SHARDS = "tests/system/test_shards.py"
DATA = "tests/system/test_data.py"
GRADUAL = "tests/deployed/test_gradual.py"

MUTATIONS = (
    Mutation(
        "chalicelib/webhooks/public.py",
        "if not all(is_public(address) for address in addresses):",
        "if not any(is_public(address) for address in addresses):",
        WEBHOOKS,
    ),
    Mutation(
        "chalicelib/webhooks/public.py",
        "socket.create_connection((address, port), timeout=share)",
        "socket.create_connection((host, port), timeout=share)",
        WEBHOOKS,
    ),
    Mutation(
        "chalicelib/webhooks/public.py",
        "server_hostname=self.host",
        "server_hostname=None",
        WEBHOOKS,
    ),
    Mutation(
        "chalicelib/webhooks/public.py",
        "return address.is_global and not address.is_multicast",
        "return address.is_global",
        WEBHOOKS,
    ),
    Mutation(
        "chalicelib/webhooks/handler.py",
        '        _postpone(message["receiptHandle"], attempt, None)\n',
        "",
        WEBHOOKS,
    ),
    Mutation(
        "chalicelib/webhooks/handler.py",
        "if attempt < delivery.MAX_ATTEMPTS:",
        "if attempt <= 1:",
        WEBHOOKS,
    ),
    Mutation(
        "chalicelib/webhooks/secret.py",
        "self._values = [current, *self._previous()]",
        "self._values = [current]",
        WEBHOOKS,
    ),
    Mutation(
        "chalicelib/webhooks/secret.py",
        "if not self._values or time() - self._read_at > FRESH_SECONDS:",
        "if True:",
        WEBHOOKS,
    ),
    Mutation(
        "chalicelib/webhooks/delivery.py",
        "        with _deadline(connection.sock):\n",
        "        if True:\n",
        WEBHOOKS,
    ),
    Mutation(
        "chalicelib/webhooks/secret.py",
        "FRESH_SECONDS = 300",
        "FRESH_SECONDS = 3000",
        WEBHOOKS,
    ),
    Mutation(
        "chalicelib/webhooks/delivery.py",
        "return self.status // 100 == 2",
        "return self.status < 400",
        WEBHOOKS,
    ),
    Mutation(
        "chalicelib/webhooks/signature.py",
        'f"{id_}.{timestamp}.".encode() + body',
        'f"{id_}.{timestamp}".encode() + body',
        WEBHOOKS,
    ),
    Mutation(
        "chalicelib/events/changes.py",
        "hidden = resource.personal - resource.personal_in_events",
        "hidden = frozenset()",
        EVENTS,
    ),
    Mutation(
        "chalicelib/events/changes.py",
        'if old and new and old.get("etag") == new.get("etag"):',
        "if False:",
        EVENTS,
    ),
    Mutation(
        "chalicelib/events/bus.py",
        "Outcome(begin + number, result",
        "Outcome(begin, result",
        EVENTS,
    ),
    Mutation(
        "chalicelib/events/bus.py",
        'return Outcome(begin, error.response["Error"]["Code"])',
        "return Outcome(len(events))",
        "tests/system/test_event_storm.py",
    ),
    Mutation("chalicelib/events/bus.py", "MAX_BYTES = 200_000", "MAX_BYTES = 2_000_000", EVENTS),
    Mutation(
        "chalicelib/storage/queries.py",
        "is_open = (start.shard > shard) == self.ascending",
        "is_open = True",
        f"{SHARDS} -k walk",
    ),
    Mutation(
        "chalicelib/storage/shards.py",
        "reads = [_threads.submit(reader.query, limit) for reader in readers]",
        "reads = [_threads.submit(reader.query, limit) for reader in readers[:1]]",
        f"{SHARDS} -k same_time",
    ),
    Mutation(
        "chalicelib/storage/shards.py",
        "dynamodb.add_usage(read.result())",
        "read.result()",
        f"{SHARDS} -k log_line",
    ),
    Mutation(
        "infra/aws/backfill.py",
        "return shard is not None and shard < resource.shards",
        "return shard is not None",
        f"{SHARDS} -k fewer",
    ),
    Mutation(
        COLLECTION,
        'if row is None or row["etag"] != etag:',
        "if row is None:",
        "tests/system/test_faults.py -k confirmed",
    ),
    Mutation(
        COLLECTION,
        "removed = {CREATED_BY, *self.resource.personal} - replaced.keys()",
        "removed = {*self.resource.personal} - replaced.keys()",
        f"{DATA} -k erased",
    ),
    Mutation(
        "infra/data/persons.py",
        """    # The user may have been deleted since.
    return any(""",
        """    # The user may have been deleted since.
    return False and any(""",
        f"{DATA} -k erased",
    ),
    Mutation(
        "infra/data/persons.py",
        "for _ in range(ROUNDS):",
        "for _ in range(1):",
        f"{DATA} -k still_writes",
    ),
    Mutation(
        "infra/data/imports.py",
        'return named_subject(text, access.OPERATOR) if text else ""',
        "return text",
        f"{DATA} -k digest",
    ),
    Mutation(
        "infra/data/imports.py",
        "return STORED if is_same else DIFFERENT",
        "return STORED",
        f"{DATA} -k changed_since",
    ),
    Mutation(
        "infra/load/locustfile.py",
        "if item is None:",
        "if item is None and False:",
        "tests/clients/test_load.py -k lost_write",
    ),
    Mutation(
        "infra/aws/metrics.py",
        'SERVER_ERROR = "{ $.status >= 500 }"',
        'SERVER_ERROR = "{ $.status >= 501 }"',
        f"{GRADUAL} -k bad_version",
    ),
    Mutation(
        "infra/aws/gradual.py",
        '"Alarms": [{"Ref": name} for name in ALARMS]',
        '"Alarms": []',
        f"{GRADUAL} -k roll_the_deployment",
    ),
    Mutation("chalicelib/access.py", "if key == caller.subject:", "if key is not None:", ACCESS),
    Mutation("chalicelib/access.py", "others: Rule = STAFF", "others: Rule = ANYONE", ACCESS_UNIT),
    Mutation(
        COLLECTION,
        'guards = (*self._permitted("delete", key, context), *guards)',
        "",
        f"{ACCESS} -k author",
    ),
    Mutation(
        COLLECTION,
        """        guards = (*self._permitted("change", key, context), *guards)
        fields =""",
        "        fields =",
        f"{ACCESS} -k cost_nothing",
    ),
    Mutation(
        COLLECTION, 'self._permitted("create", key, context)', "pass", f"{ACCESS} -k own_user"
    ),
    Mutation(
        COLLECTION,
        'return {self.resource.key: {"S": self.resource.scoped(address.key, address.owner)}}',
        'return {self.resource.key: {"S": self.resource.scoped(address.key, "sue")}}',
        ISOLATION,
    ),
    Mutation(
        "chalicelib/access.py",
        "if owner != caller.subject and not is_staff(caller):",
        "if False:",
        f"{ACCESS} -k table",
    ),
    Mutation(
        "chalicelib/access.py",
        """    if author != caller.subject and not is_staff(caller):
        raise Forbidden("Only staff may list""",
        """    if False:
        raise Forbidden("Only staff may list""",
        f"{ACCESS} -k table",
    ),
    Mutation(
        "chalicelib/storage/queries.py",
        "parts = (self.index.name, self.value, self",
        "parts = (self.index.name, self",
        ISOLATION,
    ),
    Mutation(
        "chalicelib/storage/expressions.py",
        "return f\"{expression.name(CREATED_BY)} = {expression.value({'S': self.subject})}\"",
        'return ""',
        f"{ACCESS} -k author",
    ),
    Mutation(
        "chalicelib/http/requests.py",
        'owner = "" if self.owner is None else f"?{self.owner}"',
        'owner = ""',
        f"{CONTRACT} -k another_owners_request",
    ),
    Mutation(
        "chalicelib/http/api.py",
        "            _authorize(operation, request, keys)\n",
        "            pass\n",
        f"{ACCESS} -k cost_nothing",
    ),
    Mutation(
        "chalicelib/http/api.py",
        "if isinstance(error, Forbidden) and not isinstance(error, NotAuthor):",
        "if False:",
        f"{ACCESS} -k cost_nothing",
    ),
    Mutation(
        "chalicelib/auth/__init__.py",
        "if len(authorization) > 1 or",
        "if",
        f"{CONTRACT} -k two_authorization_lines",
    ),
    Mutation(
        "chalicelib/auth/tokens.py", 'or claims.get("token_use", "access") != "access"', "", TOKENS
    ),
    Mutation("chalicelib/auth/tokens.py", "or FORBIDDEN_HEADERS & header.keys()", "", TOKENS),
    Mutation(
        "chalicelib/auth/tokens.py",
        "return name if audience in self.audiences else scope",
        "return name or scope",
        TOKENS,
    ),
    Mutation(
        "chalicelib/auth/keys.py",
        "recent = now - self._tried_at < COOLDOWN_SECONDS",
        "recent = False",
        "tests/unit/test_keys.py",
    ),
    Mutation(
        "chalicelib/oidc.py",
        "if not _is_url(issuer, local=local):",
        "if not _is_url(issuer, local=True):",
        "tests/unit/test_oidc.py",
    ),
    Mutation(
        "infra/aws/rest_api.py",
        'if ANYONE not in resource.access.rule("list") or resource.has_author:',
        "if False:",
        "tests/deployed/test_package.py -k conflicting",
    ),
    Mutation(
        "infra/local/issuer.py",
        "if is_used:",
        "if False",
        "tests/system/test_issuer.py -k pkce",
    ),
    Mutation(COLLECTION, "Limit=count - len(rows)", "Limit=count", "tests/system/test_costs.py"),
    Mutation(COLLECTION, "limit + 1", "limit", f"{CONTRACT} -k lists"),
    Mutation(
        "chalicelib/storage/retries.py",
        "if is_possible:",
        "if False:",
        "tests/system/test_linearizability.py",
    ),
    Mutation(
        "chalicelib/storage/transactions.py",
        '"ClientRequestToken": str(uuid4())}',
        "}",
        "tests/system/test_faults.py -k transaction",
    ),
    Mutation(
        COLLECTION,
        "if name in after and after[name] != before.get(name)",
        "if name in after",
        "tests/contract/test_references.py",
    ),
    Mutation(
        COLLECTION,
        "        if missing:\n            raise Invalid(*missing)\n",
        "",
        "tests/contract/test_references.py",
    ),
    Mutation(
        COLLECTION,
        'unchanged = self._guards(address.key, Precondition(match=(before["etag"]["S"],)))',
        "unchanged = guards",
        "tests/system/test_storms.py",
    ),
    Mutation(
        COLLECTION,
        "or removed & {*self.resource.unique} or",
        "or",
        "tests/contract/test_uniqueness.py",
    ),
    Mutation(COLLECTION, "kept |= refused.keys()", "pass", "tests/system/test_backfill.py"),
    Mutation(
        "chalicelib/storage/claims.py",
        '"ConditionExpression": f"attribute_not_exists({name}) OR {name} = {value}"',
        '"ConditionExpression": f"{name} = {value} OR NOT {name} = {value} "'
        'f"OR attribute_not_exists({name})"',
        "tests/system/test_backfill.py",
    ),
    Mutation(
        "chalicelib/storage/queries.py",
        "(?=.{1,39}\\Z)-?[0-9]{1,38}",
        "-?[0-9]+",
        "tests/unit/test_queries.py",
    ),
    Mutation(
        "chalicelib/storage/queries.py",
        "if below or above or",
        "if below or",
        "tests/unit/test_queries.py",
    ),
    Mutation(
        "chalicelib/storage/idempotency.py",
        "{caller.subject}#",
        "#",
        "tests/unit/test_seams.py",
    ),
    Mutation(
        "chalicelib/storage/transactions.py",
        "if any(reason.transient for reason in cancelled.reasons):",
        "if all(reason.transient for reason in cancelled.reasons):",
        "tests/system/test_faults.py",
    ),
    Mutation(
        "chalicelib/storage/transactions.py",
        "except WriteConflict:\n            continue",
        "except WriteConflict:\n            raise Unavailable from None",
        "tests/system/test_faults.py",
    ),
    Mutation(
        "chalicelib/storage/expressions.py",
        'clauses.append(f"NOT {_etag_in(precondition.none_match, expression)}")',
        "pass",
        "tests/contract/test_preconditions.py",
    ),
    Mutation(
        "chalicelib/http/requests.py",
        "0 < len(tags) <= MAX_ETAGS",
        "0 < len(tags) < MAX_ETAGS",
        "tests/contract/test_preconditions.py",
    ),
    Mutation(
        "chalicelib/http/requests.py",
        'text = ", ".join(lines)',
        "text = lines[-1]",
        "tests/contract/test_preconditions.py",
    ),
    Mutation(
        "chalicelib/http/requests.py",
        'if coding.lower() not in ("", "identity"):',
        "if False:",
        "tests/contract/test_bad_input.py",
    ),
    Mutation(
        "chalicelib/http/api.py",
        "name: unquote(value) for name, value",
        "name: value for name, value",
        "tests/contract/test_bad_input.py",
    ),
    Mutation(
        "chalicelib/http/api.py",
        "except DomainError as error:",
        "except Invalid as error:",
        "tests/contract/test_idempotency.py tests/unit/test_seams.py",
    ),
    Mutation(
        "chalicelib/http/api.py",
        'methods.append("HEAD")',
        "pass",
        "tests/contract/test_items.py",
    ),
    Mutation(
        "chalicelib/http/problems.py",
        '413: "Content Too Large"',
        '413: "Request Entity Too Large"',
        "tests/unit/test_http.py",
    ),
    Mutation(
        "chalicelib/http/responses.py",
        "if origin in settings.CORS_ALLOW_ORIGINS:",
        "if origin:",
        "tests/unit/test_http.py",
    ),
    Mutation(
        "chalicelib/schema.py",
        "\\u200b-\\u200f",
        "\\u200c-\\u200f",
        "tests/contract/test_bad_input.py",
    ),
    Mutation(
        "chalicelib/models.py",
        'frozenset({"email", "username"})',
        'frozenset({"email"})',
        "tests/contract/test_uniqueness.py",
    ),
    Mutation(
        "chalicelib/schema.py",
        "elif name in self.optional_fields:",
        "elif False:",
        "tests/unit/test_schema.py",
    ),
    Mutation("app.py", "    request.refuse_parameters()\n", "", f"{CONTRACT} -k parameters"),
    Mutation(
        "infra/aws/backfill.py",
        "elif owners[claim] != owner:",
        "elif False:",
        "tests/system/test_backfill.py",
    ),
    Mutation(
        "infra/aws/tables.py",
        '!= wanted["AttributeType"]:',
        "is False:",
        "tests/system/test_tables.py",
    ),
    Mutation(
        "infra/local/server.py",
        "app.__class__ = LocalChalice",
        "pass",
        "tests/system/test_server.py",
    ),
    Mutation(
        "infra/local/server.py", '{";": "%3B", "#": "%23"}', "{}", "tests/system/test_server.py"
    ),
    Mutation(
        "infra/local/run.py",
        "if state.exists() and not database.is_readable_state(state):",
        "if False:",
        "tests/system/test_local.py -k state_file",
    ),
    Mutation(
        f"{APP}/forms/editor.ts",
        "if (!page.destroyed) await options.saved(item);",
        "await options.saved(item);",
        f"{WEB}/test_saving.py -k saved_after",
    ),
    Mutation(
        f"{APP}/forms/editor.ts",
        "state.submitting()",
        "state.hidden()",
        f"{WEB}/test_saving.py -k typed",
    ),
    Mutation(
        f"{APP}/forms/drafts.ts",
        "if (draft.sent?.body !== body) draft.sent",
        "draft.sent",
        f"{WEB}/test_faults.py -k shows_the_draft",
    ),
    Mutation(
        f"{APP}/forms/saver.ts",
        "if (now) await this.deleteAnyway(segments, now);",
        "throw error;",
        f"{WEB}/test_account.py -k deleted",
    ),
    Mutation(
        "web/src/main.ts",
        "if (persisted) location.reload();",
        "if (persisted) location.hash = '';",
        f"{WEB}/test_saving.py -k cache",
    ),
    Mutation(
        f"{APP}/app.html",
        "@for (said of announcer.message(); track said)",
        "@for (said of announcer.message(); track $index)",
        f"{WEB}/test_saving.py -k twice",
    ),
    Mutation(
        f"{APP}/auth/auth.interceptor.ts",
        "session.expire();",
        "",
        f"{WEB}/test_expiry.py -k keeps_refusing",
    ),
    Mutation(
        f"{APP}/auth/oidc.ts",
        "if (error instanceof ErrorResponse) return null;",
        "if (error) return null;",
        f"{WEB}/test_expiry.py -k no_answer",
    ),
    Mutation(
        f"{APP}/auth/guards.ts",
        "return session.isStaff();",
        "return session.isSignedIn();",
        f"{WEB}/test_sign_in.py -k customer",
    ),
    Mutation(
        f"{APP}/auth/session.ts",
        "sessionStorage.clear();",
        "",
        f"{WEB}/test_sign_in.py -k sign_out",
    ),
    Mutation(
        f"{APP}/api/api.ts",
        "page.items.filter((item) => !keys.has(keyOf(item)))",
        "page.items.filter((item) => keys.size > 0 && item)",
        f"{WEB}/test_todos.py -k more",
    ),
    Mutation(
        f"{APP}/api/merge.ts",
        "else conflicts.push({ field, mine: value ?? undefined, theirs: stored });",
        "else patch[field] = value;",
        f"{WEB}/test_products.py -k overlap",
    ),
    Mutation(
        f"{APP}/api/retry.ts",
        "export const RETRIES = 5;",
        "export const RETRIES = 6;",
        f"{WEB}/test_faults.py -k does_not_answer",
    ),
    Mutation(
        f"{APP}/todos/todo-board.ts",
        "if (status === 404) this.deleted.add(todo.id);",
        "",
        f"{WEB}/test_todos.py -k deleted_todo",
    ),
)


def survives(mutation: Mutation, folder: Path) -> bool:
    """Whether no test notices a mutation."""
    project = checkout(folder)
    change(project / mutation.file, mutation.old, mutation.new)
    if mutation.file.startswith("web/"):
        build = [".venv/bin/python", "-m", "infra", "web-build"]
        subprocess.run(build, cwd=project, env=SHELL, capture_output=True, check=True)
    command = [".venv/bin/python", "-m", "pytest", "-q", "-x", "-n", "2", *mutation.tests.split()]
    result = subprocess.run(command, cwd=project, env=SHELL, capture_output=True, check=False)
    # 2: pytest-xdist stopped after the first failure.
    assert result.returncode in (0, 1, 2), result.stdout
    return result.returncode == 0


def main() -> int:
    """Try the mutations. Returns the exit status."""
    start = sys.argv[1] if len(sys.argv) > 1 else ""
    mutations = [mutation for mutation in MUTATIONS if mutation.file.startswith(start)]
    survivors = 0
    for mutation in mutations:
        with TemporaryDirectory() as folder:
            survived = survives(mutation, Path(folder) / "storefront")
        survivors += survived
        said = "SURVIVED" if survived else "noticed"
        print(f"{said:9} {mutation.file}: {mutation.new.strip()[:60]}", flush=True)
    print(f"{len(mutations)} mutations, {survivors} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
