"""Stops that ride on entries at the simulated exchange: made as the venue of the instrument makes them."""

from decimal import Decimal

import msgspec
import pytest
from paper_house import SPAN_MS, bar, block, btc_at, exchange_with, order

from liqbot import events
from liqbot.commands import PlaceOrder, Purpose
from liqbot.venues.entry_stops import attached_id
from paper.exchange import PaperExchange
from paper.exchange.account_events import deleverage

D = Decimal
ENTRY = "etest0100000001"


class Trader:
    """Sends and listens."""

    def __init__(self, venue: str, **params: object) -> None:
        self.key = (venue, "BTC")
        self.exchange: PaperExchange = exchange_with((btc_at(venue),), latency_ms=0, **params)
        self.now_ms = 10 * SPAN_MS
        self.facts: list[events.Event] = []
        self.bar(100.0)

    def bar(self, *prices: float) -> None:
        self.now_ms += SPAN_MS
        four = prices if len(prices) == 4 else prices * 4
        row = bar(self.now_ms, four, venue=self.key[0])  # type: ignore[arg-type]
        self.exchange.advance(block(self.now_ms, row), self._hear)

    def _hear(self, facts: tuple[events.Event, ...], time_ms: int) -> tuple[()]:
        del time_ms
        self.facts += facts
        return ()

    def enter(self, *, limit: str | None = None, stop: str = "90", **more: object) -> PlaceOrder:
        plain = order(ENTRY, Purpose.ENTRY, limit=limit, instrument=btc_at(self.key[0]))
        entry = msgspec.structs.replace(plain, stop_price=D(stop), stop_client_id=attached_id(ENTRY), **more)
        self.exchange.submit(entry, self.now_ms)
        return entry

    @property
    def stops(self) -> list[Decimal]:
        resting = self.exchange.accounts.resting(self.key)
        return [one.command.quantity_base for one in resting if one.command.purpose is Purpose.STOP]

    @property
    def held(self) -> Decimal:
        holding = self.exchange.accounts.holding(self.key)
        return D(0) if holding is None else holding.quantity_base

    def ends(self, client_id: str) -> list[str]:
        gone = [one for one in self.facts if isinstance(one, events.OrderCancelled)]
        return [one.reason for one in gone if one.client_id == client_id]


def test_a_stop_of_the_position_grows_with_every_piece() -> None:
    trader = Trader("bybit", fill_usd_max=2, fill_pause_ms=25_000)
    trader.enter()
    trader.bar(100.0)
    first = trader.held
    assert trader.stops == [first]
    assert D(0) < first < D("0.1")
    for _ in range(3):
        trader.bar(100.0)
    assert (trader.held, trader.stops) == (D("0.1"), [D("0.1")])
    made = [one for one in trader.facts if isinstance(one, events.OrderAccepted)]
    assert [one.client_id for one in made] == [ENTRY, attached_id(ENTRY)]


def test_a_stop_of_the_order_is_made_when_the_order_has_ended_over_what_it_filled() -> None:
    trader = Trader("okx", fill_usd_max=4, fill_pause_ms=20_000)
    trader.enter(limit="101", immediate=True)
    trader.bar(100.0)
    assert D(0) < trader.held < D("0.1")
    assert trader.ends(ENTRY) == ["IMMEDIATE"]
    assert trader.stops == [trader.held]


def test_a_stop_of_the_position_goes_with_it_and_one_of_the_order_stays() -> None:
    for venue, left in (("bybit", []), ("okx", [D("0.1")])):
        trader = Trader(venue)
        trader.enter()
        trader.bar(100.0)
        trader.facts += deleverage(trader.exchange.accounts, trader.key, D(100), D(1), trader.now_ms)
        assert trader.held == 0
        assert trader.stops == left
        assert trader.ends(attached_id(ENTRY)) == ([] if left else ["POSITION_CLOSED"])


@pytest.mark.parametrize("venue", ["bybit", "okx"])
def test_an_entry_whose_stop_the_mark_has_passed_is_refused(venue: str) -> None:
    trader = Trader(venue)
    trader.enter(stop="101")
    trader.bar(100.0)
    (refused,) = [one for one in trader.facts if isinstance(one, events.OrderRejected)]
    assert (refused.code, trader.held, trader.stops) == ("STOP_PRICE", 0, [])


def test_what_is_immediate_never_rests() -> None:
    trader = Trader("binance")
    away = msgspec.structs.replace(order("e1", Purpose.ENTRY, limit="95"), immediate=True)
    trader.exchange.submit(away, trader.now_ms)
    trader.bar(100.0)
    assert trader.ends("e1") == ["IMMEDIATE"]
    trader.bar(90.0)
    assert trader.held == 0


def test_it_is_saved_with_the_exchange() -> None:
    trader = Trader("bybit")
    trader.enter()
    trader.bar(100.0)
    twin = exchange_with((btc_at("bybit"),), latency_ms=0)
    twin.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(trader.exchange.state())))
    assert [one.rode_in for one in twin.accounts.resting(trader.key)] == [True]
