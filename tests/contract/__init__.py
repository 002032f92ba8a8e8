"""The HTTP contract, for every deployment of the API."""
