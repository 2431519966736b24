"""An execution is told once, and not lost because its order was not known when it was first seen."""

from decimal import Decimal

from liqbot.commands import Purpose
from liqbot.events import Event, Fill
from liqbot.execution import client_order_id
from liqbot.execution.edge.order_cache import OrderCache
from liqbot.venues.trading import TradedContract, TradeReport
from paper.sessions.listings import paper_instruments

JOURNAL = "abc123"
ENTRY = client_order_id.client_id(JOURNAL, 7, Purpose.ENTRY)
TRADED = TradedContract(paper_instruments("bybit", ("BTC",))[0], "BTCUSDT")
TRADE = TradeReport(
    "t1", "o1", "", buys=True, price=Decimal(60_000), quantity_base=Decimal("0.01"), fee=Decimal("0.3"),
    fee_currency="USDT", maker=False, time_ms=1_000,
)


def test_a_fill_seen_before_its_order_was_known_is_told_when_it_is_and_once() -> None:
    told: list[Event] = []
    orders = OrderCache(told.extend, lambda: 1_000, JOURNAL)
    assert not orders.trade(TRADED, TRADE, "")
    assert orders.trade(TRADED, TRADE, ENTRY)
    assert not orders.trade(TRADED, TRADE, ENTRY)
    assert [fact.client_id for fact in told if isinstance(fact, Fill)] == [ENTRY]
