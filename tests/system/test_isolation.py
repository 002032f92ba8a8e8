"""Three callers against a model of who sees what: random programs, no difference.

Ada and Bob are customers and Sue is staff. They use the same keys for todos, the same
Idempotency-Keys, and each other's etags and cursors.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests import sign_in
from tests.client import Client, Response
from tests.samples import unique

STEPS = 1000
PROGRAMS = 20
LENGTH = 60

CALLERS = st.sampled_from(["ada", "bob", "sue"])
KEYS = st.sampled_from(["k1", "k2"])
ONCE = st.sampled_from(["once-1", "once-2"])
TASKS = st.sampled_from(["Dust", "Sweep"])
STATUSES = st.sampled_from(["pending", "done"])
METHODS = st.sampled_from(["PATCH", "PUT", "DELETE"])


class Shop(RuleBasedStateMachine):
    """The todos of each owner, the reviews and their authors, and the users, compared."""

    staff: Client
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        # The subjects, keys and Idempotency-Keys of one program.
        self.run = unique()
        self.todos: dict[str, dict[str, Any]] = {name: {} for name in ("ada", "bob", "sue")}
        self.reviews: dict[str, tuple[str, Any]] = {}
        self.users: dict[str, Any] = {}
        self.answered: dict[tuple[str, str], tuple[Any, Response]] = {}
        self.cursors: dict[str, str] = {}
        roles = {"sue": ("staff",)}
        self.clients = {
            name: self.staff.signed_in(
                sign_in.authorization(self.subject(name), *roles.get(name, ()))
            )
            for name in self.todos
        }

    def subject(self, name: str) -> str:
        """The subject of a caller in this program."""
        return f"{name}-{self.run}"

    def key(self, name: str) -> str:
        """The key of an item in this program; reviews and users have one space of keys."""
        return f"{name}-{self.run}"

    @rule(caller=CALLERS, key=KEYS, task=TASKS, status=STATUSES)
    def create_todo(self, caller: str, key: str, task: str, status: str) -> None:
        """Only the caller's own todos are in the way."""
        Shop.steps += 1
        body = {"id": key, "task": task, "status": status}
        response = self.clients[caller].post("/todos", body)
        if key in self.todos[caller]:
            assert (response.status, list(response.problems)) == (409, ["id"])
        else:
            assert response.status == 201
            self.todos[caller][key] = response.json

    @rule(caller=CALLERS, once=ONCE, task=TASKS)
    def create_todo_once(self, caller: str, once: str, task: str) -> None:
        """Nobody's Idempotency-Key is another's."""
        Shop.steps += 1
        body = {"task": task}
        response = self.clients[caller].post("/todos", body, Idempotency_Key=self.key(once))
        if (caller, once) not in self.answered:
            assert (response.status, response.headers.get("idempotency-replayed")) == (201, None)
            self.answered[caller, once] = (body, response)
            self.todos[caller][response.json["id"]] = response.json
            return
        request, first = self.answered[caller, once]
        if request == body:
            assert (response.status, response.body) == (201, first.body)
        else:
            assert response.status == 422

    @rule(caller=CALLERS, key=KEYS)
    def read_todo(self, caller: str, key: str) -> None:
        """Another owner's todo is as one that does not exist."""
        Shop.steps += 1
        response = self.clients[caller].get(f"/todos/{key}")
        item = self.todos[caller].get(key)
        assert (response.status, response.json if item else None) == (200 if item else 404, item)

    @rule(caller=CALLERS, owner=CALLERS, key=KEYS)
    def read_todo_of(self, caller: str, owner: str, key: str) -> None:
        """Staff name any owner; a customer names itself alone."""
        Shop.steps += 1
        response = self.clients[caller].get(f"/todos/{key}?owner={self.subject(owner)}")
        if caller not in ("sue", owner):
            assert response.status == 403
            return
        item = self.todos[owner].get(key)
        assert (response.status, response.json if item else None) == (200 if item else 404, item)

    @rule(caller=CALLERS, other=CALLERS, key=KEYS, method=METHODS)
    def change_todo(self, caller: str, other: str, key: str, method: str) -> None:
        """Under the etag of the todo with the same key of the same, or of another, owner."""
        Shop.steps += 1
        before, theirs = self.todos[caller].get(key), self.todos[other].get(key)
        etag = theirs["etag"] if theirs else '"stale"'
        body = None if method == "DELETE" else {"task": "Changed"}
        response = self.clients[caller].request(method, f"/todos/{key}", body, If_Match=etag)
        if before is None:
            assert response.status == 404
        elif etag != before["etag"]:
            assert response.status == 412
        elif method == "DELETE":
            assert response.status == 204
            del self.todos[caller][key]
        else:
            assert (response.status, response.json["task"]) == (200, "Changed")
            assert response.json["createdAt"] == before["createdAt"]
            self.todos[caller][key] = response.json

    @rule(caller=CALLERS, status=STATUSES | st.none())
    def walk_todos(self, caller: str, status: str | None) -> None:
        """Each list, filtered or not, has the caller's own, in pages of one."""
        Shop.steps += 1
        query: dict[str, Any] = {"limit": 1, **({"status": status} if status else {})}
        pages = list(self.clients[caller].pages("/todos", query))
        listed = [item for page in pages for item in page]
        own = self.todos[caller].values()
        self.same(listed, [item for item in own if status in (None, item["status"])])

    @rule(caller=CALLERS, other=CALLERS)
    def use_a_cursor(self, caller: str, other: str) -> None:
        """A cursor of another owner's list is refused."""
        Shop.steps += 1
        first = self.clients[caller].get("/todos", {"limit": 1}).json
        if first["next"]:
            self.cursors[caller] = first["next"]
        if other in self.cursors:
            query = {"limit": 1, "cursor": self.cursors[other]}
            response = self.clients[caller].get("/todos", query)
            assert response.status == (200 if caller == other else 400)
            assert all(i["id"] in self.todos[caller] for i in response.json.get("items", []))

    @rule(caller=CALLERS, key=KEYS)
    def create_review(self, caller: str, key: str) -> None:
        """Everybody sees it, and its author is remembered."""
        Shop.steps += 1
        body = {"id": self.key(key), "review": f"Of {caller}."}
        response = self.clients[caller].post("/reviews", body)
        if key in self.reviews:
            assert response.status == 409
        else:
            assert response.status == 201
            self.reviews[key] = (caller, response.json)

    @rule(caller=CALLERS, key=KEYS, method=METHODS)
    def change_review(self, caller: str, key: str, method: str) -> None:
        """The author and staff may, under the right etag; another customer may not."""
        Shop.steps += 1
        body = None if method == "DELETE" else {"review": "Changed"}
        author, item = self.reviews.get(key, (None, {"etag": '"x"'}))
        response = self.clients[caller].request(
            method, f"/reviews/{self.key(key)}", body, If_Match=item["etag"]
        )
        if author is None:
            assert response.status == 404
        elif caller not in (author, "sue"):
            assert response.status == 403
        elif method == "DELETE":
            assert response.status == 204
            del self.reviews[key]
        else:
            assert (response.status, response.json["review"]) == (200, "Changed")
            self.reviews[key] = (author, response.json)

    @rule(caller=CALLERS)
    def walk_own_reviews(self, caller: str) -> None:
        """What the caller wrote, also if staff have changed it since."""
        Shop.steps += 1
        listed = list(self.clients[caller].walk("/reviews", {"author": "me", "limit": 1}))
        self.same(listed, [item for author, item in self.reviews.values() if author == caller])

    @rule(caller=CALLERS, user=CALLERS, named=st.booleans())
    def create_user(self, caller: str, user: str, named: bool) -> None:
        """A customer creates its own user alone, with its subject as the key."""
        Shop.steps += 1
        user = user if named or caller == "sue" else caller
        body = {"name": caller} | ({"userId": self.subject(user)} if named else {})
        if not named and caller == "sue":
            return
        response = self.clients[caller].post("/users", body)
        if caller not in (user, "sue"):
            assert response.status == 403
        elif user in self.users:
            assert response.status == 409
        else:
            assert (response.status, response.json["userId"]) == (201, self.subject(user))
            self.users[user] = response.json

    @rule(caller=CALLERS, user=CALLERS, method=METHODS, in_path=st.booleans())
    def change_user(self, caller: str, user: str, method: str, in_path: bool) -> None:
        """403 for another customer, whether or not the user exists, however it is addressed."""
        Shop.steps += 1
        key = self.subject(user)
        body: Any = None if method == "DELETE" else {"name": f"By {caller}"}
        path = f"/users/{key}"
        if not in_path and method == "DELETE":
            path = f"/users?userId={key}"
        elif not in_path and method == "PUT":
            path, body = "/users", body | {"userId": key}
        response = self.clients[caller].request(method, path, body)
        if caller not in (user, "sue"):
            assert response.status == 403
        elif user not in self.users:
            assert response.status == 404
        elif method == "DELETE":
            assert response.status == 204
            del self.users[user]
        else:
            assert (response.status, response.json["name"]) == (200, f"By {caller}")
            self.users[user] = response.json

    @staticmethod
    def same(listed: list[Any], wanted: list[Any]) -> None:
        """A list has these items, each once."""
        assert sorted(listed, key=lambda i: i["id"]) == sorted(wanted, key=lambda i: i["id"])


@pytest.mark.timeout(180)
def test_random_programs_of_three_callers_match_the_model(in_process: Client) -> None:
    """At least 2,000 steps; nothing of one owner is ever seen by another."""
    Shop.staff, Shop.steps = in_process, 0
    while Shop.steps < STEPS:
        run_state_machine_as_test(
            Shop,
            settings=settings(
                max_examples=PROGRAMS,
                stateful_step_count=LENGTH,
                derandomize=False,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
