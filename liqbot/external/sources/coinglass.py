"""Coinglass v4: the map of a coin over all exchanges (`aggregated-map`), as rows under each liquidation price."""

import msgspec

from liqbot.external.answers import NOTHING, Price, Usd, decoded, is_null, whole, wrong
from liqbot.external.params import ExternalParams
from liqbot.external.spec import ExternalLevel, ExternalMap, MapRequest, MapSource, secret_of

_NAME = "coinglass"


class _Row(msgspec.Struct, array_like=True):
    """Liquidation price, level (USD), leverage, and one more that the documentation leaves null."""

    price: Price
    usd: Usd
    leverage: object = None
    rest: object = None


class _Data(msgspec.Struct):
    data: dict[str, msgspec.Raw]


class _Envelope(msgspec.Struct):
    code: str
    msg: str = ""
    data: msgspec.Raw = NOTHING


def request(params: ExternalParams, coin: str, token: str | None) -> MapRequest:  # noqa: ARG001 -- no login here
    return MapRequest(
        f"{params.url or SOURCE.home}/api/futures/liquidation/aggregated-map",
        {"symbol": coin, "range": params.range or "1d"}, {"CG-API-KEY": secret_of(params, "api_key")},
    )


def decode(raw: bytes) -> ExternalMap:
    """Sides are not given. ExpectedError for another shape, or for a code that is not "0"."""
    envelope = decoded(_NAME, raw, _Envelope)
    if envelope.code != "0" or is_null(envelope.data):
        raise wrong(_NAME, "code", envelope.code, f"expected '0' and data; it says {envelope.msg[:120]!r}")
    rows = decoded(_NAME, envelope.data, _Data, "data").data
    levels = [
        ExternalLevel(row.price, row.usd)
        for key, some in rows.items()
        for row in decoded(_NAME, some, list[_Row], f"data.data.{key}")
    ]
    return whole(_NAME, levels)


SOURCE = MapSource(
    name=_NAME,
    home="https://open-api-v4.coinglass.com",
    grade="documented",
    evidence="https://docs.coinglass.com/reference/liquidation-aggregated-map (data.data.<price>: rows of price, "
    "level, null, null). That the level is USD is said of the heatmaps, not of the map; plans from Professional on",
    as_of="2026-05-03",
    per_minute=30,
    secrets=("api_key",),
    request=request,
    decode=decode,
)
