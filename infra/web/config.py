"""`/config.json`: what differs between the stages that one build of the shop serves."""

import msgspec
from msgspec import Struct


class Config(Struct, frozen=True, rename="camel"):
    """The members of config.json; web/src/app/core/config.ts reads them and says what they are.

    The issuer is None if every caller is staff.
    """

    api_url: str
    issuer: str | None
    client_id: str = "web"
    scope: str = "openid profile"
    parameters: dict[str, str] = {}
    logout_url: str | None = None
    currency: str = "EUR"

    def json(self) -> bytes:
        """The file's content."""
        return msgspec.json.encode(self)
