"""The tests: each deployment of the project on its own (unit), then the API as a client sees it."""
