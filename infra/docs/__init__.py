"""The generators of docs/: OpenAPI, Postman, costs, screenshots."""
