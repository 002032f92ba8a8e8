"""botocore clients that start and parse faster than `boto3.client`.

boto3's clients are botocore's. Two replaceable components of botocore's session are replaced: the
loader of data files and the parser of responses. The User-Agent header is built once, and boto3
itself is not imported.
https://botocore.amazonaws.com/v1/documentation/api/latest/reference/loaders.html
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.exceptions import UnknownServiceError
from botocore.loaders import JSONFileLoader, Loader
from botocore.parsers import ResponseParserFactory, create_parser
from botocore.session import get_session
from msgspec import DecodeError, Raw
from msgspec.json import decode

from chalicelib import settings

if TYPE_CHECKING:
    from botocore.model import Shape
    from mypy_boto3_dynamodb import DynamoDBClient

OK = 200
ENDPOINTS = "endpoints.json"
ENDPOINT_RULES = "endpoint-rule-set-1"
# Variables that ask for other hosts: those of FIPS 140, and those with IPv6 addresses.
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html
OTHER_ENDPOINTS = ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT")


class OneServiceLoader(Loader):
    """botocore's loader for one service: it does not list the folders of the 400 others.

    It has no rules of endpoints, which botocore would apply to each call: botocore then takes the
    service's host name in the region from `endpoints.json`, once. Other names need the rules.
    """

    def __init__(self, service: str) -> None:
        super().__init__(file_loader=MsgspecFileLoader(service))
        self.service = service

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002, botocore's
        """The one service."""
        return [self.service]

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> Any:
        """The data of a type. Raises UnknownServiceError for rules that are not needed."""
        if type_name == ENDPOINT_RULES and not any(map(os.environ.get, OTHER_ENDPOINTS)):
            raise UnknownServiceError(service_name=service_name, known_service_names="none")
        return super().load_service_model(service_name, type_name, api_version)


class MsgspecFileLoader(JSONFileLoader):
    """botocore's loader of data files, with msgspec, which takes a third of the time."""

    def __init__(self, service: str) -> None:
        self.service = service

    def load_file(self, file_path: str) -> Any:
        """The data in `file_path`, which has no extension; None if there is no such file."""
        for extension, read in ((".json", Path.read_bytes), (".json.gz", _read_gzip)):
            file = Path(file_path + extension)
            if file.is_file():
                text = read(file)
                return self._one_service_endpoints(text) if file.name == ENDPOINTS else decode(text)
        return None

    def _one_service_endpoints(self, text: bytes) -> dict[str, Any]:
        """`endpoints.json`, reduced to this one service."""
        data: dict[str, Any] = decode(text, type=dict[str, Raw])
        partitions = decode(data.get("partitions", b"[]"), type=list[dict[str, Raw]])
        return {name: decode(value) for name, value in data.items() if name != "partitions"} | {
            "partitions": [
                {
                    name: self._this_service(value) if name == "services" else decode(value)
                    for name, value in partition.items()
                }
                for partition in partitions
            ]
        }

    def _this_service(self, services: Raw) -> dict[str, Any]:
        return {
            name: decode(value)
            for name, value in decode(services, type=dict[str, Raw]).items()
            if name == self.service
        }


class ParserFactory(ResponseParserFactory):
    """botocore's factory of parsers, with `ResponseParser` for the JSON protocol of DynamoDB."""

    def __init__(self) -> None:
        super().__init__()
        self._json = ResponseParser()

    def create_parser(self, protocol_name: str) -> Any:
        """The parser of a protocol's responses. botocore calls this for each response."""
        return self._json if protocol_name == "json" else super().create_parser(protocol_name)


class ResponseParser:
    """A parser that returns a successful response's JSON as it is.

    botocore's own parser converts each value by the service's model, for dates and binary values,
    which are not used here. It still parses errors.
    """

    def __init__(self) -> None:
        self._botocore = create_parser("json")

    def parse(self, response: Any, shape: Shape) -> Any:
        """A response's members and its ResponseMetadata.

        Like botocore's parsers, it gives a body that is not JSON as the member `message`: botocore
        decides after this whether the response is damaged, and the call is sent again.
        """
        if response["status_code"] != OK:
            return self._botocore.parse(response, shape)
        metadata = {"HTTPStatusCode": OK, "HTTPHeaders": response["headers"]}
        # SQS sends no body where an operation has no output.
        try:
            members = decode(response["body"] or b"{}", type=dict[str, Any])
        except (DecodeError, UnicodeDecodeError):
            members = {"message": response["body"]}
        return {**members, "ResponseMetadata": metadata}


def client(service: str, *, config: Config) -> DynamoDBClient:
    """A client like `boto3.client(service)`, for a service with DynamoDB's protocol, JSON."""
    session = get_session()
    session.register_component("data_loader", OneServiceLoader(service))
    session.register_component("response_parser_factory", ParserFactory())
    # Built once: botocore would build it twice for each call.
    config = config.merge(Config(user_agent=session.user_agent()))
    made: Any = session.create_client(service, config=config, verify=settings.CA_BUNDLE)
    return cast("DynamoDBClient", made)


def event_client(service: str) -> Any:
    """A client for functions that handle events: 1 s to connect, 5 s to read, three attempts."""
    retries: Any = {"mode": "standard", "total_max_attempts": 3}
    return client(service, config=Config(connect_timeout=1, read_timeout=5, retries=retries))


def _read_gzip(file: Path) -> bytes:
    with gzip.open(file) as opened:
        return opened.read()
