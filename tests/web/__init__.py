"""The shop in a browser."""
