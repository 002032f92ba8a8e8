"""The built shop on a port of this machine, with CloudFront's headers, paths and compression."""

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from infra.template import site
from infra.web.build import DIST
from infra.web.config import Config

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
# As in site.REWRITE, which test_site.py runs on Node.
FILE = re.compile(r"/[^/]+\.[^/]+")


@contextmanager
def hosted(config: Config, connect: list[str]) -> Iterator[str]:
    """Serve the build with a config.json. Returns its URL."""
    headers = site.security_headers(connect)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            name = path.removeprefix("/") if FILE.fullmatch(path) else "index.html"
            content = contents(name)
            # Chromium asks for it where a page has no link to an icon, as robots.txt.
            if name == "favicon.ico":
                content = b""
            self.send_response(404 if content is None else 200)
            for header, value in headers.items():
                self.send_header(header, value)
            body = gzip.compress(b"Not found" if content is None else content, mtime=0)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Type", TYPES.get(Path(name).suffix, "text/plain"))
            self.send_header("Cache-Control", site.cache_control(name))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    def contents(name: str) -> bytes | None:
        if name == "config.json":
            return config.json()
        file = DIST / name
        return file.read_bytes() if file.is_file() else None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
