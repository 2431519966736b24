"""Accounts, facts and books to review with: real mechanics, a funded and reconciled account."""

from decimal import Decimal
from functools import cache

import market_views as mv
from hypothesis import strategies as st

from liqbot.events import Balance, Event, Fill, PositionSnapshot, Reconciled
from liqbot.instruments import Instrument, Side
from liqbot.market.view import MarketView
from liqbot.risk.account import Account
from liqbot.risk.decision import Target
from liqbot.risk.limits import RiskLimits
from liqbot.risk.placement import TradingBook
from liqbot.risk.translation import MarkTranslation
from liqbot.venues.registry import mechanics_of

VENUE, COIN = "binance", "BTC"
LIMITS = RiskLimits()
NOW_MS = mv.NOW_MS
QUIET = mv.a_view()
INSTRUMENT = Instrument(VENUE, COIN, "BTCUSDT", Decimal("0.1"), Decimal("0.001"))
SAME = MarkTranslation(INSTRUMENT.price_tick)
"""Orders rest in the map's own market."""


@cache
def a_book(venue: str = VENUE) -> TradingBook:
    instrument = Instrument(venue, COIN, "BTCUSDT", Decimal("0.1"), Decimal("0.001"))
    return TradingBook(instrument, mechanics_of(venue, COIN))


def balance(usd: str | int | Decimal, time_ms: int = NOW_MS, venue: str = VENUE) -> Balance:
    return Balance(time_ms=time_ms, venue=venue, coin=COIN, wallet_usd=Decimal(usd))


def reconciled(time_ms: int = NOW_MS, venue: str = VENUE) -> Reconciled:
    return Reconciled(time_ms=time_ms, venue=venue, coin=COIN)


def a_fill(
    fill_id: str,
    quantity: str | Decimal = "1",
    price: str | Decimal = "60000",
    side: Side = Side.LONG,
    fee: str | Decimal = "0",
    *,
    reduces: bool = False,
    time_ms: int = NOW_MS,
    fee_currency: str = "USDT",
) -> Fill:
    return Fill(
        time_ms=time_ms,
        venue=VENUE,
        coin=COIN,
        client_id="x",
        fill_id=fill_id,
        side=side,
        reduces=reduces,
        price=Decimal(price),
        quantity_base=Decimal(quantity),
        fee=Decimal(fee),
        fee_currency=fee_currency,
    )


def a_snapshot(quantity: str | int | Decimal, side: Side = Side.LONG, **changes: object) -> PositionSnapshot:
    values: dict[str, object] = {
        "time_ms": NOW_MS,
        "venue": VENUE,
        "coin": COIN,
        "side": side,
        "quantity_base": Decimal(quantity),
        "entry_price": Decimal(60000),
        "leverage": 3.0,
        "isolated": True,
    }
    return PositionSnapshot(**(values | changes))  # type: ignore[arg-type]


def an_account(*facts: Event, limits: RiskLimits = LIMITS, usd: int = 100_000, venue: str = VENUE) -> Account:
    """Funded, reconciled, ticked; then the facts and another tick."""
    account = Account(limits)
    for some in ((balance(usd, venue=venue), reconciled(venue=venue)), facts):
        for fact in some:
            account.on_fact(fact)
        account.on_tick(NOW_MS, (QUIET,))
    return account


def a_target(side: Side = Side.LONG, quantity: str | Decimal = "1", **changes: object) -> Target:
    """Entered at 65536 with a stop 1 % away and three times leverage."""
    sign = int(side)
    entry = Decimal(65536)
    values: dict[str, object] = {
        "decision_id": 7,
        "venue": VENUE,
        "coin": COIN,
        "strategy": "cascade",
        "side": side,
        "quantity_base": Decimal(quantity),
        "limit_price": None,
        "leverage": 3,
        "stop_price": entry - sign * Decimal(640),
        "take_price": None,
        "liquidation_price": entry - sign * 20_000,
        "expires_ms": NOW_MS + 60_000,
        "exit_by_ms": NOW_MS + 3_600_000,
        "reason": "because",
        "price_tick": Decimal("0.1"),
    }
    return Target(**(values | changes))  # type: ignore[arg-type]


def money(low: int, high: int) -> st.SearchStrategy[Decimal]:
    """Cents."""
    return st.integers(low * 100, high * 100).map(lambda cents: Decimal(cents) / 100)


def tick(account: Account, time_ms: int = NOW_MS, mark_price: float = mv.MARK) -> MarketView:
    view = mv.a_view(time_ms=time_ms, mark_price=mark_price)
    account.on_tick(time_ms, (view,))
    return view
