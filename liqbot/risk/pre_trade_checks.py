"""The pre-trade checks of an entry, in their fixed order; its placement is judged after them."""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Final

import msgspec

from liqbot.accounting.positions import ZERO
from liqbot.market.mark_ratio import SAME_MARKET, MarkRatio
from liqbot.market.observed.agreement import Accord
from liqbot.market.view import MarketView
from liqbot.risk.account import Account
from liqbot.risk.blackouts import in_force
from liqbot.risk.caution import caution_text, crowded_side
from liqbot.risk.decision import Check, Refusal
from liqbot.risk.expected_costs import edge_needed_pct, funding_cost_pct
from liqbot.risk.limits import RiskLimits, unwatched_core
from liqbot.risk.placement import OrderProposal, TradingBook
from liqbot.risk.sizing import costs_base, exact, loss_base, risk_asked_usd
from liqbot.risk.thin_coins import THIN_LABEL, is_thin
from liqbot.risk.translation import VenueTarget
from liqbot.signals.verdict import Signal


class CheckContext(msgspec.Struct, frozen=True):
    """What is checked. `proposal` is None when the signal's prices are no prices at all."""

    signal: Signal
    view: MarketView
    account: Account
    book: TradingBook
    limits: RiskLimits
    entry_in_flight: bool
    proposal: OrderProposal | None
    entering: tuple[VenueTarget, ...] = ()
    """Entries under way on other instruments: not positions yet, but they may be."""
    foreign_orders: int = 0
    """Others' orders that rest on the instrument: they could fill against our position."""
    mark: MarkRatio = SAME_MARKET
    """How the market where orders rest compares with the map's."""
    opposing: tuple[str, ...] = ()
    """Other strategies that signal the other side at this tick."""
    held: tuple[VenueTarget, ...] = ()
    """The targets of open positions."""

    @property
    def correlated_risk_usd(self) -> Decimal:
        """At stake at the stops of entries on this side of other coins: under way, or filled within the hour."""
        since_ms = self.view.time_ms - self.limits.correlated_ms
        opened_ms = {(one.venue, one.coin): one.opened_ms for one in self.account.positions}
        fresh = [one for one in self.held if opened_ms.get((one.venue, one.coin), 0) > since_ms]
        alike = [
            one.risk_usd for one in (*self.entering, *fresh)
            if one.side is self.signal.side and one.coin != self.signal.coin
        ]
        return sum(alike, ZERO)

    @property
    def stop_pct(self) -> float:
        """Distance of the stop on its right side, in percent of the entry; negative on the wrong side."""
        proposal = self.proposal
        if proposal is None:
            return math.nan
        return float(
            int(proposal.side) * (proposal.entry_price - proposal.stop_price) / proposal.entry_price * 100
        )


PreTradeCheck = Callable[[CheckContext], Check | None]
"""None: there is nothing to ask of this entry."""


def _halted(context: CheckContext) -> Check:
    return Check("halted", context.account.halted or "no", "no", not context.account.halted)


def _reconciled(context: CheckContext) -> Check:
    holding = context.account.holding(context.book.instrument.venue, context.signal.coin)
    known = holding is not None and holding.reconciled
    return Check("reconciled", "yes" if known else "no", "yes", known)


def _backfilling(context: CheckContext) -> Check:
    return Check("backfilled", "yes" if context.view.backfilled else "no", "no", not context.view.backfilled)


def _fresh(context: CheckContext) -> Check:
    return _at_most("age_ms", context.view.age_ms, context.limits.age_ms_max)


def _venues_live(context: CheckContext) -> Check:
    return _at_least("live_venues", context.view.live_venues, context.limits.live_venues_min)


def _lag(context: CheckContext) -> Check:
    return _at_most("lag_ms", context.view.lag_ms, context.limits.lag_ms_max)


def mark_holds(mark: MarkRatio, limits: RiskLimits) -> bool:
    """Whether the ratio is known and young enough for stops to follow the map by it."""
    return _mark_age(mark, limits).passed


