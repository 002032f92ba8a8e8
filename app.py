"""The routes of the API: one function for each operation.

The decorator has the path, the method and the operation; the function reads the request, calls the
data-access module, and returns a response.
"""

import chalicelib
from chalicelib import cold_start, settings
from chalicelib.framework import (
    MERGE_PATCH,
    Api,
    Collection,
    Create,
    Delete,
    List,
    Patch,
    Read,
    Replace,
    Request,
    Response,
    created,
    deleted,
    docs_page,
    ok,
    ok_or_not_modified,
    ok_page,
    openapi_document,
    redirected,
    resources_by_list_path,
)
from chalicelib.models import PRODUCTS, REVIEWS, TODOS, USERS

app = Api(app_name="storefront")

users = Collection(USERS)
products = Collection(PRODUCTS)
todos = Collection(TODOS)
reviews = Collection(REVIEWS)


@app.route("/", methods=["GET"])
def read_root(request: Request) -> Response:
    """Return the API's name, version, stage and links, and who calls; send browsers to the docs."""
    if request.accepts_html:
        return redirected(f"{request.base_path}/docs", Vary="Accept")
    caller = request.context.caller
    paths = (*resources_by_list_path(app), "/openapi.json", "/docs")
    return ok(
        {
            "name": app.app_name,
            "version": chalicelib.__version__,
            "stage": settings.STAGE,
            "links": {path.removeprefix("/"): f"{request.base_path}{path}" for path in paths},
            **(
                {"caller": {"subject": caller.subject, "roles": sorted(caller.roles)}}
                if caller.subject
                else {}
            ),
        },
        Vary="Accept",
    )


@app.route("/health", methods=["GET"])
def read_health(request: Request) -> Response:
    """Return 200 while the API runs, without a call to the database."""
    return ok({"status": "ok"})


@app.route("/openapi.json", methods=["GET"])
def read_openapi(request: Request) -> Response:
    """Return the OpenAPI 3.1 document of the API."""
    return openapi_document(request)


@app.route("/docs", methods=["GET"])
def read_docs(request: Request) -> Response:
    """Return the page that shows the OpenAPI document."""
    return docs_page(app, request)


@app.route("/users", methods=["POST"], operation=Create(USERS))
def create_user(request: Request) -> Response:
    """Create a user."""
    return created(request, users.create(request.body(), request.context))


@app.route("/users", methods=["GET"], operation=List(USERS, or_read=True))
def list_users(request: Request) -> Response:
    """List users, newest first, or read the user whose userId is given."""
    if "userId" in request.query:
        key = request.only_parameter("userId")
        return ok_or_not_modified(request, users.read(key, request.context))
    return ok_page(request, users.page(request.query, request.context))


@app.route("/users", methods=["PUT"], operation=Replace(USERS, key_in="body"))
def replace_user_in_body(request: Request) -> Response:
    """Replace the user whose userId is in the body."""
    request.refuse_parameters()
    body = request.body()
    return ok(users.replace(body.get("userId"), body, request.context))


@app.route("/users", methods=["DELETE"], operation=Delete(USERS, key_in="query"))
def delete_user_in_query(request: Request) -> Response:
    """Delete the user whose userId is given."""
    users.delete(request.only_parameter("userId"), request.context)
    return deleted()


@app.route("/users/{key}", methods=["GET"], operation=Read(USERS))
def read_user(request: Request, key: str) -> Response:
    """Read a user."""
    return ok_or_not_modified(request, users.read(key, request.context))


@app.route("/users/{key}", methods=["PUT"], operation=Replace(USERS))
def replace_user(request: Request, key: str) -> Response:
    """Replace the fields of a user."""
    return ok(users.replace(key, request.body(), request.context))


@app.route("/users/{key}", methods=["PATCH"], operation=Patch(USERS))
def patch_user(request: Request, key: str) -> Response:
    """Change some fields of a user."""
    return ok(users.patch(key, request.body(MERGE_PATCH), request.context))


@app.route("/users/{key}", methods=["DELETE"], operation=Delete(USERS))
def delete_user(request: Request, key: str) -> Response:
    """Delete a user."""
    users.delete(key, request.context)
    return deleted()


@app.route("/products", methods=["POST"], operation=Create(PRODUCTS))
def create_product(request: Request) -> Response:
    """Create a product."""
    return created(request, products.create(request.body(), request.context))


