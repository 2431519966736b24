"""Examples of what a venue sends: what its parsers and its trading adapter are checked with.

A venue of this package keeps them in `examples.json` beside its code; they are read only by the conformance suite.
"""

import base64
import pkgutil
from collections.abc import Callable
from typing import Any

import msgspec

from liqbot.venues.parsing import WireContract


class MessageExample(msgspec.Struct, frozen=True):
    """One message of a stream, and the feed it carries; empty for a message that is none of ours."""

    feed: str
    message: Any
    """Decoded JSON, or a text that is no JSON; of a binary frame its bytes in base64."""
    binary: bool = False

    @property
    def raw(self) -> str:
        """As it comes over the socket: compact, fields in their order."""
        return self.message if isinstance(self.message, str) else msgspec.json.encode(self.message).decode()

    @property
    def frame(self) -> bytes:
        """The same in bytes."""
        return base64.b64decode(self.raw) if self.binary else self.raw.encode()


class ResponseExample(msgspec.Struct, frozen=True):
    """The answer to a request: what the client's `method` returned for these arguments.

    Of market data, `args` is what the request must contain, where the method alone does not tell.
    """

    method: str
    payload: Any
    args: tuple[Any, ...] = ()


class PositionExample(msgspec.Struct, frozen=True, kw_only=True):
    """An isolated position whose liquidation price the venue published, to within `tolerance_price`."""

    venue_key: str
    coin: str
    long: bool
    entry_price: float
    quantity_base: float
    margin_usd: float
    liquidation_price: float
    tolerance_price: float
    source: str


class AccountExample(msgspec.Struct, frozen=True, kw_only=True):
    """An account with one long position, a resting stop below it and an entry that was filled."""

    market_id: str
    symbol: str
    contract_size_base: float
    entry_client_id: str
    stop_client_id: str
    responses: tuple[ResponseExample, ...]
    messages: tuple[Any, ...]
    """Of the user stream: about these orders."""
    account: str = ""
    signer: str = ""
    """Addresses, see `trading.Addresses`."""


class VenueExamples(msgspec.Struct, frozen=True, kw_only=True):
    """`contracts` are those that the examples speak of."""

    contracts: tuple[WireContract, ...] = ()
    messages: tuple[MessageExample, ...] = ()
    responses: tuple[ResponseExample, ...] = ()
    positions: tuple[PositionExample, ...] = ()
    account: AccountExample | None = None


def packaged(package: str) -> Callable[[], VenueExamples]:
    """Reads `examples.json` of a package when called. FileNotFoundError where there is none."""

    def read() -> VenueExamples:
        data = pkgutil.get_data(package, "examples.json")
        return msgspec.json.decode(data or b"", type=VenueExamples)

    return read
