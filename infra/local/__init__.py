"""`make run`: the local server, its database and sample data."""
