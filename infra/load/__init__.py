"""`make load`: a load test of a running API, and the check of what it has written."""