def _mark_age(mark: MarkRatio, limits: RiskLimits) -> Check:
    return _at_most("mark_age_ms", mark.age_ms if mark.known else math.nan, limits.mark_age_ms_max)


def mark_checks(mark: MarkRatio, limits: RiskLimits) -> tuple[tuple[Refusal, Check], ...]:
    """Whether a price of the map can be translated into one of the trading market that is worth an entry."""
    return (
        (Refusal.MARK_STALE, _mark_age(mark, limits)),
        (Refusal.MARK_DEVIATION, _at_most("mark_deviation_pct", mark.deviation_pct, limits.mark_deviation_pct_max)),
        (Refusal.MARK_MOVING, _at_most("mark_spread_pct", mark.spread_pct, limits.mark_spread_pct_max)),
    )


def entry_translates(target: VenueTarget, mark: MarkRatio, limits: RiskLimits) -> bool:
    """Whether an entry under way still stands where the map wants it, at a ratio that allows entries at all."""
    if not all(check.passed for _, check in mark_checks(mark, limits)):
        return False
    return abs(mark.ratio / float(target.mark_ratio) - 1.0) * 100.0 <= limits.mark_spread_pct_max


def _mark_check(number: int) -> PreTradeCheck:
    """Where both are one market there is nothing to compare."""
    return lambda context: None if context.mark == SAME_MARKET else mark_checks(context.mark, context.limits)[number][1]


def _contract(context: CheckContext) -> Check | None:
    trouble = context.view.contract_trouble
    return Check("contract", trouble, "as at the start", passed=False) if trouble else None


def _own_price(context: CheckContext) -> Check | None:
    accord = context.view.price_accord
    return Check("price_accord", accord, "", passed=False) if accord == Accord.QUARANTINED else None


def _undisputed(context: CheckContext) -> Check | None:
    accord = context.view.price_accord
    return Check("price_accord", accord, "", passed=False) if accord == Accord.DISPUTED else None


def _pegged(context: CheckContext) -> Check | None:
    """The limit is the market's, `market.quotes.hold_pct_max`."""
    quote, away_pct = context.view.depeg_quote, context.view.depeg_pct
    return Check(f"depeg_pct {quote}", away_pct, "market.quotes.hold_pct_max", passed=False) if quote else None


def _warm_long(context: CheckContext) -> Check:
    return _at_least("warmth_long_pct", context.view.warmth_long_pct, context.limits.warmth_pct_min)


def _warm_short(context: CheckContext) -> Check:
    return _at_least("warmth_short_pct", context.view.warmth_short_pct, context.limits.warmth_pct_min)


def _thin_coin(context: CheckContext) -> Check | None:
    """Never refused here, only shown with every decision: what may not be traded at all is refused at the start."""
    return Check("thin_coin", THIN_LABEL, "", passed=True) if is_thin(context.signal.coin) else None


def _core_venues(context: CheckContext) -> Check:
    missing = unwatched_core(context.limits, context.view.venues_live)
    return Check("core_venues_missing", ", ".join(missing) or "none", "none", not missing)


def _reliable(context: CheckContext) -> Check | None:
    """A map that has no score yet is judged by its warmth alone."""
    skill_share = context.view.map_skill_share
    if skill_share != skill_share:
        return None
    return _at_least("map_skill_share", skill_share, context.limits.map_skill_share_min)


def _blackout(context: CheckContext) -> Check | None:
    window = in_force(context.limits.blackouts, context.view.time_ms)
    return Check("blackout", window, "none", passed=False) if window else None


def _caution(context: CheckContext) -> Check | None:
    """Shown while it holds, also with the entries that it makes smaller."""
    crowded = crowded_side(context.view, context.limits)
    if crowded is None:
        return None
    return Check("caution", caution_text(context.view, crowded), "", crowded is not context.signal.side)


