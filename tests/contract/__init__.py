"""The HTTP contract, told to every place where the API runs."""
