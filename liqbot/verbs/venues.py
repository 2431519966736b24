"""`liqbot venues`: what the registry knows of each venue, without talking to any of them."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
import typer

from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import split_venue_key, venue_key
from liqbot.margin.mechanics import Mechanics
from liqbot.market.params import TrustParams
from liqbot.review.venue_facts import counts_line, fact_lines, facts_of, feed_lines, state_lines
from liqbot.review.venue_table import UNKNOWN, abilities, short, stop_of
from liqbot.settings import load
from liqbot.venues.registry import VENUES, known_by_inference, mechanics_of, unknown
from liqbot.venues.spec import Contract, VenueSpec
from liqbot.verbs.options import ConfigDir, Json, Profile


def venues(
    names: Annotated[
        list[str] | None, typer.Argument(help="Venues to be shown in full: feeds, facts and their sources.")
    ] = None,
    caps: Annotated[
        bool, typer.Option("--caps", help="Show units, order limits, margin rule and tiers of every contract.")
    ] = False,
    profile: Profile = "paper",
    config: ConfigDir = None,
    as_json: Json = False,
) -> None:
    """List venues, those of the profile's own files too: what each can do, and how to trade without money."""
    load(profile, config=config)
    chosen = _chosen(names or [])
    if as_json:
        print(json.dumps([_venue(spec, caps=caps or bool(names)) for spec in chosen], indent=2))
        return
    if not names:
        for line in _table([_line(spec) for spec in chosen]):
            print(line)
        print(f"\n{counts_line(chosen)}")
    if caps or names:
        blank = "" if names else "\n"
        print(blank + "\n\n".join("\n".join(_details(spec)) for spec in chosen))


def _chosen(names: Sequence[str]) -> list[VenueSpec]:
    """Those that are named, in any known spelling; without a name all. ExpectedError for a name that no venue has."""
    found: list[VenueSpec] = []
    for name in names:
        key = VENUES.spelt(name)
        if key is None:
            raise ExpectedError(unknown("venues", name), Exit.USAGE)
        found.append(VENUES[split_venue_key(key)[0]])
    return found or list(VENUES.values())


def _shown(value: object) -> str:
    if value is None:
        return UNKNOWN
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _line(spec: VenueSpec) -> tuple[str, ...]:
    able = abilities(spec)
    return (
        spec.venue,
        ",".join(contract.contract or contract.settle.lower() for contract in spec.contracts),
        able.margin,
        "yes" if spec.mapped else "no",
        short(spec, "market_data"),
        able.shapes,
        "none" if spec.lack("forced_orders") else able.forced_orders,
        _shown(spec.liquidations.side),
        _shown(spec.tier_access),
        short(spec, "orders"),
        "none" if spec.lack("test_access") else able.test_access,
        able.stop,
    )


def _table(lines: list[tuple[str, ...]]) -> list[str]:
    head = (
        "VENUE", "CONTRACTS", "MARGIN", "MAP", "DATA", "FEEDS KNOWN BY", "FORCED ORDERS", "THEIR SIDE", "TIERS FROM",
        "ORDERS", "TEST ACCESS", "STOP",
    )
    widths = [max(len(line[column]) for line in (head, *lines)) for column in range(len(head) - 1)]
    return [
        "  ".join([*(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=False)), line[-1]])
        for line in (head, *lines)
    ]


def _details(spec: VenueSpec) -> list[str]:
    orders = f"forced orders from {_shown(spec.liquidations.source)}"
    ticker = f"one ticker for all: {_shown(spec.one_ticker)}"
    lines = [f"{spec.venue}: client {spec.client or 'none'}, {_client_ids(spec)}, {orders}, {ticker}"]
    lines += [*feed_lines(spec), _trust(spec), *state_lines(spec), *fact_lines(spec)]
    lines += [f"  no {one.capability.replace('_', ' ')}: {one.reason}" for one in spec.lacks]
    lines += [f"  {one.kind}: {one.note}" for one in spec.practice if one.note]
    if spec.trading is not None:
        lines.append(f"  a key consists of {', '.join(spec.credentials)}")
    lines += _protection(spec)
    if spec.note:
        lines.append(f"  {spec.note}")
    for contract in spec.contracts:
        lines.extend(_contract_details(spec, contract))
    return lines


