"""`liqbot venues`: what the registry knows of each venue, without talking to any of them."""

import json
from typing import Annotated, Any, Final

import typer

from liqbot.instruments import venue_key
from liqbot.margin.mechanics import Mechanics
from liqbot.venues.registry import ROWS, mechanics_of
from liqbot.venues.spec import Contract, VenueRow
from liqbot.verbs.options import Json

UNKNOWN: Final = "unknown"


def venues(
    caps: Annotated[
        bool, typer.Option("--caps", help="Show units, order limits, margin rule and tiers of every contract.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List venues: their data, where forced orders are published, how to trade without money."""
    if as_json:
        print(json.dumps([_venue(row, caps=caps) for row in ROWS], indent=2))
        return
    for line in _table([_line(row) for row in ROWS]):
        print(line)
    if caps:
        for row in ROWS:
            print()
            print("\n".join(_details(row)))


def _shown(value: object) -> str:
    if value is None:
        return UNKNOWN
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _line(row: VenueRow) -> tuple[str, ...]:
    return (
        row.venue,
        ",".join(contract.contract or contract.settle.lower() for contract in row.contracts),
        "yes" if row.tradable else "data",
        "yes" if row.mapped else "no",
        _shown(row.liquidations.completeness),
        _shown(row.liquidations.side),
        _shown(row.tier_access),
        "assumed" if mechanics_of(row.venue, "BTC").assumed else "recorded",
        _shown(row.test_access),
    )


def _table(lines: list[tuple[str, ...]]) -> list[str]:
    head = (
        "VENUE", "CONTRACTS", "TRADE", "MAP", "FORCED ORDERS", "THEIR SIDE", "TIERS FROM", "BTC TIERS", "TEST ACCESS"
    )
    widths = [max(len(line[column]) for line in (head, *lines)) for column in range(len(head) - 1)]
    return [
        "  ".join([*(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=False)), line[-1]])
        for line in (head, *lines)
    ]


def _details(row: VenueRow) -> list[str]:
    limit = _shown(row.client_id_max) + (f" ({row.client_id_note})" if row.client_id_note else "")
    orders = f"forced orders from {_shown(row.liquidations.source)}"
    ticker = f"one ticker for all: {_shown(row.one_ticker)}"
    lines = [f"{row.venue}: client {row.client or 'none'}, client order id up to {limit}, {orders}, {ticker}"]
    if row.note:
        lines.append(f"  {row.note}")
    for contract in row.contracts:
        lines.extend(_contract_details(row, contract))
    return lines


def _contract_details(row: VenueRow, contract: Contract) -> list[str]:
    key = venue_key(row.venue, contract.contract)
    listed = (f"{each.coin} {each.symbol} (size {_shown(each.contract_units)})" for each in contract.listings)
    lines = [
        f"  {key}: {', '.join(listed)}",
        f"    trades in {_shown(contract.trade_unit)}, open interest in {_shown(contract.open_interest_unit)}"
        + (", counted on both sides" if contract.open_interest_two_sided else ""),
    ]
    if contract.note:
        lines.append(f"    {contract.note}")
    book = mechanics_of(key, contract.listings[0].coin)
    return [*lines, f"    {_rule(book)}", f"    {_tiers(book)}"]


def _rule(book: Mechanics) -> str:
    kind = "inverse" if book.inverse else "linear"
    if not book.priced:
        return f"{kind}; no mark price liquidates here"
    fee = f" + {book.rule.fee_pct:g} % fee" if book.rule.fee_pct else ""
    cross = "with" if book.cross_rule is not None else "without"
    return f"{kind}; maintenance on the value at {book.rule.basis}{fee}; {cross} a price in cross margin"


def _tiers(book: Mechanics) -> str:
    table, first = book.table, book.table.tiers[0]
    known_usd = min(table.checked_to_usd, table.tiers[-1].notional_usd_cap)
    checked = f"checked to {known_usd:,.0f} USD" if table.checked else "not checked"
    return (
        f"{len(table.tiers)} tiers from {first.leverage_max:g}x at {first.maintenance_pct:g} %, {checked}, "
        f"{table.as_of}: {table.source}"
    )


def _venue(row: VenueRow, *, caps: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "venue": row.venue,
        "client": row.client,
        "tradable": row.tradable,
        "mapped": row.mapped,
        "forced_orders": {
            "source": row.liquidations.source,
            "completeness": row.liquidations.completeness,
            "side": row.liquidations.side,
        },
        "tier_access": row.tier_access,
        "one_ticker": row.one_ticker,
        "test_access": row.test_access,
        "client_id_max": row.client_id_max,
        "client_id_note": row.client_id_note,
        "note": row.note,
        "keys": [venue_key(row.venue, contract.contract) for contract in row.contracts],
    }
    if caps:
        found["contracts"] = [_contract(row, contract) for contract in row.contracts]
    return found


def _contract(row: VenueRow, contract: Contract) -> dict[str, Any]:
    key = venue_key(row.venue, contract.contract)
    return {
        "key": key,
        "settle": contract.settle,
        "inverse": contract.inverse,
        "trade_unit": contract.trade_unit,
        "open_interest_unit": contract.open_interest_unit,
        "open_interest_two_sided": contract.open_interest_two_sided,
        "note": contract.note,
        "coins": [
            {
                "coin": listing.coin,
                "symbol": listing.symbol,
                "contract_units": listing.contract_units,
                **_margin(mechanics_of(key, listing.coin)),
            }
            for listing in contract.listings
        ],
    }


def _margin(book: Mechanics) -> dict[str, Any]:
    table = book.table
    return {
        "assumed": book.assumed,
        "basis": book.rule.basis,
        "fee_pct": book.rule.fee_pct,
        "cross_price": book.cross_rule is not None,
        "progressive": table.progressive,
        "source": table.source,
        "as_of": table.as_of,
        "checked_to_usd": min(table.checked_to_usd, table.tiers[-1].notional_usd_cap),
        "coin_price_usd": table.coin_price_usd,
        "tiers": [
            [tier.notional_usd_cap, tier.leverage_max, tier.maintenance_pct, tier.deduction_usd] for tier in table.tiers
        ],
    }
