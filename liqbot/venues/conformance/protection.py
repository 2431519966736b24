"""Checks of what a venue claims about the first instant of a position: the stop that rides on an entry is in its
request as documented, an immediate limit is one, and a lost request does not count as lost too soon."""

from decimal import Decimal
from typing import Any, Final

import msgspec

from liqbot.commands import OrderKind, Purpose
from liqbot.venues.conformance.orders import (
    VALID_MS_MAX,
    account_of,
    contract_of,
    leaves_of,
    order_of,
    spelt,
    texts_of,
)
from liqbot.venues.entry_stops import AttachedStop, attached_id, attached_order
from liqbot.venues.spec import VenueSpec
from liqbot.venues.trading import Call, TradedContract, TradingAdapter

CLOCK_MS: Final = 1_000
STOP_PRICE: Final = Decimal("48000.5")


def protection_faults(spec: VenueSpec) -> list[str]:
    """A venue that is traded on must say how a position is guarded; what any venue says must have a source."""
    found = _said(spec)
    if spec.trading is None:
        return found
    adapter, traded = spec.trading, contract_of(spec, account_of(spec))
    found += _times(spec, adapter) + _immediate(spec, adapter, traded)
    if spec.protection is None:
        return [*found, "protection: it is traded on and does not say when a position's first stop is there"]
    if spec.protection.attached is not None:
        found += _attached(spec, adapter, traded, spec.protection.attached)
    return found


def _said(spec: VenueSpec) -> list[str]:
    found = []
    known, expiry = spec.protection, spec.expiry
    if known is not None and not (known.naked and known.source):
        found.append("protection: what stays naked and where that is written must be said")
    if expiry is not None and (not expiry.source or (spec.trading is not None and not expiry.paths)):
        found.append("expiry: which requests take it and where that is written must be said")
    return found


def _times(spec: VenueSpec, adapter: TradingAdapter) -> list[str]:
    found = []
    if not 0 < adapter.stop_valid_ms <= VALID_MS_MAX:
        found.append(f"stop_valid_ms {adapter.stop_valid_ms}: a lost stop would be waited for that long")
    known = spec.protection
    if known is not None and known.lost_stop_ms < adapter.stop_valid_ms + CLOCK_MS:
        found.append(f"lost_stop_ms {known.lost_stop_ms}: a stop may arrive for {adapter.stop_valid_ms} ms, by a clock "
                     f"that differs by {CLOCK_MS} ms")
    twice = adapter.early_codes & (adapter.duplicate_codes | adapter.unclear_codes)
    return found + ([f"codes {sorted(twice)} mean two things"] if twice else [])


def _immediate(spec: VenueSpec, adapter: TradingAdapter, traded: TradedContract) -> list[str]:
    resting = order_of(spec, traded, Purpose.ENTRY, OrderKind.LIMIT, limit_price=Decimal("49000.5"))
    at_once = adapter.place(msgspec.structs.replace(resting, immediate=True), traded)
    alike = at_once == adapter.place(resting, traded)
    return ["limit entry: that it must fill at once makes no difference"] if alike else []


def _attached(spec: VenueSpec, adapter: TradingAdapter, traded: TradedContract, rides: AttachedStop) -> list[str]:
    bare = order_of(spec, traded, Purpose.ENTRY, OrderKind.MARKET)
    entry = msgspec.structs.replace(bare, stop_price=STOP_PRICE, stop_client_id=attached_id(bare.client_id))
    call, found = adapter.place(entry, traded), []
    new = _new(call, adapter.place(bare, traded))
    if not any(_is_price(leaf) for leaf in new):
        found.append("attached stop: its price is not in the entry")
    if not spec.always_on_mark and not any("mark" in str(leaf).lower() for leaf in new):
        found.append("attached stop: does not say that the mark price triggers it")
    if rides.own_id and spelt(spec, entry.stop_client_id) not in texts_of(call):
        found.append("attached stop: does not bear our client order id")
    if any(isinstance(one, dict) and isinstance(one.get("stopLoss"), dict) for one in call.args):
        found.append("attached stop: the unified client's own object changes what it says")
    stop = attached_order(entry)
    own, separate = adapter.cancel(stop.client_id, traded, stop=True), "s" + stop.client_id[1:]
    if spelt(spec, stop.client_id) not in texts_of(own) and own == adapter.cancel(separate, traded, stop=True):
        found.append("attached stop: a cancel of it does not say so")
    return found


def _new(call: Call, without: Call) -> list[Any]:
    """What stands in one request and not in the other."""
    known = leaves_of(without.args)
    return [leaf for leaf in leaves_of(call.args) if leaf not in known]


def _is_price(leaf: Any) -> bool:
    return str(leaf) == str(STOP_PRICE)
