"""`make openapi`: the OpenAPI document as a file, docs/openapi.json, for clients and reviewers."""

import io
import json
import os
import sys
from contextlib import redirect_stdout
from typing import Any

from infra import command, stages
from infra.stages import PROJECT

FILE = PROJECT / "docs" / "openapi.json"


def main() -> None:
    """Write the file."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    stages.load("local").enter()
    FILE.write_text(text())


def text() -> str:
    """The file: what `GET /openapi.json` answers at the root of a host."""
    # Only now: it reads the environment when it is imported.
    from chalice.test import Client

    from app import app

    # The log line of the request is not for whoever runs this.
    with redirect_stdout(io.StringIO()):
        answer: Any = Client(app, stage_name="local").http.get("/openapi.json")
    return json.dumps(answer.json_body, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(command.run(main))
