"""The board of the caller's own todos: moved by buttons, mouse and finger."""

from typing import Any

from playwright.sync_api import Browser, Locator, expect

from tests.conftest import Local
from tests.samples import unique
from tests.web.api_responses import ErrorResponse
from tests.web.conftest import Shop


class Board:
    """Ada's board, with a task of the test's own."""

    def __init__(self, shop: Shop, **fields: Any) -> None:
        self.shop = shop
        self.task = f"Dust {unique()}"
        self.api = shop.api.signed_in(shop.local.header("ada"))
        self.todo: Any = self.api.create("/todos", {"task": self.task} | fields)
        shop.open_as("ada", "/todos")

    def column(self, title: str) -> Locator:
        """A column."""
        heading = self.shop.page.get_by_role("heading", name=title, exact=True)
        return self.shop.page.locator("section").filter(has=heading)

    def card(self, title: str) -> Locator:
        """The task's card in a column."""
        return self.column(title).get_by_role("listitem").filter(has_text=self.task)

    def press(self, title: str) -> None:
        """Press the button that moves the task to a column."""
        self.shop.button(f"Move “{self.task}” to {title}").click()

    @property
    def status(self) -> Any:
        """The stored status."""
        return self.api.get(f"/todos/{self.todo['id']}").json["status"]

    def is_in(self, title: str) -> None:
        """Wait until the task is stored in a column."""
        expect(self.card(title)).to_be_visible()
        self.shop.says(f"“{self.task}” is in the column {title}.")


def test_move_by_keyboard(shop: Shop) -> None:
    """A button per direction; the focus stays with the card."""
    board = Board(shop)
    button = shop.button(f"Move “{board.task}” to In progress")
    expect(button).to_be_visible()
    button.focus()
    shop.page.keyboard.press("Enter")

    board.is_in("In progress")
    expect(board.card("In progress")).to_be_focused()
    assert board.status == "in_progress"
    for _ in range(2):
        shop.page.keyboard.press("Tab")
    expect(shop.button(f"Move “{board.task}” to Done")).to_be_focused()
    shop.page.keyboard.press("Enter")
    board.is_in("Done")
    assert board.status == "done"
    assert shop.messages == []


def test_move_by_mouse(shop: Shop) -> None:
    """The whole card can be dragged, over a column in between."""
    board = Board(shop)
    expect(board.card("Pending")).to_be_visible()

    board.card("Pending").drag_to(board.column("Done"))

    board.is_in("Done")
    assert board.status == "done"


def test_drag_that_ends_nowhere(shop: Shop) -> None:
    """Dropped outside of the columns, or cancelled with Escape, the card stays."""
    board = Board(shop)
    patches = ErrorResponse(times=0)
    shop.on_api("PATCH", "/todos/", patches)
    box = board.card("Pending").bounding_box()
    target = board.column("Done").bounding_box()
    assert box
    assert target
    mouse = shop.page.mouse
    for is_cancelled in (True, False):
        mouse.move(box["x"] + 30, box["y"] + 20)
        mouse.down()
        mouse.move(target["x"] + 30, target["y"] + 20, steps=4)
        expect(shop.page.locator(".column.target")).to_have_count(1)
        if is_cancelled:
            shop.page.keyboard.press("Escape")
        else:
            mouse.move(5, 5)
        mouse.up()
        expect(shop.page.locator(".column.target")).to_have_count(0)

    expect(board.card("Pending")).to_be_visible()
    assert patches.requests == []