def _correlated(context: CheckContext) -> Check | None:
    taken_usd = context.correlated_risk_usd
    if not taken_usd:
        return None
    asked_usd = risk_asked_usd(context.account.sure_equity_usd, context.limits)
    return Check("correlated_risk_usd", float(taken_usd), float(asked_usd), taken_usd < asked_usd)


def _flat(context: CheckContext) -> Check:
    position = context.account.position(context.book.instrument.venue, context.signal.coin)
    return Check("open_base", 0.0 if position is None else float(position.quantity_base), 0.0, position is None)


def _positions(context: CheckContext) -> Check:
    others = len(context.account.positions) + len(context.entering)
    return _at_most("other_positions", others, context.limits.positions_max - 1)


def _in_flight(context: CheckContext) -> Check:
    return Check("entry_in_flight", "yes" if context.entry_in_flight else "no", "no", not context.entry_in_flight)


def _unopposed(context: CheckContext) -> Check:
    return Check("opposing_signals", ", ".join(context.opposing) or "none", "none", not context.opposing)


def _cooldown(context: CheckContext) -> Check:
    signal, venue = context.signal, context.book.instrument.venue
    until_ms = context.account.cooldown_until_ms(venue, signal.coin, signal.strategy, signal.cooldown_ms)
    left_ms = max(0, until_ms - context.view.time_ms)
    return _at_most("cooldown_left_ms", left_ms, 0)


def _daily(context: CheckContext) -> Check:
    drawdown = context.account.drawdown
    return _latch("daily_loss_pct", drawdown.daily_loss_pct, context.limits.daily_loss_pct_max, drawdown.daily_latched)


def _weekly(context: CheckContext) -> Check:
    drawdown = context.account.drawdown
    limit_pct = context.limits.weekly_loss_pct_max
    return _latch("weekly_loss_pct", drawdown.weekly_loss_pct, limit_pct, drawdown.weekly_latched)


def _peak(context: CheckContext) -> Check:
    drawdown = context.account.drawdown
    return _latch("drawdown_pct", drawdown.drawdown_pct, context.limits.drawdown_pct_max, drawdown.peak_latched)


def _foreign(context: CheckContext) -> Check:
    holding = context.account.holding(context.book.instrument.venue, context.signal.coin)
    foreign_base = ZERO if holding is None else holding.unexplained_base
    return Check("foreign_base", float(foreign_base), 0.0, not foreign_base)


def _foreign_orders(context: CheckContext) -> Check:
    return _at_most("foreign_orders", context.foreign_orders, 0)


def _band(context: CheckContext) -> Check:
    """Against the index; where none is known, against the last trade."""
    view = context.view
    indexed = view.index_price == view.index_price
    reference = view.index_price if indexed else view.last_price
    away_pct = abs(context.signal.entry_price - reference) / reference * 100.0 if reference > 0 else math.nan
    return _at_most("from_index_pct" if indexed else "from_last_pct", away_pct, context.limits.price_band_pct)


def _stop_valid(context: CheckContext) -> Check:
    return _at_least("stop_pct", context.stop_pct, context.limits.stop_pct_min)


def _stop_near(context: CheckContext) -> Check:
    return _at_most("stop_pct", context.stop_pct, context.limits.stop_pct_max)


def _reward(context: CheckContext) -> Check:
    """After costs on both ways; a trade without a take is judged by its stop alone."""
    proposal, take_price = context.proposal, context.signal.take_price
    if proposal is None or take_price is None:
        return Check("reward", None, context.limits.reward_min, passed=take_price is None)
    if not math.isfinite(take_price):
        return _at_least("reward", math.nan, context.limits.reward_min)
    instrument = context.book.instrument
    take = instrument.round_take(proposal.side, take_price)
    costs = costs_base(proposal.entry_price, take, _fill_cost_pct(context))
    gain = int(proposal.side) * (take - proposal.entry_price) - costs
    loss = loss_base(instrument, proposal.entry_price, proposal.stop_price, context.limits)
    return _at_least("reward", float(gain / loss), context.limits.reward_min)


