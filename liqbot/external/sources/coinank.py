"""CoinAnk: the map of a coin as one list of prices and a list of USD beside it for each exchange."""

from typing import Any

import msgspec

from liqbot.external.answers import NOTHING, Price, Usd, decoded, is_null, whole, wrong
from liqbot.external.params import ExternalParams
from liqbot.external.spec import ExternalLevel, ExternalMap, MapRequest, MapSource, secret_of

_NAME = "coinank"


class _Prices(msgspec.Struct):
    prices: list[Price]
    lastPrice: Price  # noqa: N815 -- the source's own name


class _Envelope(msgspec.Struct):
    success: bool
    data: msgspec.Raw = NOTHING
    code: Any = None
    msg: str | None = None


def request(params: ExternalParams, coin: str, token: str | None) -> MapRequest:  # noqa: ARG001 -- no login here
    return MapRequest(
        f"{params.url or SOURCE.home}/api/liqMap/getAggLiqMap",
        {"baseCoin": coin, "interval": params.range or "1d"}, {"apikey": secret_of(params, "api_key")},
    )


def decode(raw: bytes) -> ExternalMap:
    """USD of all exchanges, each level once per exchange. ExpectedError for another shape or no success."""
    envelope = decoded(_NAME, raw, _Envelope)
    if not envelope.success or is_null(envelope.data):
        said = f"expected true and data; code {envelope.code!r}, it says {(envelope.msg or '')[:120]!r}"
        raise wrong(_NAME, "success", envelope.success, said)
    head = decoded(_NAME, envelope.data, _Prices, "data")
    levels: list[ExternalLevel] = []
    for exchange, values in decoded(_NAME, envelope.data, dict[str, msgspec.Raw], "data").items():
        if exchange == "prices" or not bytes(values).lstrip().startswith(b"["):
            continue
        amounts = decoded(_NAME, values, list[Usd | None], f"data.{exchange}")
        if len(amounts) != len(head.prices):
            said = f"expected {len(head.prices)}, one for each of data.prices"
            raise wrong(_NAME, f"data.{exchange}", f"{len(amounts)} entries", said)
        levels += [ExternalLevel(price, usd or 0.0) for price, usd in zip(head.prices, amounts, strict=True)]
    return whole(_NAME, levels, head.lastPrice)


SOURCE = MapSource(
    name=_NAME,
    home="https://open-api.coinank.com",
    grade="inferred",
    evidence="the vendor's list of endpoints has address, query and header (VIP4); of the answer (data.prices, "
    "data.lastPrice, a list per exchange) only others' parsers were seen, which take the amounts for USD",
    as_of="2026-11-30",
    per_minute=20,
    secrets=("api_key",),
    request=request,
    decode=decode,
)
