"""Hyblock v2: predicted liquidation levels one by one, after a login with client id and secret."""

import base64

import msgspec

from liqbot.external.answers import Price, Usd, decoded, side_of, whole
from liqbot.external.params import ExternalParams
from liqbot.external.spec import ExternalLevel, ExternalMap, MapRequest, MapSource, secret_of

_NAME = "hyblock"


class _Level(msgspec.Struct):
    price: Price
    size: Usd
    side: str


class _Levels(msgspec.Struct):
    data: list[_Level]


class _Token(msgspec.Struct):
    access_token: str


def login(params: ExternalParams) -> MapRequest:
    """OAuth2 with client credentials; the pair travels in the header."""
    pair = f"{secret_of(params, 'client_id')}:{secret_of(params, 'client_secret')}".encode()
    return MapRequest(
        f"{params.url or SOURCE.home}/v2/oauth2/token",
        headers={
            "Authorization": f"Basic {base64.b64encode(pair).decode()}", "x-api-key": secret_of(params, "api_key"),
        },
        form={"grant_type": "client_credentials"},
    )


def token(raw: bytes) -> str:
    """The access token of the login's answer."""
    return decoded(_NAME, raw, _Token).access_token


def request(params: ExternalParams, coin: str, token: str | None) -> MapRequest:
    return MapRequest(
        f"{params.url or SOURCE.home}/v2/liquidationLevels",
        {"coin": coin, "exchange": params.exchange or "binance_perp_stable"},
        {"Authorization": f"Bearer {token}", "x-api-key": secret_of(params, "api_key")},
    )


def decode(raw: bytes) -> ExternalMap:
    """ExpectedError for another shape, or a side that is neither long nor short."""
    rows = decoded(_NAME, raw, _Levels).data
    levels = [
        ExternalLevel(row.price, row.size, side_of(_NAME, f"data[{number}].side", row.side))
        for number, row in enumerate(rows)
    ]
    return whole(_NAME, levels)


SOURCE = MapSource(
    name=_NAME,
    home="https://api.hyblockcapital.com",
    grade="inferred",
    evidence="https://docs.hyblockcapital.com has the login, the headers and, of other endpoints, the envelope; of "
    "liquidationLevels the fields (timestamp, size, price, leverage, side, openDuration) but neither the unit of size "
    "(taken for USD) nor the words for sides",
    as_of="2026-01-30",
    per_minute=60,
    secrets=("api_key", "client_id", "client_secret"),
    request=request,
    login=login,
    token=token,
    decode=decode,
)
