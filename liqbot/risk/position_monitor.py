"""Watching an open position: when it must end, and when its stop may come nearer. Answers only with less risk.

Position and target come in prices of the trading market, where what the venue says of them is compared. What the map
says of them is asked in its own prices, and so is the answer given.
"""

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from liqbot.accounting.positions import Position
from liqbot.instruments import Side
from liqbot.market.view import MarketView
from liqbot.risk.account import Account
from liqbot.risk.decision import Adjustment, Target
from liqbot.risk.limits import LEVERAGE_CEILING, RiskLimits
from liqbot.risk.sizing import exact
from liqbot.risk.translation import MarkTranslation, VenueTarget
from liqbot.signals.strategy import Reason

Invalidated = Callable[[MarketView, Position, str], Reason | None]
"""Whether the strategy of this name would end the position now, and why."""


def adjustment_for(
    view: MarketView | None,
    position: Position,
    target: VenueTarget | None,
    account: Account,
    limits: RiskLimits,
    time_ms: int,
    invalidated: Invalidated,
    translation: MarkTranslation,
    *,
    follows: bool = True,
) -> Adjustment | None:
    """What should change about an open position, None for nothing. Without a fresh view the stop simply stays where it
    is, and so it does where the map's prices are not known in the trading market's now (not `follows`). Time, leverage,
    liquidation and orders to flatten still count, and reasons that are gone."""
    if target is not None and target.quantity_base == 0:
        return None  # It is leaving already.
    reason = _must_end(position, target, account, limits, time_ms)
    if reason is None and target is not None and view is not None and view.age_ms <= limits.age_ms_max:
        mapped = translation.position_in_map(position)
        reason = invalidated(view, mapped, target.strategy)
        if reason is None:
            return _tighter(view, mapped, translation.target_in_map(target), limits) if follows else None
    if reason is None:
        return None
    code, why = reason
    return Adjustment(
        position.venue, position.coin, code, why, exit_base=position.quantity_base, mark_ratio=translation.ratio
    )


_MARGIN_SHARE_MAX: Final = 0.8
"""Of the margin; with what maintenance wants to keep, a stop beyond this is none."""


def _must_end(
    position: Position, target: VenueTarget | None, account: Account, limits: RiskLimits, time_ms: int
) -> Reason | None:
    """What needs no market: orders to flatten, what the venue says about leverage and liquidation, and time."""
    if account.flattening:
        return Reason("FLATTEN", account.halted)
    if target is None:
        return Reason("NO_TARGET", "no decision describes this position of ours")
    if target.side is not position.side:
        return Reason("WRONG_SIDE", f"{position.side.word} is held, {target.side.word} was decided")
    drift = _drift(position, target, limits)
    if drift is None and time_ms >= target.exit_by_ms:
        return Reason("TIME", f"held for {(time_ms - position.opened_ms) // 60_000} min")
    return drift


def _drift(position: Position, target: VenueTarget, limits: RiskLimits) -> Reason | None:
    """What became of it against what was decided: our own entry, then the venue's words."""
    if position.leverage is not None and position.leverage > min(limits.leverage_max, LEVERAGE_CEILING):
        return Reason("LEVERAGE_DRIFT", f"the venue says {position.leverage:g}x, the limit is {limits.leverage_max}x")
    if position.isolated is False:
        return Reason("MARGIN_DRIFT", "the venue says cross margin")
    if _liquidation_nearer_pct(position, target) > limits.liquidation_divergence_pct:
        why = f"the venue would liquidate at {position.liquidation_price}, we reckoned with {target.liquidation_price}"
        return Reason("LIQUIDATION_DIVERGED", why)
    margin_share = _margin_share(position, target)
    if margin_share > _MARGIN_SHARE_MAX:
        why = f"entered at {position.entry_price}, so the stop costs {margin_share:.0%} of the margin"
        return Reason("STOP_BEYOND_LIQUIDATION", why)
    return None


def _margin_share(position: Position, target: VenueTarget) -> float:
    """What the stop would cost, in margins: an entry far from where it was wanted puts its stop out of reach."""
    leverage = max(Decimal(target.leverage), Decimal(str(position.leverage or 0)))
    return float(int(position.side) * (position.entry_price - target.stop_price) * leverage / position.entry_price)


def _liquidation_nearer_pct(position: Position, target: VenueTarget) -> float:
    """How much nearer the venue's liquidation price is than ours, in percent of the entry; 0 when it states none."""
    if not position.liquidation_price:
        return 0.0
    nearer = int(position.side) * (position.liquidation_price - target.liquidation_price)
    return float(nearer / position.entry_price * 100)


# --- the stop -----------------------------------------------------------------------------------------------------


def _tighter(view: MarketView, position: Position, target: Target, limits: RiskLimits) -> Adjustment | None:
    """After one R to break-even with costs, then trailing. Never looser, never through the mark, no tiny steps."""
    if not target.price_tick or not view.range_pct > 0:
        return None
    sign, mark_price = int(position.side), exact(view.mark_price)
    risk = sign * (position.entry_price - target.stop_price)
    gain = sign * (mark_price - position.entry_price)
    if risk > 0 and gain < exact(limits.break_even_r) * risk:
        return None
    trail = mark_price * exact(limits.trail_range) * exact(view.range_pct) / 100
    costs = 2 * max(Decimal(0), position.fees_usd) / position.quantity_base
    wish = sign * max(sign * (position.entry_price + sign * costs), sign * (mark_price - sign * trail))
    stop_price = _nearer_tick(position.side, wish, target.price_tick)
    step = mark_price * exact(limits.stop_step_pct) / 100
    if sign * (stop_price - target.stop_price) < step or sign * (mark_price - stop_price) < step:
        return None
    code, why = ("BREAK_EVEN", "moved one risk our way") if risk > 0 else ("TRAIL", "price went on")
    return Adjustment(
        position.venue, position.coin, code, why, stop_price=stop_price, mark_ratio=target.mark_ratio
    )


def _nearer_tick(side: Side, price: Decimal, tick: Decimal) -> Decimal:
    return (price / tick).to_integral_value(ROUND_CEILING if side is Side.LONG else ROUND_FLOOR) * tick
