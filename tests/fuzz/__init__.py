"""Requests made up from the OpenAPI document, and what they must never bring about."""
