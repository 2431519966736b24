"""Contracts for whoever must close what is open: those that are fit for use, whatever is the matter with the others."""

import functools
from collections.abc import Sequence
from typing import Any

import msgspec

from liqbot.connection.client import VenueClient
from liqbot.connection.instruments import documented_market, listed_contracts
from liqbot.venues.errors import AnswerMalformed, ContractChanged
from liqbot.venues.spec import VenueSpec


async def open_usable(client: VenueClient, coins: Sequence[str]) -> dict[str, str]:
    """As the venue lists them now: the coins of which it lists none that is fit for use, and why. VenueError when there
    is none at all."""
    await client.load()
    why: dict[str, str]
    kept, why = await client.listed(functools.partial(_usable, client.spec, coins))
    client.hold(kept)
    return why


async def open_known(client: VenueClient, coins: Sequence[str], contracts: bytes | None) -> tuple[str, ...]:
    """Without asking, beside what is open: the main contract of these coins as `contracts` of an earlier process kept
    it, else as the spec has it, which is enough to read a position and to close it. The coins of which neither says
    enough."""
    await client.load()
    kept = [] if contracts is None else msgspec.json.decode(contracts)
    by_symbol = {str(market.get("symbol")): market for market in kept if isinstance(market, dict)}
    found, unknown = dict(client.exchange.markets or {}), []
    for coin, symbol in client.symbols(coins).items():
        try:
            found[symbol] = by_symbol.get(symbol) or documented_market(client.exchange, client.spec, coin)
        except ContractChanged:
            unknown.append(coin)
    if len(unknown) < len(coins):
        client.hold(list(found.values()))
    return tuple(unknown)


def _usable(spec: VenueSpec, coins: Sequence[str], markets: Any) -> tuple[list[Any], dict[str, str]]:
    found: list[Any] = []
    why: dict[str, str] = {}
    for coin in coins:
        try:
            found += listed_contracts(spec, (coin,), markets)
        except (AnswerMalformed, ContractChanged) as error:
            if len(why) + 1 == len(coins):
                raise
            why[coin] = str(error)
    return found, why
