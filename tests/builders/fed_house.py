"""An engine that a test feeds second by second: what a venue says of its account, and a flat market with a mark of its
own."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.commands import PlaceOrder
from liqbot.engine import Engine
from liqbot.events import (
    Balance,
    Event,
    Fill,
    LeverageConfirmed,
    MarketEvent,
    OrderAccepted,
    PositionSnapshot,
    Reconciled,
    TradingMark,
)
from liqbot.instruments import Instrument, Side
from liqbot.ledger.fold import Fold, WriteLimits
from liqbot.ledger.observation import observation_of
from liqbot.ledger.state import LedgerState
from liqbot.risk.decision import Approved, Target
from liqbot.runtime.assembly import engine_of, opening_facts
from liqbot.settings import Settings, settings_model
from liqbot.settings.model import TEST_MODES
from tests.builders import loopback_market as market

VENUE, PRICE = "bybit", market.PRICE
LISTED = (Instrument(VENUE, "BTC", "BTCUSDT", Decimal("0.1"), Decimal("0.001")),)
ROSTER = Roster((VENUE,), ("BTC",))


class House:
    """An engine fed second by second, and the ledger's fold of what it answers."""

    def __init__(self, mode: str = "testnet") -> None:
        self.settings: Settings = settings_model()(mode=mode, venues=(VENUE,), trade_venue=VENUE, coins=("BTC",))
        self.engine: Engine = engine_of(self.settings, ROSTER, "abc123", LISTED)
        self.second, self.commands, self.rows = 0, list[Any](), Fold(LedgerState(), WriteLimits())
        opening = opening_facts(
            self.settings, ROSTER, "abc123", LISTED, self.now_ms, test_market=mode in TEST_MODES
        )
        self.take(EventBlock(facts=opening))
        self.say(
            Balance(**self.here, wallet_usd=Decimal(10_000)),
            LeverageConfirmed(**self.here, leverage=3.0, isolated=True),
            self.holds(Decimal(0), Decimal(0)),
            Reconciled(**self.here),
        )

    @property
    def now_ms(self) -> int:
        return market.at(self.second)

    @property
    def here(self) -> dict[str, Any]:
        return {"time_ms": self.now_ms, "venue": VENUE, "coin": "BTC"}

    def take(self, block: EventBlock) -> list[Any]:
        step = self.engine.on_block(block)
        self.rows.observe(observation_of(step.seq, block, step, self.engine))
        self.commands += step.commands
        return list(step.commands)

    def say(self, *facts: Event) -> list[Any]:
        return self.take(EventBlock(facts=facts))

    def go(self, seconds: int = 1, *, ratio: float | None = None, price: float = PRICE) -> list[Any]:
        """With a mark of the test market where there is a `ratio`."""
        sent: list[Any] = []
        for _ in range(seconds):
            self.second += 1
            rows: Iterable[MarketEvent] = market.flat(VENUE, "BTC", self.second, price)
            if ratio is not None:
                sent += self.say(TradingMark(**self.here, mark_price=price * ratio))
            sent += self.take(block_of(list(rows), ROSTER, tick_ms=self.now_ms))
        return sent

    def holds(self, base: Decimal, entry_price: Decimal) -> PositionSnapshot:
        return PositionSnapshot(
            **self.here, side=Side.LONG, quantity_base=base, entry_price=entry_price, leverage=3.0, isolated=True
        )

    def wanted(self, ratio: str, limit_price: str | None = None) -> Target:
        return Target(
            decision_id=1, venue=VENUE, coin="BTC", strategy="cascade", side=Side.LONG, quantity_base=Decimal("0.1"),
            limit_price=None if limit_price is None else Decimal(limit_price), leverage=3, stop_price=Decimal(49_000),
            take_price=Decimal(52_000), liquidation_price=Decimal(35_000), expires_ms=self.now_ms + 600_000,
            exit_by_ms=self.now_ms + 3_600_000, reason="test", price_tick=Decimal("0.1"), mark_ratio=Decimal(ratio),
        )  # fmt: skip

    def enters(self, ratio: str, limit_price: str | None = None) -> PlaceOrder:
        """The entry of an approved target, accepted by the venue."""
        self.engine.order_manager.adopt(Approved(self.wanted(ratio, limit_price)))
        (entry,) = self.go(ratio=float(ratio))
        self.say(OrderAccepted(**self.here, client_id=entry.client_id, venue_order_id="1"))
        return entry

    def fills(self, order: PlaceOrder, price: str) -> list[Any]:
        return self.say(
            Fill(
                **self.here, client_id=order.client_id, fill_id="f1", side=order.side, reduces=order.reduce_only,
                price=Decimal(price), quantity_base=order.quantity_base, fee=Decimal(1),
            )
        )
