"""The questions of the entry review, in their fixed order; the placement is asked after them."""

import math
from collections.abc import Callable
from typing import Final

import msgspec

from liqbot.accounting.positions import ZERO
from liqbot.market.view import MarketView
from liqbot.risk.account import Account
from liqbot.risk.decision import Check, Refusal, Target
from liqbot.risk.limits import RiskLimits
from liqbot.risk.placement import OrderProposal, TradingBook
from liqbot.risk.sizing import costs_base, exact, loss_base
from liqbot.signals.verdict import Signal


class CheckContext(msgspec.Struct, frozen=True):
    """What the questions are about. `wish` is None when the signal's prices are no prices at all."""

    signal: Signal
    view: MarketView
    account: Account
    book: TradingBook
    limits: RiskLimits
    entry_in_flight: bool
    wish: OrderProposal | None
    entering: tuple[Target, ...] = ()
    """Entries under way on other instruments: not positions yet, but they may be."""
    foreign_orders: int = 0
    """Others' orders that rest on the instrument: they could fill against our position."""

    @property
    def stop_pct(self) -> float:
        """Distance of the stop on its right side, in percent of the entry; negative on the wrong side."""
        wish = self.wish
        if wish is None:
            return math.nan
        return float(int(wish.side) * (wish.entry_price - wish.stop_price) / wish.entry_price * 100)


PreTradeCheck = Callable[[CheckContext], Check]


def _halted(case: CheckContext) -> Check:
    return Check("halted", case.account.halted or "no", "no", not case.account.halted)


def _reconciled(case: CheckContext) -> Check:
    holding = case.account.holding(case.book.instrument.venue, case.signal.coin)
    known = holding is not None and holding.reconciled
    return Check("reconciled", "yes" if known else "no", "yes", known)


def _backfilling(case: CheckContext) -> Check:
    return Check("backfilled", "yes" if case.view.backfilled else "no", "no", not case.view.backfilled)


def _fresh(case: CheckContext) -> Check:
    return _at_most("age_ms", case.view.age_ms, case.limits.age_ms_max)


def _venues_live(case: CheckContext) -> Check:
    return _at_least("live_venues", case.view.live_venues, case.limits.live_venues_min)


def _lag(case: CheckContext) -> Check:
    return _at_most("lag_ms", case.view.lag_ms, case.limits.lag_ms_max)


def _warm_long(case: CheckContext) -> Check:
    return _at_least("warmth_long_pct", case.view.warmth_long_pct, case.limits.warmth_pct_min)


def _warm_short(case: CheckContext) -> Check:
    return _at_least("warmth_short_pct", case.view.warmth_short_pct, case.limits.warmth_pct_min)


def _flat(case: CheckContext) -> Check:
    position = case.account.position(case.book.instrument.venue, case.signal.coin)
    return Check("open_base", 0.0 if position is None else float(position.quantity_base), 0.0, position is None)


def _positions(case: CheckContext) -> Check:
    others = len(case.account.positions) + len(case.entering)
    return _at_most("other_positions", others, case.limits.positions_max - 1)


def _in_flight(case: CheckContext) -> Check:
    return Check("entry_in_flight", "yes" if case.entry_in_flight else "no", "no", not case.entry_in_flight)


def _cooldown(case: CheckContext) -> Check:
    until_ms = case.account.cooldown_until_ms(case.book.instrument.venue, case.signal.coin)
    left_ms = max(0, until_ms - case.view.time_ms)
    return _at_most("cooldown_left_ms", left_ms, 0)


def _daily(case: CheckContext) -> Check:
    drawdown = case.account.drawdown
    return _latch("daily_loss_pct", drawdown.daily_loss_pct, case.limits.daily_loss_pct_max, drawdown.daily_latched)


def _weekly(case: CheckContext) -> Check:
    drawdown = case.account.drawdown
    return _latch("weekly_loss_pct", drawdown.weekly_loss_pct, case.limits.weekly_loss_pct_max, drawdown.weekly_latched)


