"""LiquidVision: a modelled map over Binance, Bybit and OKX, answered without a key. Its fields are not documented where
we could look, so they are read only by paths that the user gives."""

from liqbot.external.params import ExternalParams
from liqbot.external.spec import MapRequest, MapSource, secret_of


def request(params: ExternalParams, coin: str, token: str | None) -> MapRequest:  # noqa: ARG001 -- no login here
    key = secret_of(params, "api_key")
    headers = {params.key_header: params.key_prefix + key} if key and params.key_header else {}
    query = {"range": params.range} if params.range else {}
    return MapRequest(f"{params.url or SOURCE.home}/api/v1/liqmap/{coin}USDT", query, headers)


SOURCE = MapSource(
    name="liquidvision",
    home="https://liquidvision.app",
    grade="unknown",
    evidence="the page of its Python client (liquidvision) and the descriptions of its tools say what the map holds "
    "(notional per price bin by leverage and exchange) and that 60 requests a minute need no key; the names of the "
    "fields and of the header for a key were not found, and the host is taken from the site's name",
    as_of="2026-11-30",
    per_minute=30,
    request=request,
)
