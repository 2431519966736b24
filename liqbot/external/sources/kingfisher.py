"""The Kingfisher: liquidation clusters with a Bearer key. Its fields are not documented where we could look, so they
are read only by paths that the user gives."""

from liqbot.external.params import ExternalParams
from liqbot.external.spec import MapRequest, MapSource, secret_of


def request(params: ExternalParams, coin: str, token: str | None) -> MapRequest:  # noqa: ARG001 -- no login here
    return MapRequest(
        f"{params.url or SOURCE.home}/v1/liquidations/{coin}",
        {"exchange": params.exchange or "all", "timeframe": params.range or "1D"},
        {"Authorization": f"Bearer {secret_of(params, 'api_key')}"},
    )


SOURCE = MapSource(
    name="kingfisher",
    home="https://api.thekingfisher.io",
    grade="unknown",
    evidence="https://thekingfisher.io/pl/blogs/kingfisher-api-guide gives address, key and query (100 requests a day "
    "on its smaller plan); the names of the fields were not found",
    as_of="2026-11-30",
    per_minute=5,
    secrets=("api_key",),
    request=request,
)
