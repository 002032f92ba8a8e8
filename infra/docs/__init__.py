"""The generators of docs/: the OpenAPI document and the screenshots."""