def _peak(case: CheckContext) -> Check:
    drawdown = case.account.drawdown
    return _latch("drawdown_pct", drawdown.drawdown_pct, case.limits.drawdown_pct_max, drawdown.peak_latched)


def _foreign(case: CheckContext) -> Check:
    holding = case.account.holding(case.book.instrument.venue, case.signal.coin)
    foreign_base = ZERO if holding is None else holding.unexplained_base
    return Check("foreign_base", float(foreign_base), 0.0, not foreign_base)


def _foreign_orders(case: CheckContext) -> Check:
    return _at_most("foreign_orders", case.foreign_orders, 0)


def _band(case: CheckContext) -> Check:
    """Against the index; where none is known, against the last trade."""
    view = case.view
    indexed = view.index_price == view.index_price
    reference = view.index_price if indexed else view.last_price
    away_pct = abs(case.signal.entry_price - reference) / reference * 100.0 if reference > 0 else math.nan
    return _at_most("from_index_pct" if indexed else "from_last_pct", away_pct, case.limits.price_band_pct)


def _stop_valid(case: CheckContext) -> Check:
    return _at_least("stop_pct", case.stop_pct, case.limits.stop_pct_min)


def _stop_near(case: CheckContext) -> Check:
    return _at_most("stop_pct", case.stop_pct, case.limits.stop_pct_max)


def _reward(case: CheckContext) -> Check:
    """After costs on both ways; a trade without a take is judged by its stop alone."""
    wish, take_price = case.wish, case.signal.take_price
    if wish is None or take_price is None:
        return Check("reward", None, case.limits.reward_min, passed=take_price is None)
    if not math.isfinite(take_price):
        return _at_least("reward", math.nan, case.limits.reward_min)
    instrument = case.book.instrument
    take = instrument.round_take(wish.side, take_price)
    cost_pct = exact(instrument.taker_fee_pct) + exact(case.limits.slippage_pct)
    gain = int(wish.side) * (take - wish.entry_price) - costs_base(wish.entry_price, take, cost_pct)
    loss = loss_base(instrument, wish.entry_price, wish.stop_price, case.limits)
    return _at_least("reward", float(gain / loss), case.limits.reward_min)


QUESTIONS: Final[tuple[tuple[Refusal, PreTradeCheck], ...]] = (
    (Refusal.HALTED, _halted),
    (Refusal.UNRECONCILED, _reconciled),
    (Refusal.BACKFILLING, _backfilling),
    (Refusal.STALE, _fresh),
    (Refusal.STALE, _venues_live),
    (Refusal.LAGGING, _lag),
    (Refusal.MAP_COLD, _warm_long),
    (Refusal.MAP_COLD, _warm_short),
    (Refusal.POSITION_OPEN, _flat),
    (Refusal.POSITION_OPEN, _positions),
    (Refusal.ENTRY_IN_FLIGHT, _in_flight),
    (Refusal.COOLDOWN, _cooldown),
    (Refusal.DAILY_LOSS, _daily),
    (Refusal.WEEKLY_LOSS, _weekly),
    (Refusal.DRAWDOWN, _peak),
    (Refusal.FOREIGN_POSITION, _foreign),
    (Refusal.FOREIGN_POSITION, _foreign_orders),
    (Refusal.PRICE_BAND, _band),
    (Refusal.STOP_INVALID, _stop_valid),
    (Refusal.STOP_TOO_FAR, _stop_near),
    (Refusal.REWARD_TOO_SMALL, _reward),
)


# --- parts --------------------------------------------------------------------------------------------------------


def _at_most(name: str, value: float, limit: float) -> Check:
    """NaN never passes."""
    return Check(name, value if value == value else None, limit, value <= limit)


def _at_least(name: str, value: float, limit: float) -> Check:
    return Check(name, value if value == value else None, limit, value >= limit)


def _latch(name: str, value_pct: float, limit_pct: float, latched: bool) -> Check:  # noqa: FBT001  the latch is the answer
    return Check(f"{name}_latched" if latched else name, value_pct, limit_pct, not latched)
