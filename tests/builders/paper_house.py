"""A small house for tests: the real account and order manager on the real paper exchange; the test says what it
wants."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.commands import Command, OrderKind, PlaceOrder, Purpose
from liqbot.events import Event, FundingRate, MarketEvent, MarkPrice, TradeBar
from liqbot.execution.order_manager import OrderManager
from liqbot.execution.params import ExecutionParams
from liqbot.instruments import FundingStage, Instrument, Side
from liqbot.risk.account import Account
from liqbot.risk.decision import Approved, Target
from liqbot.risk.limits import RiskLimits
from liqbot.venues.registry import mechanics_of
from paper.exchange import PaperExchange, PaperParams

VENUE, COIN = "binance", "BTC"
KEY = (VENUE, COIN)
ROSTER = Roster((VENUE, "bybit", "okx", "bitget"), (COIN, "ETH"))
BTC = Instrument(VENUE, COIN, "BTC/USDT:USDT", Decimal("0.1"), Decimal("0.001"))
ETH = Instrument("bybit", "ETH", "ETH/USDT:USDT", Decimal("0.01"), Decimal("0.01"))
SPAN_MS = 60_000
D = Decimal


def exchange_with(instruments: Iterable[Instrument] = (BTC,), **params: object) -> PaperExchange:
    listed = tuple(instruments)
    mechanics = {(one.venue, one.coin): mechanics_of(one.venue, one.coin) for one in listed}
    return PaperExchange(PaperParams.model_validate({"impact_bps": 0, **params}), listed, mechanics, ROSTER)


def bar(
    end_ms: int,
    prices: tuple[float, float, float, float],
    *,
    span_ms: int = SPAN_MS,
    venue: str = VENUE,
    coin: str = COIN,
) -> TradeBar:
    """`prices` are open, high, low, close."""
    opened, high, low, close = prices
    return TradeBar(
        time_ms=end_ms,
        venue=venue,
        coin=coin,
        span_ms=span_ms,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume_usd=1e6,
    )


def mark(time_ms: int, price: float) -> MarkPrice:
    return MarkPrice(time_ms=time_ms, venue=VENUE, coin=COIN, mark_price=price)


def funding(
    time_ms: int, rate_pct: float, interval_h: float = 8.0, venue: str = VENUE, stage: FundingStage | None = None
) -> FundingRate:
    return FundingRate(
        time_ms=time_ms, venue=venue, coin=COIN, rate_pct=rate_pct, interval_h=interval_h, rate_stage=stage
    )


def btc_at(venue: str) -> Instrument:
    """The same contract on another venue."""
    return msgspec.structs.replace(BTC, venue=venue)


def block(tick_ms: int, *rows: MarketEvent | Event) -> EventBlock:
    return block_of(rows, ROSTER, tick_ms=tick_ms)


def order(
    client_id: str,
    purpose: Purpose,
    *,
    side: Side = Side.LONG,
    quantity: str = "0.1",
    limit: str | None = None,
    trigger: str | None = None,
    post_only: bool = False,
    instrument: Instrument = BTC,
) -> PlaceOrder:
    kind = OrderKind.STOP_MARKET if trigger else OrderKind.LIMIT if limit else OrderKind.MARKET
    return PlaceOrder(
        client_id=client_id,
        venue=instrument.venue,
        coin=instrument.coin,
        decision_id=1,
        purpose=purpose,
        kind=kind,
        side=side,
        quantity_base=D(quantity),
        reduce_only=purpose is not Purpose.ENTRY,
        limit_price=D(limit) if limit else None,
        trigger_price=D(trigger) if trigger else None,
        post_only=post_only,
    )


def target(
    decision_id: int = 1,
    *,
    side: Side = Side.LONG,
    quantity: str = "0.1",
    limit: str | None = None,
    stop: str = "98",
    take: str | None = None,
    leverage: int = 5,
    expires_ms: int = 10**15,
    venue: str = VENUE,
) -> Target:
    return Target(
        decision_id=decision_id,
        venue=venue,
        coin=COIN,
        strategy="test",
        side=side,
        quantity_base=D(quantity),
        limit_price=D(limit) if limit else None,
        leverage=leverage,
        stop_price=D(stop),
        take_price=D(take) if take else None,
        liquidation_price=D(1),
        expires_ms=expires_ms,
        exit_by_ms=10**15,
        reason="test",
    )


class House:
    """Folds facts, plans, and keeps what happened. `check` is called after every reaction."""

    def __init__(
        self, exchange: PaperExchange, params: ExecutionParams | None = None, journal_id: str = "test01"
    ) -> None:
        self.exchange = exchange
        self.account = Account(RiskLimits())
        listed = exchange.accounts.instruments.values()
        self.order_manager = OrderManager(listed, params or ExecutionParams(), journal_id)
        self.facts: list[Event] = []
        self.commands: list[Command] = []
        for fact in exchange.facts_at_start():
            self._fold(fact)

    def _fold(self, fact: Event) -> None:
        self.facts.append(fact)
        if self.account.on_fact(fact):
            self.order_manager.on_fact(fact)

    def react(self, facts: tuple[Event, ...], time_ms: int) -> tuple[Command, ...]:
        for fact in facts:
            assert fact.time_ms == time_ms
            self._fold(fact)
        return self.plan(time_ms)

    def plan(self, time_ms: int) -> tuple[Command, ...]:
        commands = self.order_manager.commands(time_ms, self.account.positions)
        self.commands += commands
        assert self.order_manager.commands(time_ms, self.account.positions) == ()
        self.check(time_ms)
        return commands

    def check(self, time_ms: int) -> None:
        """Overridden where a law must hold at every moment."""

    def want(self, wanted: Target, time_ms: int) -> None:
        self.order_manager.adopt(Approved(wanted))
        self.act(time_ms)

    def act(self, time_ms: int) -> None:
        for command in self.plan(time_ms):
            self.exchange.submit(command, time_ms)

    def live(self, *rows: MarketEvent | Event, tick_ms: int) -> None:
        """One block: what happens inside it, then the tick."""
        self.exchange.advance(block(tick_ms, *rows), self.react)
        self.act(tick_ms)

    def of(self, kind: type[Event]) -> list[Event]:
        return [fact for fact in self.facts if isinstance(fact, kind)]
