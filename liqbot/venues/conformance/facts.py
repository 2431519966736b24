"""Checks of what a spec says about itself: listings, units, what is there and what is lacking, keys and ids."""

import re
from typing import Final

from liqbot.instruments import CONTRACTS
from liqbot.venues.spec import CAPABILITIES, Capability, Contract, VenueSpec

LIQUIDATION_FEED: Final = "liquidation"
OWN_IDS: Final = ("e" + "a" * 14, "s" + "9" * 14, "x00zz9" + "0" * 9)
"""Client order ids as this program makes them: 15 characters, small letters and digits, a letter first."""
_SYMBOL: Final = re.compile(r"([A-Z0-9]+)/([A-Z0-9]+):([A-Z0-9]+)")


def listing_faults(spec: VenueSpec) -> list[str]:
    found = []
    if not re.fullmatch(r"[a-z][a-z0-9]*", spec.venue):
        found.append(f"venue {spec.venue!r}: small letters and digits are right")
    if not spec.title.strip():
        found.append("title is empty")
    names = [contract.contract for contract in spec.contracts]
    if not names or names[0] != "" or len(set(names)) != len(names):
        found.append(f"contracts {names}: the first is the main one, named '', and no name comes twice")
    if unknown := set(names) - {"", *CONTRACTS}:
        found.append(f"contracts {sorted(unknown)}: names are {', '.join(CONTRACTS)}")
    for contract in spec.contracts:
        found += _contract_faults(spec, contract)
    return found


def _contract_faults(spec: VenueSpec, contract: Contract) -> list[str]:
    where, found = f"contract {contract.contract!r}", []
    coins = [listing.coin for listing in contract.listings]
    if not coins or len(set(coins)) != len(coins):
        found.append(f"{where}: lists {coins}; each coin once is right")
    if contract.inverse != (contract.settle == "coin"):
        found.append(f"{where}: settles in {contract.settle!r} and inverse is {contract.inverse}")
    if spec.wire is not None and (contract.trade_unit is None or contract.open_interest_unit is None):
        found.append(f"{where}: is read live, so trade_unit and open_interest_unit must be known")
    for listing in contract.listings:
        if listing.contract_units is not None and not 0.0 < listing.contract_units < 1e9:
            found.append(f"{where} {listing.coin}: contract_units {listing.contract_units} must be above 0")
        if spec.client is not None:
            found += _symbol_faults(where, contract, listing.coin, listing.symbol)
    return found


def _symbol_faults(where: str, contract: Contract, coin: str, symbol: str) -> list[str]:
    parts = _SYMBOL.fullmatch(symbol)
    if parts is None or parts[1] != coin:
        return [f"{where} {coin}: symbol {symbol!r} is not of the form {coin}/QUOTE:SETTLE"]
    settle = coin if contract.settle == "coin" else contract.settle
    return [] if parts[3] == settle else [f"{where} {coin}: symbol {symbol!r} settles in {parts[3]}, not {settle}"]


def capability_faults(spec: VenueSpec) -> list[str]:
    """Every capability is there, or the spec says why not; never both."""
    has = _capabilities(spec)
    stated = [one.capability for one in spec.lacks]
    found = [f"lacks {name} twice" for name in set(stated) if stated.count(name) > 1]
    found += [f"lacks {one.capability} without a reason" for one in spec.lacks if not one.reason.strip()]
    for name in CAPABILITIES:
        if has[name] and name in stated:
            found.append(f"has {name} and lacks it")
        if not has[name] and name not in stated:
            found.append(f"has no {name} and does not say why in `lacks`")
    if (spec.wire is not None or spec.trading is not None) and spec.proof is None:
        found.append("proof: what it was tested against is not said")
    return found


def _capabilities(spec: VenueSpec) -> dict[Capability, bool]:
    return {
        "market_data": spec.wire is not None,
        "forced_orders": spec.liquidations.completeness != "none",
        "orders": spec.trading is not None,
        "test_access": bool(spec.practice),
    }


def access_faults(spec: VenueSpec) -> list[str]:
    kinds = spec.practice_kinds
    found = [f"practice {kind} twice" for kind in set(kinds) if kinds.count(kind) > 1]
    found += [f"practice {one.kind}: no switch of the client is named" for one in spec.practice if not one.switch]
    if (spec.wire is not None or spec.trading is not None) and spec.client is None:
        found.append("client: what is read or traded on is dialled through a unified client")
    if spec.trading is None:
        return found
    if spec.trading.venue != spec.venue:
        found.append(f"trading adapter is that of {spec.trading.venue!r}")
    pair = spec.credentials[:2] in (("api_key", "secret"), ("wallet_address", "private_key"))
    if not pair or len(set(spec.credentials)) != len(spec.credentials):
        found.append(f"credentials {spec.credentials}: api_key and secret, each once, and a password where needed; or "
                     "wallet_address and private_key")
    return [*found, *_client_id_faults(spec)]


def _client_id_faults(spec: VenueSpec) -> list[str]:
    rule = spec.client_id
    if rule is None:
        return ["client_id: what the venue accepts as a client order id is not said"]
    return [
        f"client_id: {own!r} is not accepted (length_max {rule.length_max}, pattern {rule.pattern})"
        for own in OWN_IDS
        if len(rule.spelt(own)) > rule.length_max or not re.fullmatch(rule.pattern, rule.spelt(own))
    ]
