"""The contracts that the simulated exchange lists, with the real venues' price ticks, steps and fees."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Instrument
from liqbot.venues.registry import mechanics_of

# venue -> coin -> (symbol, price tick, quantity step in base coin, contract size in base coin, least notional USD).
# Sources: the venues' own instrument lists (exchangeInfo, instruments-info, contracts, meta) as of 2026.
_LISTED: Final[dict[str, dict[str, tuple[str, str, str, str, str]]]] = {
    "binance": {
        "BTC": ("BTC/USDT:USDT", "0.1", "0.001", "1", "100"),
        "ETH": ("ETH/USDT:USDT", "0.01", "0.001", "1", "20"),
    },
    "bybit": {
        "BTC": ("BTC/USDT:USDT", "0.1", "0.001", "1", "5"),
        "ETH": ("ETH/USDT:USDT", "0.01", "0.01", "1", "5"),
    },
    "okx": {
        "BTC": ("BTC/USDT:USDT", "0.1", "0.0001", "0.01", "1"),
        "ETH": ("ETH/USDT:USDT", "0.01", "0.001", "0.1", "1"),
    },
    "bitget": {
        "BTC": ("BTC/USDT:USDT", "0.1", "0.0001", "1", "5"),
        "ETH": ("ETH/USDT:USDT", "0.01", "0.01", "1", "5"),
    },
    "krakenfutures": {
        "BTC": ("BTC/USD:USD", "1", "0.0001", "1", "1"),
        "ETH": ("ETH/USD:USD", "0.1", "0.001", "1", "1"),
    },
    "hyperliquid": {
        "BTC": ("BTC/USDC:USDC", "1", "0.00001", "1", "10"),
        "ETH": ("ETH/USDC:USDC", "0.1", "0.0001", "1", "10"),
    },
}
_ASSUMED: Final = ("", "0.000001", "0.001", "1", "5")
_TICK_SHARE: Final = 1e-4
"""An assumed tick is no coarser than this share of the price: a stop of a cheap coin is placed where it was meant."""


_NOWHERE: Final[Mapping[str, float]] = {}


def paper_instruments(
    venue: str, coins: Iterable[str], prices: Mapping[str, float] = _NOWHERE
) -> tuple[Instrument, ...]:
    """One traded contract per coin, of those in `prices` an assumed one where none is listed. A venue that is not
    listed, or a coin that is neither: ExpectedError (configuration)."""
    listed = _LISTED.get(venue)
    if listed is None:
        raise ExpectedError(
            f"trade_venue: {venue!r} is not traded on paper; one of {', '.join(_LISTED)}", Exit.CONFIG
        )
    return tuple(
        listed_or_assumed(venue, coin, prices[coin]) if coin in prices else _instrument(venue, coin, listed)
        for coin in coins
    )


def listed_or_assumed(venue: str, coin: str, price: float | None = None) -> Instrument:
    """The listed contract, else one with a fine grid: for recordings of coins and venues that are not listed. `price`
    is one of the coin, where it is known."""
    listed = _LISTED.get(venue, {})
    if coin in listed:
        return _instrument(venue, coin, listed)
    assumed = _instrument(venue, coin, {coin: _ASSUMED})
    return msgspec.structs.replace(assumed, price_tick=_fine(assumed.price_tick, price)) if price else assumed


def _fine(tick: Decimal, price: float) -> Decimal:
    """The tick, by powers of ten as fine as the price asks for."""
    while float(tick) > _TICK_SHARE * price:
        tick = tick.scaleb(-1)
    return tick


def _instrument(venue: str, coin: str, listed: dict[str, tuple[str, str, str, str, str]]) -> Instrument:
    if coin not in listed:
        known = ", ".join(listed)
        raise ExpectedError(f"coins: {coin!r} is not traded on paper on {venue}; one of {known}", Exit.CONFIG)
    symbol, tick, step, size, least_usd = listed[coin]
    fees = mechanics_of(venue, coin).fees
    return Instrument(
        venue=venue,
        coin=coin,
        symbol=symbol or f"{coin} on {venue} (assumed)",
        price_tick=Decimal(tick),
        quantity_step_base=Decimal(step),
        contract_size_base=Decimal(size),
        min_notional_usd=Decimal(least_usd),
        maker_fee_pct=fees.maker_pct,
        taker_fee_pct=fees.taker_pct,
    )
