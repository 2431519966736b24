"""What the specs say about the unified client is what that client has: kinds of keys, switches, addresses."""

from typing import Any

import ccxt
import msgspec
import pytest

from liqbot.connection.client import VenueClient
from liqbot.connection.endpoints import at_hosts, options_for
from liqbot.venues.registry import VENUES
from liqbot.venues.spec import VenueSpec

FIELD_OF = {
    "apiKey": "api_key", "secret": "secret", "password": "password", "walletAddress": "wallet_address",
    "privateKey": "private_key",
}
ALL = [spec for spec in VENUES.values() if spec.client is not None]


def client_of(spec: VenueSpec) -> Any:
    return getattr(ccxt, spec.client or "")()


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.venue)
def test_its_client_exists_and_has_the_switches(spec: VenueSpec) -> None:
    assert client_of(spec).id
    for one in spec.practice:
        getattr(client_of(spec), one.switch)(True)


@pytest.mark.parametrize("spec", [spec for spec in ALL if spec.trading is not None or spec.venue == "bitget"],
                         ids=lambda spec: spec.venue)
def test_its_credentials_are_those_that_the_client_demands(spec: VenueSpec) -> None:
    demanded = {FIELD_OF[name] for name, needed in client_of(spec).requiredCredentials.items() if needed}
    assert set(spec.credentials) == demanded


def test_only_our_kinds_of_market_are_loaded() -> None:
    assert options_for(VENUES["bybit"], inverse=False)["fetchMarkets"] == {"types": ["linear"]}
    assert options_for(VENUES["bybit"], inverse=True)["fetchMarkets"] == {"types": ["linear", "inverse"]}
    everything = msgspec.structs.replace(VENUES["bybit"], market_types=())
    assert "fetchMarkets" not in options_for(everything, inverse=True)


def test_a_client_that_pings_too_rarely_pings_as_often_as_the_spec_says() -> None:
    assert VenueClient(VENUES["binance"]).exchange.streaming["keepAlive"] == 20_000
    bybit = VenueClient(VENUES["bybit"]).exchange.streaming
    assert 0 < bybit["keepAlive"] <= 30_000


def test_hosts_are_replaced_where_the_spec_names_others() -> None:
    urls = {
        "rest": "https://api.{hostname}/v5", "ws": {"a": "wss://stream.x.com/v5", "b": "wss://other.x.com"}, "n": None,
    }
    hosts = {"api.x.com": "api.y.eu", "stream.x.com": "stream.y.eu"}
    assert at_hosts(urls, hosts, "x.com") == {
        "rest": "https://api.y.eu/v5", "ws": {"a": "wss://stream.y.eu/v5", "b": "wss://other.x.com"}, "n": None,
    }


async def test_a_client_dials_the_hosts_of_its_spec() -> None:
    spec = msgspec.structs.replace(VENUES["bybit"], hosts=(("api.bybit.com", "api.harbour.example"),))
    client = VenueClient(spec)
    try:
        assert client.exchange.urls["api"]["public"] == "https://api.harbour.example"
        assert client.host == "api.harbour.example"
    finally:
        await client.close()


def test_kinds_of_market_are_switches_where_the_client_wants_them_so() -> None:
    switched = options_for(VENUES["htx"], inverse=False)["fetchMarkets"]
    assert switched == {"types": {"spot": False, "linear": True, "inverse": False}}
    assert options_for(VENUES["htx"], inverse=True)["fetchMarkets"]["types"]["inverse"] is True
