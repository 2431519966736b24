"""Checks of margin: tiers that grow, prices in their order on a grid of positions, positions that were published."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from liqbot.instruments import Side, venue_key
from liqbot.margin.mechanics import Mechanics
from liqbot.margin.tiers import TierTable
from liqbot.venues.mechanics import mechanics_for
from liqbot.venues.spec import VenueSpec

_GOLDEN: Final = 0.6180339887498949
_POSITIONS: Final = 80
"""Per book: spread evenly over side, price, size and leverage, the same in every run."""
_EPSILON: Final = 1e-9
_REACH: Final = 1e6
"""A price so many times the entry is none that can be reached."""


class ProbePosition(NamedTuple):
    side: Side
    entry_price: float
    quantity_base: float
    leverage: float


def books(spec: VenueSpec) -> Iterator[Mechanics]:
    for contract in spec.contracts:
        for listing in contract.listings:
            yield mechanics_for(spec, venue_key(spec.venue, contract.contract), listing.coin)


def tier_faults(spec: VenueSpec) -> list[str]:
    found = []
    for contract in spec.contracts:
        margin = contract.margin
        if margin is None:
            continue
        sessions = [(coin, table) for coin, tables in margin.sessions for _, table in tables]
        for coin, table in (*margin.tables, *sessions):
            where = f"{contract.contract or 'main'} {coin}"
            found += [f"{where}: {fault}" for fault in _table_faults(table)]
        fees = (margin.fees.maker_pct, margin.fees.taker_pct)
        if not all(-1.0 < fee < 1.0 for fee in fees) or fees[0] > fees[1]:
            found.append(f"{contract.contract or 'main'}: fees {fees}: below 1 %, makers pay no more than takers")
    return found


def _table_faults(table: TierTable) -> Iterator[str]:
    """That tiers grow and join without a jump is asserted where a table is made."""
    if not table.source.strip() or not table.as_of.strip():
        yield "source and date of the tiers are not said"
    smallest_usd = 1.0
    for tier in table.tiers:
        needed_pct = table.maintenance_usd(smallest_usd) / smallest_usd * 100.0
        if not 0.0 < needed_pct <= 100.0 / tier.leverage_max + _EPSILON:
            yield (f"maintenance {needed_pct:g} % of {smallest_usd:,.0f} USD at {tier.leverage_max:g}x: a new position "
                   "would be liquidated at once")
        smallest_usd = tier.notional_usd_cap * (1.0 + _EPSILON)


def positions(book: Mechanics) -> Iterator[ProbePosition]:
    """A low-discrepancy sequence, so that few positions reach every corner."""
    price_usd = book.table.coin_price_usd or 50_000.0
    largest_usd = min(book.table.tiers[-1].notional_usd_cap * book.table.scale(price_usd), 1e9)
    for number in range(1, _POSITIONS + 1):
        spread, depth = number * _GOLDEN % 1.0, number * _GOLDEN * _GOLDEN % 1.0
        entry_price = price_usd * (0.5 + spread)
        notional_usd = max(10.0, largest_usd * 0.9 * depth * depth * depth)
        highest = book.leverage_max(notional_usd, entry_price)
        if highest >= 1.0:
            leverage = 1.0 + (highest - 1.0) * (number * 0.7548776662466927 % 1.0)
            side = Side.LONG if number % 2 else Side.SHORT
            yield ProbePosition(side, entry_price, notional_usd / entry_price, leverage)


def price_faults(spec: VenueSpec) -> list[str]:
    """Bankruptcy, liquidation and entry lie in this order, seen from the loss; both arithmetics agree on the price."""
    found = []
    for book in books(spec):
        where = f"{book.venue_key} {book.coin}"
        for position in positions(book) if book.priced else ():
            fault = _price_fault(book, position)
            if fault:
                found.append(f"{where}: {fault}")
                break
    return found


def _price_fault(book: Mechanics, position: ProbePosition) -> str:
    side, entry_price, quantity_base, leverage = position
    margin_usd = entry_price * quantity_base / leverage
    price = book.isolated_liquidation_price(side, entry_price, quantity_base, leverage)
    if not 0.0 < price < entry_price * _REACH:
        return ""
    bankrupt = book.bankruptcy_price(side, entry_price, quantity_base, margin_usd)
    ordered = (bankrupt, price, entry_price) if side is Side.LONG else (entry_price, price, bankrupt)
    slack = entry_price * _EPSILON
    if not ordered[0] <= ordered[1] + slack or not ordered[1] <= ordered[2] + slack:
        return f"{position}: liquidation at {price:g}, bankruptcy at {bankrupt:g}, out of order"
    return _exactness_fault(book, position, price, margin_usd)


def _exactness_fault(book: Mechanics, position: ProbePosition, price: float, margin_usd: float) -> str:
    """Just beyond the price the exact arithmetic liquidates, just before it does not."""
    side, entry_price, quantity_base, _ = position
    shift = entry_price * 1e-6
    for factor, expected in ((-1.0, True), (1.0, False)):
        mark_price = price + factor * float(side) * shift
        if mark_price <= 0.0 or float(side) * (mark_price - entry_price) > 0.0:
            continue
        liquidated = book.is_liquidated(
            side, *(Decimal(repr(value)) for value in (entry_price, quantity_base, margin_usd, mark_price))
        )
        if liquidated is not expected:
            return f"{position}: price {price:g}, but at {mark_price:g} is_liquidated is {liquidated}"
    return ""


def published_faults(spec: VenueSpec) -> list[str]:
    found = []
    for one in spec.examples().positions if spec.examples is not None else ():
        side = Side.LONG if one.long else Side.SHORT
        book = mechanics_for(spec, one.venue_key, one.coin)
        price = book.liquidation_price(side, one.entry_price, one.quantity_base, one.margin_usd)
        if not abs(price - one.liquidation_price) <= one.tolerance_price:
            found.append(f"{one.venue_key} {one.coin}: {price:.8f}, published {one.liquidation_price} ({one.source})")
    return found
