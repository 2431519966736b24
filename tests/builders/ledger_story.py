"""A short life of a bot as observations: verdicts, a refusal, an approval, fills, funding, a stop, trouble."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec
import numpy as np
from kept_account import KeptAccount
from market_views import MARK, NOW_MS, a_map, a_view

from liqbot.blocks import DTYPES
from liqbot.commands import CancelOrder, OrderKind, PlaceOrder, Purpose
from liqbot.events import (
    Balance,
    CodeVersion,
    ConfigLoaded,
    Event,
    FeedDown,
    Fill,
    FundingPaid,
    JournalOpened,
    OrderAccepted,
    OrderCancelled,
    Transfer,
)
from liqbot.instruments import Side
from liqbot.ledger import Observation
from liqbot.market.view import MarketView
from liqbot.risk.decision import Approved, Check, Decision, Refusal, Refused, Target
from liqbot.signals.verdict import MEASURED, MISSING, Gate, Input, Signal, Verdict

VENUE, COIN = "binance", "BTC"


def dec(text: str) -> Decimal:
    return Decimal(text)


def opening(time_ms: int = NOW_MS, journal_id: str = "abc123") -> tuple[Event, ...]:
    return (
        JournalOpened(time_ms=time_ms, journal_id=journal_id, mode="paper", venues=("binance", "bybit"), coins=(COIN,)),
        CodeVersion(time_ms=time_ms, version="0.1", platform="here"),
        ConfigLoaded(time_ms=time_ms, config_json='{"risk": {"leverage_max": 3}}', digest="d1"),
    )


def balance(time_ms: int, wallet_usd: str) -> Balance:
    return Balance(time_ms=time_ms, venue=VENUE, coin="", wallet_usd=dec(wallet_usd))


def a_fill(time_ms: int, client_id: str, side: Side, price: str, quantity: str, **changes: object) -> Fill:
    fill = Fill(
        time_ms=time_ms, venue=VENUE, coin=COIN, client_id=client_id, fill_id=f"{client_id}-{time_ms}", side=side,
        reduces=False, price=dec(price), quantity_base=dec(quantity), fee=dec("0"),
    )
    return msgspec.structs.replace(fill, **changes)


def a_gate(name: str, value: float | None, threshold: float, *, passed: bool, waived: bool = False) -> Gate:
    source = MISSING if value is None or value != value else MEASURED
    return Gate(name, (Input(name, value, source),), value, ">=", threshold, passed, waived)


def a_verdict(code: str, *, signal: bool = False) -> Verdict:
    absent = a_gate("oi_change", float("nan"), 0.0, passed=signal, waived=signal)
    gates = (a_gate("volume_ratio", 2.5, 1.5, passed=True), absent)
    wish = Signal("cascade", COIN, Side.LONG, MARK, False, MARK * 0.99, MARK * 1.02, NOW_MS + 60_000, 3_600_000, "up")
    return Verdict("cascade", COIN, Side.LONG, code, gates, wish if signal else None)


def a_target(decision_id: int = 2, quantity: str = "0.5") -> Target:
    return Target(
        decision_id=decision_id, venue=VENUE, coin=COIN, strategy="cascade", side=Side.LONG,
        quantity_base=dec(quantity), limit_price=None, leverage=3, stop_price=dec("64000"), take_price=dec("67000"),
        liquidation_price=dec("46500"), expires_ms=NOW_MS + 60_000, exit_by_ms=NOW_MS + 3_600_000,
        reason="cluster above",
    )


def an_order(client_id: str, purpose: Purpose, quantity: str = "0.5", trigger: str | None = None) -> PlaceOrder:
    return PlaceOrder(
        client_id, VENUE, COIN, 2, purpose, OrderKind.STOP_MARKET if trigger else OrderKind.MARKET, Side.LONG,
        dec(quantity), purpose is not Purpose.ENTRY, trigger_price=dec(trigger) if trigger else None,
    )


class Teller:
    """Counts seq and time."""

    def __init__(self) -> None:
        self.seq = 0
        self.passed_ms = 0
        """Beyond a second for each call."""
        self._kept = KeptAccount()

    def now_ms(self) -> int:
        return NOW_MS + self.seq * 1_000 + self.passed_ms

    def tell(
        self, *facts: Event, verdicts: tuple[Verdict, ...] = (), decisions: tuple[Decision, ...] = (),
        commands: tuple[object, ...] = (), **view: object,
    ) -> Observation:
        self.seq += 1
        time_ms = self.now_ms()
        drawn = msgspec.structs.replace(a_map(), as_of_ms=time_ms)
        views: tuple[MarketView, ...] = (a_view(time_ms=time_ms, map=drawn, **view),)
        observation = Observation(
            seq=self.seq, time_ms=time_ms, source="paper", tick_ms=time_ms, views=views, verdicts=verdicts,
            decisions=decisions, commands=commands,  # type: ignore[arg-type]
            facts=tuple(msgspec.structs.replace(fact, time_ms=time_ms) for fact in facts),
        )
        return self._kept.complete(observation)


def story() -> Iterator[Observation]:
    """One trade: refused at first, then approved, filled in two parts, funded, stopped out at a loss."""
    t = Teller()
    yield t.tell(*opening(), balance(0, "10000"), verdicts=(a_verdict("volume_ratio"),), map_skill_share=0.625,
                 map_printed_ratio=1.5)
    yield t.tell()
    yield t.tell(FeedDown(time_ms=0, venue="bybit", coin=COIN, feed="trades", reason="closed"))
    cooldown = Check("cooldown", 5.0, 0.0, passed=False)
    refused = Refused(1, Refusal.COOLDOWN, "wait", (cooldown,), "cascade", COIN, Side.LONG)
    yield t.tell(verdicts=(a_verdict("SIGNAL", signal=True),), decisions=(refused,))
    yield t.tell()
    approved = Approved(a_target(), (Check("leverage", 3.0, 5.0, passed=True),))
    yield t.tell(decisions=(approved,), commands=(an_order("e1", Purpose.ENTRY),))
    in_force = Refused(3, Refusal.POSITION_OPEN, "open", (), "cascade", COIN, Side.LONG)
    yield t.tell(
        OrderAccepted(time_ms=0, venue=VENUE, coin=COIN, client_id="e1", venue_order_id="v1"),
        a_fill(1, "e1", Side.LONG, "65600", "0.2", fee=dec("6.5600001")), balance(0, "9993.4399999"),
        commands=(an_order("s1", Purpose.STOP, "0.5", "64000"),), decisions=(in_force,),
    )
    yield t.tell(a_fill(2, "e1", Side.LONG, "65610", "0.3", fee=dec("9.8415")), balance(0, "9983.5984999"))
    yield t.tell(low_price=65_000.0, high_price=66_000.0)
    t.passed_ms = 60_000
    yield t.tell(
        FundingPaid(time_ms=0, venue=VENUE, coin=COIN, amount_usd=dec("-3.28"), rate_pct=0.01),
        Transfer(time_ms=0, venue=VENUE, coin="", amount_usd=dec("500")), balance(0, "10480.3184999"),
    )
    yield t.tell(
        a_fill(3, "s1", Side.LONG, "63990", "0.5", reduces=True, fee=dec("15.9975")), balance(0, "9656.3209999"),
        commands=(CancelOrder("t1", VENUE, COIN),),
        verdicts=(a_verdict("volume_ratio"),),
    )
    yield t.tell(OrderCancelled(time_ms=0, venue=VENUE, coin=COIN, client_id="t1"))
    rows = np.zeros(3, DTYPES["liquidations"])
    rows["time_ms"], rows["side"], rows["price"] = NOW_MS, (1, -1, 1), (MARK * 0.9, MARK * 1.1, MARK * 2)
    rows["size_usd"] = (50_000, 20_000, 5_000)
    yield msgspec.structs.replace(t.tell(), liquidations=rows)