def test_move_by_touch(browser: Browser, shop_url: str, local: Local) -> None:
    """The handle is dragged; a finger elsewhere on the card scrolls."""
    context = browser.new_context(viewport={"width": 1024, "height": 700}, has_touch=True)
    shop = Shop(context.new_page(), shop_url, local)
    board = Board(shop)
    expect(board.card("Pending")).to_be_visible()
    handle = board.card("Pending").locator(".handle").bounding_box()
    target = board.column("In progress").bounding_box()
    assert handle
    assert target
    touch = context.new_cdp_session(shop.page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        where = [{"x": x, "y": y} for x, y in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})

    start = (handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    end = (target["x"] + 60, target["y"] + 60)
    send("touchStart", start)
    send("touchMove", ((start[0] + end[0]) / 2, end[1]))
    send("touchMove", end)
    send("touchEnd")

    board.is_in("In progress")
    assert board.status == "in_progress"
    context.close()


def test_two_quick_moves_of_one_todo(shop: Shop) -> None:
    """The second one waits for the first one's etag; the last column wins, in one write each."""
    board = Board(shop)
    patches = ErrorResponse(times=0)
    shop.on_api("PATCH", "/todos/", patches)

    board.press("In progress")
    board.press("Done")

    board.is_in("Done")
    assert board.status == "done"
    etags = patches.header("if-match")
    assert len(etags) == len(set(etags))


def test_move_there_and_back(shop: Shop) -> None:
    """Moved back before the first answer: it ends where it was."""
    board = Board(shop)

    board.press("In progress")
    board.press("Pending")

    board.is_in("Pending")
    assert board.status == "pending"


def test_move_of_a_changed_todo(shop: Shop) -> None:
    """Another tab has changed the task: both are kept."""
    board = Board(shop)
    expect(board.card("Pending")).to_be_visible()
    path = f"/todos/{board.todo['id']}"
    board.api.patch(path, {"task": f"{board.task} twice"})

    board.press("In progress")

    expect(board.card("In progress")).to_contain_text("twice")
    assert board.api.get(path).json["task"] == f"{board.task} twice"


def test_move_of_a_moved_todo_asks(shop: Shop) -> None:
    """Another tab has moved it elsewhere: the person decides."""
    board = Board(shop)
    expect(board.card("Pending")).to_be_visible()
    board.api.patch(f"/todos/{board.todo['id']}", {"status": "done"})
    board.press("In progress")
    dialog = shop.page.get_by_role("dialog")

    dialog.get_by_label("Theirs").check()
    dialog.get_by_role("button", name="Save").click()

    board.is_in("Done")
    assert board.status == "done"


def test_move_whose_question_is_cancelled(shop: Shop) -> None:
    """The card is shown where the other tab has moved it."""
    board = Board(shop)
    expect(board.card("Pending")).to_be_visible()
    board.api.patch(f"/todos/{board.todo['id']}", {"status": "done"})
    board.press("In progress")

    shop.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()

    board.is_in("Done")
    expect(board.card("Done")).to_be_focused()


def test_move_that_fails_goes_back(shop: Shop) -> None:
    """The card is where it is stored, and the problem is shown."""
    board = Board(shop)
    shop.on_api("PATCH", "/todos/", ErrorResponse(500))

    board.press("In progress")

    expect(board.card("Pending")).to_be_focused()
    shop.says("request-1")
    assert board.status == "pending"


def test_move_of_a_deleted_todo(shop: Shop) -> None:
    """Another tab has deleted it: it does not come back."""
    board = Board(shop)
    expect(board.card("Pending")).to_be_visible()
    board.api.delete(f"/todos/{board.todo['id']}")

    board.press("In progress")

    shop.says("It may have been deleted.")
    for title in ("Pending", "In progress", "Done"):
        expect(board.card(title)).to_have_count(0)


def test_add_change_and_delete(shop: Shop) -> None:
    """One form, for a new task or for the one that is changed."""
    board = Board(shop, status="done")
    task = f"Sweep {unique()}"
    shop.field("Task").fill(" ")
    shop.button("Save").click()
    expect(shop.field("Task")).to_have_accessible_description("Task must not be blank.")
    shop.field("Task").fill(task)
    shop.page.keyboard.press("Enter")
    shop.says(f"“{task}” is on the board.")
    expect(shop.field("Task")).to_be_focused()
    expect(shop.field("Task")).to_have_value("")

    board.card("Done").get_by_role("button", name="Edit").click()
    expect(shop.field("Task")).to_be_focused()
    expect(shop.field("Task")).to_have_value(board.task)
    shop.button("Cancel").click()
    expect(board.card("Done")).to_be_focused()
    board.card("Done").get_by_role("button", name="Edit").click()
    expect(shop.field("Task")).to_have_value(board.task)
    shop.field("Task").fill(f"{board.task} again")
    shop.button("Save").click()
    expect(board.card("Done")).to_contain_text("again")
    expect(board.card("Done")).to_be_focused()
    board.card("Done").get_by_role("button", name="Delete").click()
    shop.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    shop.says("is deleted.")
    expect(board.card("Done")).to_have_count(0)
    assert board.api.get(f"/todos/{board.todo['id']}").status == 404


def test_edit_of_one_task_after_another(shop: Shop) -> None:
    """The form has the task whose button was pressed last, and changes that one."""
    board = Board(shop)
    other = board.api.create("/todos", {"task": f"Sweep {unique()}", "status": "done"})
    shop.page.reload()
    board.card("Pending").get_by_role("button", name="Edit").click()
    card = shop.page.get_by_role("listitem").filter(has_text=other["task"])
    card.get_by_role("button", name="Edit").click()
    expect(shop.field("Task")).to_have_value(other["task"])
    shop.field("Task").fill(f"{other['task']} well")

    shop.button("Save").click()

    shop.says(f"“{other['task']} well” is saved.")
    assert board.api.get(f"/todos/{board.todo['id']}").json["task"] == board.task


def test_board_is_the_callers_own(shop: Shop) -> None:
    """Bob does not see Ada's task."""
    task = f"Secret {unique()}"
    shop.api.signed_in(shop.local.header("ada")).create("/todos", {"task": task})
    page = shop.open_as("bob", "/todos")

    expect(page.get_by_role("heading", name="Pending")).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    expect(page.get_by_text(task)).to_have_count(0)


def test_more_of_a_column(shop: Shop) -> None:
    """Each column has its own pages."""
    bob = shop.api.signed_in(shop.local.header("bob"))
    bob.create("/todos", {"task": "First"})
    for number in range(27):
        bob.create("/todos", {"task": f"Count {number:02}", "status": "done"})
    page = shop.open_as("bob", "/todos")
    done = page.locator("section[data-status=done]")
    expect(done.get_by_role("listitem")).to_have_count(25)
    # One of the next page is on the board already, because it was moved.
    shop.button("Move “First” to In progress").click()
    shop.says("“First” is in the column In progress.")
    shop.button("Move “First” to Done").click()
    shop.says("“First” is in the column Done.")

    done.get_by_role("button", name="More").click()

    expect(done.get_by_role("listitem").filter(has_text="Count 00")).to_be_visible()
    expect(done.get_by_role("listitem").filter(has_text="First")).to_have_count(1)
    expect(done.get_by_role("listitem").nth(26)).to_be_focused()
