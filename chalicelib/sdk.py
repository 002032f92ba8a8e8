"""The AWS SDK, quick to start and quick to read.

botocore is what makes boto3's clients. Where it finds its data and how it reads answers are parts
of its session that can be replaced; boto3 itself, whose resources nobody uses here, is not
imported. docs/performance.md says what each of it saves.
https://botocore.amazonaws.com/v1/documentation/api/latest/reference/loaders.html
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader
from botocore.parsers import ResponseParserFactory, create_parser
from botocore.session import get_session
from msgspec import Raw
from msgspec.json import decode

from chalicelib import settings

if TYPE_CHECKING:
    from botocore.model import Shape

OK = 200
ENDPOINTS = "endpoints.json"


class Models(Loader):
    """botocore's models of one service, which is not looked for among 400 others."""

    def __init__(self, service: str) -> None:
        super().__init__(file_loader=Files(service))
        self.service = service

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002, botocore's
        """The one service."""
        return [self.service]


class Files(JSONFileLoader):
    """botocore's data files, as msgspec decodes them: in a third of the time."""

    def __init__(self, service: str) -> None:
        self.service = service

    def load_file(self, file_path: str) -> Any:
        """The data in `file_path`, which has no extension; None where there is no such file."""
        for extension, read in ((".json", Path.read_bytes), (".json.gz", _unzipped)):
            file = Path(file_path + extension)
            if file.is_file():
                text = read(file)
                return self._endpoints(text) if file.name == ENDPOINTS else decode(text)
        return None

    def _endpoints(self, text: bytes) -> dict[str, Any]:
        """Where AWS is, by partition, without the 300 other services of each."""
        data: dict[str, Any] = decode(text, type=dict[str, Raw])
        partitions = decode(data.get("partitions", b"[]"), type=list[dict[str, Raw]])
        return {name: decode(value) for name, value in data.items() if name != "partitions"} | {
            "partitions": [
                {
                    name: self._own(value) if name == "services" else decode(value)
                    for name, value in partition.items()
                }
                for partition in partitions
            ]
        }

    def _own(self, services: Raw) -> dict[str, Any]:
        return {
            name: decode(value)
            for name, value in decode(services, type=dict[str, Raw]).items()
            if name == self.service
        }


class Parsers(ResponseParserFactory):
    """botocore's parsers, but for the protocol of DynamoDB."""

    def __init__(self) -> None:
        super().__init__()
        self._answers = Answers()

    def create_parser(self, protocol_name: str) -> Any:
        """The parser of a protocol's answers; asked for with each of them."""
        return self._answers if protocol_name == "json" else super().create_parser(protocol_name)


class Answers:
    """What an answer's JSON says, as it says it.

    botocore's own parser goes through each value with the service's model, to make dates and bytes
    of some; DynamoDB's items have neither here. Errors are left to it.
    """

    def __init__(self) -> None:
        self._stock = create_parser("json")

    def parse(self, response: Any, shape: Shape) -> Any:
        """The members of an answer, and its ResponseMetadata. Raises msgspec.DecodeError."""
        if response["status_code"] != OK:
            return self._stock.parse(response, shape)
        metadata = {"HTTPStatusCode": OK, "HTTPHeaders": response["headers"]}
        return {**decode(response["body"]), "ResponseMetadata": metadata}


def client(service: str, *, config: Config) -> Any:
    """A client as `boto3.client` makes it, of a service with DynamoDB's protocol, JSON."""
    session = get_session()
    session.register_component("data_loader", Models(service))
    session.register_component("response_parser_factory", Parsers())
    # Said once: botocore would put its own longer one together twice for each call.
    config = config.merge(Config(user_agent=session.user_agent()))
    return session.create_client(service, config=config, verify=settings.CA_BUNDLE)


def _unzipped(file: Path) -> bytes:
    with gzip.open(file) as opened:
        return opened.read()