def _pays_its_costs(context: CheckContext) -> Check:
    signal, proposal, limit_pct = context.signal, context.proposal, context.limits.edge_needed_pct_max
    if proposal is None or not context.stop_pct > 0 or not math.isfinite(signal.take_price or 0.0):
        return _at_most("edge_needed_pct", math.nan, limit_pct)
    take = None if signal.take_price is None else exact(signal.take_price)
    funding_pct = funding_cost_pct(signal.side, context.view.funding_8h_pct, signal.max_hold_ms)
    needed_pct = edge_needed_pct(proposal.entry_price, proposal.stop_price, take, _fill_cost_pct(context), funding_pct)
    return _at_most("edge_needed_pct", needed_pct, limit_pct)


def _fill_cost_pct(context: CheckContext) -> Decimal:
    """Taker fee and slippage of one fill."""
    return exact(context.book.instrument.taker_fee_pct) + exact(context.limits.slippage_pct)


PRE_TRADE_CHECKS: Final[tuple[tuple[Refusal, PreTradeCheck], ...]] = (
    (Refusal.HALTED, _thin_coin),
    (Refusal.HALTED, _halted),
    (Refusal.UNRECONCILED, _reconciled),
    (Refusal.BACKFILLING, _backfilling),
    (Refusal.STALE, _fresh),
    (Refusal.STALE, _venues_live),
    (Refusal.LAGGING, _lag),
    (Refusal.MARK_STALE, _mark_check(0)),
    (Refusal.MARK_DEVIATION, _mark_check(1)),
    (Refusal.MARK_MOVING, _mark_check(2)),
    (Refusal.CONTRACT_CHANGED, _contract),
    (Refusal.PRICE_QUARANTINED, _own_price),
    (Refusal.PRICE_DISPUTED, _undisputed),
    (Refusal.DEPEG, _pegged),
    (Refusal.CORE_VENUE_MISSING, _core_venues),
    (Refusal.MAP_COLD, _warm_long),
    (Refusal.MAP_COLD, _warm_short),
    (Refusal.MAP_UNRELIABLE, _reliable),
    (Refusal.BLACKOUT, _blackout),
    (Refusal.POSITION_OPEN, _flat),
    (Refusal.POSITION_OPEN, _positions),
    (Refusal.ENTRY_IN_FLIGHT, _in_flight),
    (Refusal.OPPOSING_SIGNAL, _unopposed),
    (Refusal.COOLDOWN, _cooldown),
    (Refusal.DAILY_LOSS, _daily),
    (Refusal.WEEKLY_LOSS, _weekly),
    (Refusal.DRAWDOWN, _peak),
    (Refusal.FOREIGN_POSITION, _foreign),
    (Refusal.FOREIGN_POSITION, _foreign_orders),
    (Refusal.CAUTION, _caution),
    (Refusal.CORRELATED, _correlated),
    (Refusal.PRICE_BAND, _band),
    (Refusal.STOP_INVALID, _stop_valid),
    (Refusal.STOP_TOO_FAR, _stop_near),
    (Refusal.REWARD_TOO_SMALL, _reward),
    (Refusal.COSTS_UNPAID, _pays_its_costs),
)


# --- parts --------------------------------------------------------------------------------------------------------


def _at_most(name: str, value: float, limit: float) -> Check:
    """NaN never passes."""
    return Check(name, value if value == value else None, limit, value <= limit)


def _at_least(name: str, value: float, limit: float) -> Check:
    return Check(name, value if value == value else None, limit, value >= limit)


def _latch(name: str, value_pct: float, limit_pct: float, latched: bool) -> Check:  # noqa: FBT001  the latch is the answer
    return Check(f"{name}_latched" if latched else name, value_pct, limit_pct, not latched)
