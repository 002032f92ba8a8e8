"""HTTP: requests, responses, problem documents, operations, and what describes them."""