@app.route("/products", methods=["GET"], operation=List(PRODUCTS))
def list_products(request: Request) -> Response:
    """List products, newest first."""
    return ok_page(request, products.page(request.query, request.context))


@app.route("/products/{key}", methods=["GET"], operation=Read(PRODUCTS))
def read_product(request: Request, key: str) -> Response:
    """Read a product."""
    return ok_or_not_modified(request, products.read(key, request.context))


@app.route("/products/{key}", methods=["PUT"], operation=Replace(PRODUCTS))
def replace_product(request: Request, key: str) -> Response:
    """Replace the fields of a product."""
    return ok(products.replace(key, request.body(), request.context))


@app.route("/products/{key}", methods=["PATCH"], operation=Patch(PRODUCTS))
def patch_product(request: Request, key: str) -> Response:
    """Change some fields of a product."""
    return ok(products.patch(key, request.body(MERGE_PATCH), request.context))


@app.route("/products/{key}", methods=["DELETE"], operation=Delete(PRODUCTS))
def delete_product(request: Request, key: str) -> Response:
    """Delete a product."""
    products.delete(key, request.context)
    return deleted()


@app.route("/products/{key}/reviews", methods=["GET"], operation=List(REVIEWS, parent="productId"))
def list_product_reviews(request: Request, key: str) -> Response:
    """List the reviews of a product, newest first."""
    return ok_page(request, reviews.page(request.query_with("productId", key), request.context))


@app.route("/todos", methods=["POST"], operation=Create(TODOS))
def create_todo(request: Request) -> Response:
    """Create a todo."""
    return created(request, todos.create(request.body(), request.context))


@app.route("/todos", methods=["GET"], operation=List(TODOS))
def list_todos(request: Request) -> Response:
    """List todos, newest first."""
    return ok_page(request, todos.page(request.query, request.context))


@app.route("/todos/{key}", methods=["GET"], operation=Read(TODOS))
def read_todo(request: Request, key: str) -> Response:
    """Read a todo."""
    return ok_or_not_modified(request, todos.read(key, request.context))


@app.route("/todos/{key}", methods=["PUT"], operation=Replace(TODOS))
def replace_todo(request: Request, key: str) -> Response:
    """Replace the fields of a todo."""
    return ok(todos.replace(key, request.body(), request.context))


@app.route("/todos/{key}", methods=["PATCH"], operation=Patch(TODOS))
def patch_todo(request: Request, key: str) -> Response:
    """Change some fields of a todo."""
    return ok(todos.patch(key, request.body(MERGE_PATCH), request.context))


@app.route("/todos/{key}", methods=["DELETE"], operation=Delete(TODOS))
def delete_todo(request: Request, key: str) -> Response:
    """Delete a todo."""
    todos.delete(key, request.context)
    return deleted()


@app.route("/reviews", methods=["POST"], operation=Create(REVIEWS))
def create_review(request: Request) -> Response:
    """Create a review."""
    return created(request, reviews.create(request.body(), request.context))


@app.route("/reviews", methods=["GET"], operation=List(REVIEWS))
def list_reviews(request: Request) -> Response:
    """List reviews, newest first."""
    return ok_page(request, reviews.page(request.query, request.context))


@app.route("/reviews/{key}", methods=["GET"], operation=Read(REVIEWS))
def read_review(request: Request, key: str) -> Response:
    """Read a review."""
    return ok_or_not_modified(request, reviews.read(key, request.context))


@app.route("/reviews/{key}", methods=["PUT"], operation=Replace(REVIEWS))
def replace_review(request: Request, key: str) -> Response:
    """Replace the fields of a review."""
    return ok(reviews.replace(key, request.body(), request.context))


@app.route("/reviews/{key}", methods=["PATCH"], operation=Patch(REVIEWS))
def patch_review(request: Request, key: str) -> Response:
    """Change some fields of a review."""
    return ok(reviews.patch(key, request.body(MERGE_PATCH), request.context))


@app.route("/reviews/{key}", methods=["DELETE"], operation=Delete(REVIEWS))
def delete_review(request: Request, key: str) -> Response:
    """Delete a review."""
    reviews.delete(key, request.context)
    return deleted()


cold_start.finish()
