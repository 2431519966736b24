"""A stop that neither rests nor is in a state that anybody understands is no stop for long."""

import asyncio
from decimal import Decimal
from typing import Any

from liqbot.commands import Purpose
from liqbot.events import Event, OrderCancelled, OrderMissing
from liqbot.execution import client_order_id
from liqbot.execution.edge.order_cache import OrderCache
from liqbot.execution.edge.order_status import OrderStatusResolver
from liqbot.execution.edge.protection_check import ProtectionCheck
from liqbot.venues.trading import OrderReport, OrderStatus, TradedContract
from paper.sessions.listings import paper_instruments

JOURNAL = "abc123"
STOP = client_order_id.client_id(JOURNAL, 7, Purpose.STOP)


class Venue:
    """Answers what it is told to: whether the stop rests, and what it says of it by name."""

    def __init__(self) -> None:
        self.rests, self.status = False, OrderStatus.UNKNOWN

    async def call(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nothing is asked of the client itself")

    async def resting(self, *_: Any) -> list[OrderReport]:
        return [self._report()] if self.rests else []

    async def order(self, *_: Any, **__: Any) -> OrderReport:
        return self._report()

    def _report(self) -> OrderReport:
        return OrderReport(STOP, "1", self.status, Decimal("0.01"), reduce_only=True)


async def told_after(looks: list[tuple[bool, OrderStatus]], *, by_name: bool = False) -> list[Event]:
    venue, told = Venue(), list[Event]()
    adapter: Any = venue
    orders = OrderCache(told.extend, lambda: 1_000, JOURNAL)
    traded = TradedContract(paper_instruments("binance", ("BTC",))[0], "BTCUSDT")
    resolver = OrderStatusResolver(venue, adapter, orders, trades_since_ms=0)
    check = ProtectionCheck(
        venue, adapter, (traded,), orders, resolver, lambda: {"BTC": (STOP,)}, period_s=0.001, at_once=False,
        by_name=by_name,
    )
    for rests, status in looks:
        venue.rests, venue.status = rests, status
        assert await check._check(traded, (STOP,))
    return told


def test_twice_unclear_and_not_resting_is_gone() -> None:
    unclear = (False, OrderStatus.UNKNOWN)
    assert not asyncio.run(told_after([unclear]))
    gone = asyncio.run(told_after([unclear, unclear]))
    assert [fact.client_id for fact in gone if isinstance(fact, OrderMissing)] == [STOP]


def test_one_that_rests_between_is_asked_about_anew() -> None:
    unclear = (False, OrderStatus.UNKNOWN)
    assert not asyncio.run(told_after([unclear, (True, OrderStatus.RESTING), unclear]))


def test_by_name_one_that_rests_is_told_by_nobody_and_one_that_has_gone_is() -> None:
    """The list would have it rest all along."""
    rests, unclear, cancelled = (True, OrderStatus.RESTING), (True, OrderStatus.UNKNOWN), (True, OrderStatus.CANCELLED)
    assert not asyncio.run(told_after([rests, rests, unclear, rests, unclear], by_name=True))
    (gone,) = asyncio.run(told_after([rests, cancelled], by_name=True))
    assert isinstance(gone, OrderCancelled)
    (missing,) = asyncio.run(told_after([unclear, unclear], by_name=True))
    assert isinstance(missing, OrderMissing)