def _trust(spec: VenueSpec) -> str:
    """With what weight it begins, unless the profile sets one."""
    if known_by_inference(spec.venue):
        begins = f"{TrustParams().inferred_weight:g}, known by inference alone"
        return f"  trust: begins at {begins} (market.trust.inferred_weight)"
    return "  trust: begins at 1 (market.trust)"


def _protection(spec: VenueSpec) -> list[str]:
    """How a position is guarded from its first fill, and until when an order may be carried out."""
    lines = []
    if (known := spec.protection) is not None:
        read_back = "; documented until an account's first such stop was read back" if known.attached else ""
        lines += [f"  stop {stop_of(spec)}{read_back}", f"    naked when the process dies at the fill: {known.naked}",
                  f"    source: {known.source}"]
    if (expiry := spec.expiry) is not None:
        lines.append(f"  orders expire by {expiry.name} in the {expiry.place}: {expiry.source}")
    return lines


def _client_ids(spec: VenueSpec) -> str:
    rule = spec.client_id
    if rule is None:
        return f"client order id {UNKNOWN}"
    return f"client order id up to {rule.length_max}" + (f" ({rule.note})" if rule.note else "")


_SIDES: Final = {
    True: ", counted on both sides", False: ", of one side", None: ", taken for one side: not documented",
}


def _contract_details(spec: VenueSpec, contract: Contract) -> list[str]:
    key = venue_key(spec.venue, contract.contract)
    listed = (f"{each.coin} {each.symbol} (size {_shown(each.contract_units)})" for each in contract.listings)
    lines = [
        f"  {key}: {', '.join(listed)}",
        f"    trades in {_shown(contract.trade_unit)}, open interest in {_shown(contract.open_interest_unit)}"
        + _SIDES[contract.open_interest_two_sided],
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


def _venue(spec: VenueSpec, *, caps: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "venue": spec.venue,
        "title": spec.title,
        "client": spec.client,
        "abilities": abilities(spec)._asdict(),
        "feeds": msgspec.to_builtins(spec.evidence),
        "facts": [fact._asdict() for fact in facts_of(spec)],
        "lacks": {one.capability: one.reason for one in spec.lacks},
        "mapped": spec.mapped,
        "trust_weight_begins": TrustParams().inferred_weight if known_by_inference(spec.venue) else 1.0,
        "forced_orders": {
            "source": spec.liquidations.source,
            "completeness": spec.liquidations.completeness,
            "side": spec.liquidations.side,
        },
        "tier_access": spec.tier_access,
        "one_ticker": spec.one_ticker,
        "reduce_only_counts_open_orders": spec.reduce_only_counts_open_orders,
        "test_access": list(spec.practice_kinds),
        "credentials": list(spec.credentials) if spec.trading is not None else [],
        "client_id_max": spec.client_id.length_max if spec.client_id is not None else None,
        "client_id_note": spec.client_id.note if spec.client_id is not None else "",
        "protection": msgspec.to_builtins(spec.protection),
        "expiry": _expiry(spec),
        "market_states": msgspec.to_builtins(spec.states),
        "market_status": None if spec.status is None else spec.status.endpoint,
        "ends": msgspec.to_builtins(spec.ends),
        "note": spec.note,
        "keys": [venue_key(spec.venue, contract.contract) for contract in spec.contracts],
    }
    if caps:
        found["contracts"] = [_contract(spec, contract) for contract in spec.contracts]
    return found


def _expiry(spec: VenueSpec) -> Any:
    """Without the function that signs it."""
    return None if spec.expiry is None else msgspec.to_builtins(msgspec.structs.replace(spec.expiry, signed=None))


def _contract(spec: VenueSpec, contract: Contract) -> dict[str, Any]:
    key = venue_key(spec.venue, contract.contract)
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
