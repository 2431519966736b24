"""Every venue of the registry passes the suite, and the suite finds what it is there to find."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from liqbot.events import MarketEvent
from liqbot.execution import client_order_id
from liqbot.margin.mechanics import Fees
from liqbot.margin.tiers import LeverageTier
from liqbot.venues import conformance
from liqbot.venues.bybit.orders import BybitAdapter
from liqbot.venues.conformance.facts import OWN_IDS
from liqbot.venues.examples import PositionExample, VenueExamples
from liqbot.venues.parsing import MalformedMessage, Parsed, WireBook
from liqbot.venues.registry import VENUES
from liqbot.venues.spec import (
    NO_FORCED_ORDERS,
    NOT_READ,
    NOT_TRADED,
    ClientIdRule,
    Lack,
    Liquidations,
    PracticeAccess,
    VenueSpec,
)
from liqbot.venues.trading import Call, OrderReport, TradedContract

replace = msgspec.structs.replace
BYBIT = VENUES["bybit"]
MARGIN: Any = BYBIT.contracts[0].margin


@pytest.mark.parametrize("check", conformance.CHECKS, ids=lambda check: check.name.replace(" ", "_"))
@pytest.mark.parametrize("spec", VENUES.values(), ids=lambda spec: spec.venue)
def test_conforms(spec: VenueSpec, check: conformance.ConformanceCheck) -> None:
    assert check.faults(spec) == []


def test_ids_are_checked_as_this_program_makes_them() -> None:
    length = client_order_id.ID_LENGTH
    assert {len(own) for own in OWN_IDS} == {length}
    assert all(own[0].isalpha() and own.isalnum() and own == own.lower() for own in OWN_IDS)


# --- what the suite finds ---------------------------------------------------------------------------------------------


def assert_found(spec: VenueSpec, fault: str) -> None:
    """Cheap checks come first, and no further one runs once the fault is found."""
    every = (found for check in conformance.CHECKS for found in check.faults(spec))
    seen = []
    for found in every:
        if fault in found:
            return
        seen.append(found)
    raise AssertionError(f"{fault!r} is not among {seen}")


def main(spec: VenueSpec, **changes: Any) -> VenueSpec:
    return replace(spec, contracts=(replace(spec.contracts[0], **changes), *spec.contracts[1:]))


def margin(**changes: Any) -> VenueSpec:
    """With another table for the first coin."""
    coin, table = MARGIN.tables[0]
    return main(BYBIT, margin=replace(MARGIN, tables=((coin, replace(table, **changes)),)))


FACTS: dict[str, tuple[VenueSpec, str]] = {
    "name": (replace(BYBIT, venue="By Bit"), "small letters"),
    "title": (replace(BYBIT, title=" "), "title is empty"),
    "no main contract": (replace(BYBIT, contracts=BYBIT.contracts[1:]), "the first is the main one"),
    "contract twice": (replace(BYBIT, contracts=BYBIT.contracts + BYBIT.contracts[1:]), "no name comes twice"),
    "coin twice": (main(BYBIT, listings=BYBIT.contracts[0].listings * 2), "each coin once"),
    "inverse": (main(BYBIT, inverse=True), "settles in 'USDT' and inverse is True"),
    "unit": (main(BYBIT, trade_unit=None), "trade_unit and open_interest_unit must be known"),
    "size": (main(BYBIT, listings=(replace(BYBIT.contracts[0].listings[0], contract_units=0.0),)), "must be above 0"),
    "symbol": (main(BYBIT, listings=(replace(BYBIT.contracts[0].listings[0], symbol="BTCUSDT"),)), "not of the form"),
    "settle": (main(BYBIT, settle="USDC"), "settles in USDT, not USDC"),
    "silent lack": (replace(BYBIT, trading=None), "has no orders and does not say why"),
    "false lack": (replace(BYBIT, lacks=(NOT_TRADED,)), "has orders and lacks it"),
    "no reason": (replace(BYBIT, wire=None, lacks=(Lack("market_data", " "),)), "lacks market_data without a reason"),
    "twice": (replace(BYBIT, wire=None, lacks=(NOT_READ, NOT_READ)), "lacks market_data twice"),
    "forced orders": (replace(BYBIT, liquidations=Liquidations(completeness="none")), "has no forced_orders"),
    "proof": (replace(BYBIT, proof=None), "tested against"),
    "no evidence": (replace(BYBIT, evidence=BYBIT.evidence[1:]), "evidence: none for trades"),
    "evidence of nothing": (
        replace(BYBIT, wire=replace(BYBIT.wire, streams=BYBIT.wire.streams[:1]), liquidations=Liquidations(
            completeness="none"), lacks=(NO_FORCED_ORDERS,)), "evidence: liquidation is not read"),
    "evidence without a wire": (replace(BYBIT, wire=None, lacks=(NOT_READ,)), "evidence: nothing is read live"),
    "evidence from nowhere": (
        replace(BYBIT, evidence=(replace(BYBIT.evidence[0], endpoint="somewhere"), *BYBIT.evidence[1:])),
        "trades names no endpoint"),
    "practice": (replace(BYBIT, practice=BYBIT.practice * 2), "practice demo twice"),
    "switch": (replace(BYBIT, practice=(PracticeAccess(kind="demo", switch=""),)), "no switch"),
    "client": (replace(BYBIT, client=None), "dialled through a unified client"),
    "adapter": (replace(BYBIT, trading=VENUES["okx"].trading), "trading adapter is that of 'okx'"),
    "credentials": (replace(BYBIT, credentials=("secret",)), "credentials"),
    "id length": (replace(BYBIT, client_id=ClientIdRule(length_max=14)), "is not accepted"),
    "id letters": (replace(BYBIT, client_id=ClientIdRule(length_max=36, pattern=r"[0-9]+")), "is not accepted"),
    "no id rule": (replace(BYBIT, client_id=None), "is not said"),
    "undated": (margin(as_of=""), "source and date of the tiers"),
    "maintenance": (margin(tiers=(LeverageTier(0.0, 1e6, 100.0, 2.0),)), "liquidated at once"),
    "fees": (main(BYBIT, margin=replace(MARGIN, fees=Fees(0.1, 0.05))), "makers pay no more than takers"),
    "published": (
        replace(BYBIT, examples=lambda: VenueExamples(positions=(PositionExample(
            venue_key="bybit", coin="BTC", long=True, entry_price=100.0, quantity_base=1.0, margin_usd=10.0,
            liquidation_price=95.0, tolerance_price=0.1, source="nowhere"),))),
        "published 95.0 (nowhere)",
    ),
}


@pytest.mark.parametrize("case", FACTS)
def test_a_fault_of_the_facts_is_found(case: str) -> None:
    spec, fault = FACTS[case]
    assert_found(spec, fault)


def examples() -> VenueExamples:
    assert BYBIT.examples is not None
    return BYBIT.examples()


def wired(**changes: Any) -> VenueSpec:
    assert BYBIT.wire is not None
    return replace(BYBIT, wire=replace(BYBIT.wire, **changes))


def wire() -> Any:
    return BYBIT.wire


def careless(raw: str | bytes, book: WireBook) -> Parsed:
    """Raises what json raises."""
    msgspec.json.decode(raw)
    return wire().parse(raw, book)  # type: ignore[no-any-return]


def anonymous(raw: str | bytes, book: WireBook) -> Parsed:
    try:
        return wire().parse(raw, book)  # type: ignore[no-any-return]
    except MalformedMessage as error:
        raise MalformedMessage("", error.field, 0) from None


def careless_poll(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    return wire().polls[0].parse(payload["result"] and payload, book, now_ms)  # type: ignore[no-any-return]


def nothing(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    del payload, book, index
    return []


def without(*feeds: str) -> VenueExamples:
    all_of_them = examples()
    return replace(all_of_them, messages=tuple(one for one in all_of_them.messages if one.feed not in feeds))


STREAMS: dict[str, tuple[VenueSpec, str]] = {
    "venue": (wired(venue="okx"), "the wire is that of 'okx'"),
    "no forced orders": (wired(streams=tuple(one for one in wire().streams if "liquidation" not in one.feeds)),
                         "neither read nor named"),
    "no trades": (wired(streams=wire().streams[1:]), "no stream or request gives trades"),
    "feed": (wired(streams=(replace(wire().streams[0], feeds=("trade",)),)), "feed 'trade' is unknown"),
    "arguments": (wired(streams=(replace(wire().streams[0], arguments=lambda contracts: contracts[9]),)), "IndexError"),
    "no examples": (replace(BYBIT, examples=None), "examples: none"),
    "no example of trades": (replace(BYBIT, examples=lambda: without("trades")), "no example gives trades"),
    "book": (replace(BYBIT, examples=lambda: replace(examples(), contracts=(
        replace(examples().contracts[0], venue_key="bybit:usdc"),))), "bybit:usdc is no book"),
    "careless": (wired(parse=careless), "a parser raises DecodeError"),
    "anonymous": (wired(parse=anonymous), "must name the venue"),
    "careless poll": (wired(polls=(replace(wire().polls[0], parse=careless_poll),)), "a parser raises KeyError"),
    "params": (wired(polls=(replace(wire().polls[0], params=lambda contract: contract.no_such),)), "AttributeError"),
    "unanswered": (replace(BYBIT, examples=lambda: replace(examples(), responses=())), "no example of its answer"),
    "empty past": (wired(histories=(replace(wire().histories[0], parse=nothing),)), "its example gives no bars"),
    "tiers": (wired(tiers=replace(wire().tiers, parse=lambda *_: ())), "lowest first"),
}


@pytest.mark.drawn
@pytest.mark.parametrize("case", STREAMS)
def test_a_fault_of_the_market_data_is_found(case: str) -> None:
    spec, fault = STREAMS[case]
    assert_found(spec, fault)


class Spoilt(BybitAdapter):
    """Places and cancels by `spoil`, which changes the parameters of a request."""

    def __init__(self, spoil: Callable[[dict[str, Any]], Any]) -> None:
        self._spoil = spoil

    def place(self, order: Any, traded: TradedContract) -> Call:
        call = super().place(order, traded)
        return replace(call, args=self._spoilt(call.args))

    def cancel(self, client_id: str, traded: TradedContract, *, stop: bool) -> Call:
        call = super().cancel(client_id, traded, stop=stop)
        return replace(call, args=self._spoilt(call.args))

    def _spoilt(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        changed = [dict(one) if isinstance(one, dict) else one for one in args]
        for one in changed:
            if isinstance(one, dict):
                self._spoil(one)
        return tuple(changed)


class Reader(BybitAdapter):
    """Reads an order as `spoil` makes of it, and the user stream without a look at the message."""

    def __init__(self, spoil: Callable[[OrderReport], OrderReport | None]) -> None:
        self._spoil = spoil

    async def order(self, *args: Any, **named: Any) -> OrderReport | None:
        report = await super().order(*args, **named)
        return None if report is None else self._spoil(report)

    def user_events(self, message: Any, traded: Any) -> Any:
        return super().user_events(message, traded) if message["topic"] else ()


class Credulous(BybitAdapter):
    """Takes the wallet and the clock as they come."""

    async def wallet_usd(self, client: Any) -> Decimal:
        found = await client.call("privateGetV5AccountWalletBalance", {"accountType": "UNIFIED"})
        return Decimal(found["result"]["list"][0]["coin"][0]["walletBalance"])

    async def server_ms(self, client: Any) -> int:
        found = await client.call("publicGetV5MarketTime")
        return int(found["time"]) if isinstance(found, dict) and "time" in found else 1_795_917_331_756


def traded(adapter: BybitAdapter) -> VenueSpec:
    return replace(BYBIT, trading=adapter)


def coded(**codes: Any) -> BybitAdapter:
    adapter = BybitAdapter()
    for name, value in codes.items():
        setattr(adapter, name, value)
    return adapter


ORDERS: dict[str, tuple[VenueSpec, str]] = {
    "no id": (traded(Spoilt(lambda one: one.pop("clientOrderId", 0))), "does not bear our client order id"),
    "no id in a cancel": (traded(Spoilt(lambda one: one.pop("orderLinkId", 0))), "cancel of an stop: does not name it"),
    "not reduce-only": (traded(Spoilt(lambda one: one.pop("reduceOnly", 0))), "stop: is not reduce-only"),
    "always reduce-only": (traded(Spoilt(lambda one: one.update(reduceOnly=True))), "and not with an entry"),
    "not on the mark": (traded(Spoilt(lambda one: one.pop("triggerBy", 0))), "does not say that the mark price"),
    "on the last price": (traded(Spoilt(lambda one: one.update(triggerBy="LastPrice") if "triggerBy" in one else 0)),
                          "does not say that the mark price"),
    "no trigger": (traded(Spoilt(lambda one: one.pop("stopLossPrice", 0))), "its trigger is not in it"),
    "no post-only": (traded(Spoilt(lambda one: one.pop("postOnly", 0))), "post-only makes no difference"),
    "two meanings": (traded(coded(unclear_codes=frozenset({"110072"}))), "mean two things"),
    "for ever": (traded(coded(valid_ms=3_600_000)), "valid_ms 3600000"),
    "no settings": (traded(coded(settings_changes=lambda *_: ())), "no request though leverage differs"),
    "always settings": (traded(coded(settings_changes=lambda *_: (Call("x", ()),))), "though nothing differs"),
    "no stream": (traded(coded(streams=lambda *_: ())), "no subscription to the user stream"),
    "stop lost": (traded(Reader(lambda _: None)), "the resting stop reads as None"),
    "stop on last": (traded(Reader(lambda report: replace(report, on_mark=False))), "the resting stop reads as"),
    "unread": (traded(Credulous()), "wallet: a mangled answer raises KeyError"),
    "believed": (traded(Credulous()), "nonsense as the answer to publicGetV5MarketTime is believed"),
    "surprise": (traded(Reader(lambda report: report)), "for a message of another shape"),
    "no account": (replace(BYBIT, examples=lambda: replace(examples(), account=None)), "examples: no account"),
    "no protection": (replace(BYBIT, protection=None), "does not say when a position's first stop is there"),
    "no source": (replace(BYBIT, protection=replace(BYBIT.protection, source="")), "where that is written"),
    "no stop in the entry": (traded(Spoilt(lambda one: one.pop("stopLoss", 0))), "its price is not in the entry"),
    "attached on last": (traded(Spoilt(lambda one: one.pop("slTriggerBy", 0))), "attached stop: does not say that the"),
    "unified stop": (traded(Spoilt(lambda one: one.update(stopLoss={"triggerPrice": one["stopLoss"]})
                                   if "stopLoss" in one else 0)), "the unified client's own object"),
    "no own id": (replace(BYBIT, protection=replace(BYBIT.protection, attached=replace(
        BYBIT.protection.attached, own_id=True))), "attached stop: does not bear our client order id"),
    "limit that rests": (traded(Spoilt(lambda one: one.pop("timeInForce", 0))), "fill at once makes no difference"),
    "lost too soon": (replace(BYBIT, protection=replace(BYBIT.protection, lost_stop_ms=2_500)), "lost_stop_ms 2500"),
    "early and unclear": (traded(coded(early_codes=frozenset({"10016"}))), "codes ['10016'] mean two things"),
}


@pytest.mark.parametrize("case", ORDERS)
def test_a_fault_of_the_trading_adapter_is_found(case: str) -> None:
    spec, fault = ORDERS[case]
    assert_found(spec, fault)
