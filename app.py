"""The API's table of contents: one function per operation.

Each says which request it answers (the decorator), what it does (the docstring) and how: it asks
the data-access module, and puts what comes back in HTTP's terms.
"""

import chalicelib
from chalicelib import init, settings
from chalicelib.http import (
    MERGE_PATCH,
    Api,
    Request,
    Response,
    changed,
    created,
    deleted,
    described,
    found,
    listed,
    redirected,
    shown,
    told,
)
from chalicelib.models import PRODUCTS, RESOURCES, REVIEWS, TODOS, USERS
from chalicelib.store import Collection

app = Api(app_name="storefront")

users = Collection(USERS)
products = Collection(PRODUCTS)
todos = Collection(TODOS)
reviews = Collection(REVIEWS)


@app.route("/", methods=["GET"])
def read_root(request: Request) -> Response:
    """Say what this is, and where the resources are; a browser is shown the docs page."""
    if request.wants_html:
        return redirected(f"{request.base}/docs", Vary="Accept")
    names = (*(resource.path for resource in RESOURCES), "openapi.json", "docs")
    links = {name: f"{request.base}/{name}" for name in names}
    return told(
        {
            "name": app.app_name,
            "version": chalicelib.__version__,
            "stage": settings.STAGE,
            "links": links,
        },
        Vary="Accept",
    )


@app.route("/health", methods=["GET"])
def read_health(request: Request) -> Response:
    """Say that the API is alive, without asking the database."""
    return told({"status": "ok"})


@app.route("/openapi.json", methods=["GET"])
def read_openapi(request: Request) -> Response:
    """Describe the API, as OpenAPI 3.1."""
    return described(app, request)


@app.route("/docs", methods=["GET"])
def read_docs(request: Request) -> Response:
    """Show the API's description, to read it and to try it."""
    return shown(app)


@app.route("/users", methods=["POST"])
def create_user(request: Request) -> Response:
    """Create a user."""
    return created(request, users.create(request.body(), once=request.once))


@app.route("/users", methods=["GET"])
def list_users(request: Request) -> Response:
    """List users, newest first, or read the one whose `userId` is given."""
    if "userId" in request.query:
        return read_user(request, request.parameter("userId"))
    return listed(request, users.page(request.query))


@app.route("/users", methods=["PUT"])
def replace_user_in_body(request: Request) -> Response:
    """Replace the user whose `userId` is in the body."""
    body = request.body()
    return changed(users.replace(body.get("userId"), body, when=request.precondition))


@app.route("/users", methods=["DELETE"])
def delete_user_in_query(request: Request) -> Response:
    """Delete the user whose `userId` is given."""
    return delete_user(request, request.parameter("userId"))


@app.route("/users/{key}", methods=["GET"])
def read_user(request: Request, key: str) -> Response:
    """Read a user."""
    return found(request, users.read(key, when=request.precondition))


@app.route("/users/{key}", methods=["PUT"])
def replace_user(request: Request, key: str) -> Response:
    """Replace the fields of a user."""
    return changed(users.replace(key, request.body(), when=request.precondition))


@app.route("/users/{key}", methods=["PATCH"])
def patch_user(request: Request, key: str) -> Response:
    """Change some fields of a user."""
    return changed(users.patch(key, request.body(MERGE_PATCH), when=request.precondition))


@app.route("/users/{key}", methods=["DELETE"])
def delete_user(request: Request, key: str) -> Response:
    """Delete a user."""
    users.delete(key, when=request.precondition)
    return deleted()


@app.route("/products", methods=["POST"])
def create_product(request: Request) -> Response:
    """Create a product."""
    return created(request, products.create(request.body(), once=request.once))


@app.route("/products", methods=["GET"])
def list_products(request: Request) -> Response:
    """List products, newest first."""
    return listed(request, products.page(request.query))


@app.route("/products/{key}", methods=["GET"])
def read_product(request: Request, key: str) -> Response:
    """Read a product."""
    return found(request, products.read(key, when=request.precondition))


@app.route("/products/{key}", methods=["PUT"])
def replace_product(request: Request, key: str) -> Response:
    """Replace the fields of a product."""
    return changed(products.replace(key, request.body(), when=request.precondition))


@app.route("/products/{key}", methods=["PATCH"])
def patch_product(request: Request, key: str) -> Response:
    """Change some fields of a product."""
    return changed(products.patch(key, request.body(MERGE_PATCH), when=request.precondition))


@app.route("/products/{key}", methods=["DELETE"])
def delete_product(request: Request, key: str) -> Response:
    """Delete a product."""
    products.delete(key, when=request.precondition)
    return deleted()


@app.route("/todos", methods=["POST"])
def create_todo(request: Request) -> Response:
    """Create a todo."""
    return created(request, todos.create(request.body(), once=request.once))


@app.route("/todos", methods=["GET"])
def list_todos(request: Request) -> Response:
    """List todos, newest first."""
    return listed(request, todos.page(request.query))


@app.route("/todos/{key}", methods=["GET"])
def read_todo(request: Request, key: str) -> Response:
    """Read a todo."""
    return found(request, todos.read(key, when=request.precondition))


@app.route("/todos/{key}", methods=["PUT"])
def replace_todo(request: Request, key: str) -> Response:
    """Replace the fields of a todo."""
    return changed(todos.replace(key, request.body(), when=request.precondition))


@app.route("/todos/{key}", methods=["PATCH"])
def patch_todo(request: Request, key: str) -> Response:
    """Change some fields of a todo."""
    return changed(todos.patch(key, request.body(MERGE_PATCH), when=request.precondition))


@app.route("/todos/{key}", methods=["DELETE"])
def delete_todo(request: Request, key: str) -> Response:
    """Delete a todo."""
    todos.delete(key, when=request.precondition)
    return deleted()


@app.route("/reviews", methods=["POST"])
def create_review(request: Request) -> Response:
    """Create a review."""
    return created(request, reviews.create(request.body(), once=request.once))


@app.route("/reviews", methods=["GET"])
def list_reviews(request: Request) -> Response:
    """List reviews, newest first."""
    return listed(request, reviews.page(request.query))


@app.route("/reviews/{key}", methods=["GET"])
def read_review(request: Request, key: str) -> Response:
    """Read a review."""
    return found(request, reviews.read(key, when=request.precondition))


@app.route("/reviews/{key}", methods=["PUT"])
def replace_review(request: Request, key: str) -> Response:
    """Replace the fields of a review."""
    return changed(reviews.replace(key, request.body(), when=request.precondition))


@app.route("/reviews/{key}", methods=["PATCH"])
def patch_review(request: Request, key: str) -> Response:
    """Change some fields of a review."""
    return changed(reviews.patch(key, request.body(MERGE_PATCH), when=request.precondition))


@app.route("/reviews/{key}", methods=["DELETE"])
def delete_review(request: Request, key: str) -> Response:
    """Delete a review."""
    reviews.delete(key, when=request.precondition)
    return deleted()


init.done()
