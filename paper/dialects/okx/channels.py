"""OKX's websocket channels: where each may be subscribed, by what, and the topic that a subscription becomes."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from paper.dialects.okx.listing import INST_TYPE, Swap, Swaps

PUBLIC: Final = "/ws/v5/public"
PRIVATE: Final = "/ws/v5/private"
BUSINESS: Final = "/ws/v5/business"
PATHS: Final = (PUBLIC, PRIVATE, BUSINESS)
BY_SWAP: Final = ("trades", "mark-price", "funding-rate", "open-interest", "tickers", "bbo-tbt", "books5")
INDEX: Final = "index-tickers"
FORCED: Final = "liquidation-orders"
BY_TYPE: Final = ("orders", "positions", "orders-algo")
ACCOUNT: Final = "account"

_PLACES: Final[Mapping[str, str]] = {
    **dict.fromkeys((*BY_SWAP, INDEX, FORCED), PUBLIC), "orders": PRIVATE, "positions": PRIVATE, ACCOUNT: PRIVATE,
    "orders-algo": BUSINESS,
}


class Arg(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What a subscription names, and what every message of it repeats."""

    channel: str
    inst_type: str = ""
    inst_family: str = ""
    inst_id: str = ""

    @property
    def topic(self) -> str:
        return f"{self.channel}|{self.inst_type}|{self.inst_family}|{self.inst_id}"

    def message(self, data: bytes) -> bytes:
        """A message of this subscription; `data` is the JSON of its list."""
        return b'{"arg":' + msgspec.json.encode(self) + b',"data":' + data + b"}"


def patterns() -> Iterator[str]:
    """Topics as evidence names them."""
    yield from (f"ws {channel} <instId>" for channel in (*BY_SWAP, INDEX))
    yield from (f"ws {channel} <instType>" for channel in (FORCED, *BY_TYPE))
    yield f"ws {ACCOUNT}"


def place_of(channel: str) -> str | None:
    """The path it lives at; None for a channel that is not modelled."""
    return _PLACES.get(channel)


def arg_of(requested: Mapping[str, Any], swaps: Swaps) -> Arg | None:
    """None when the venue has no such thing: an instrument that is not listed, a parameter the channel does not take.
    The channel is one of those modelled."""
    channel = str(requested.get("channel", ""))
    names = {name: str(value) for name, value in requested.items() if name != "channel"}
    inst_id, inst_type, family = names.get("instId", ""), names.get("instType", ""), names.get("instFamily", "")
    if channel in BY_SWAP or channel == INDEX:
        listed = swaps.by_family if channel == INDEX else swaps.by_id
        right = set(names) == {"instId"} and inst_id in listed
    elif channel == FORCED:
        right = names == {"instType": INST_TYPE}
    elif channel == ACCOUNT:
        right = not names
    else:
        right = (
            set(names) <= {"instType", "instFamily", "instId"} and inst_type in ("ANY", INST_TYPE)
            and inst_id in ("", *swaps.by_id) and family in ("", *swaps.by_family)
        )
    return Arg(channel, inst_type, family, inst_id) if right else None


def args_about(channel: str, swap: Swap) -> Iterator[Arg]:
    """Every subscription of a private channel that includes this swap."""
    for inst_type in ("ANY", INST_TYPE):
        for family in ("", swap.family):
            for inst_id in ("", swap.inst_id):
                yield Arg(channel, inst_type, family, inst_id)
