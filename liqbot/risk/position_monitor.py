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
from liqbot.risk.decision import Adjustment, Reduction, Target
from liqbot.risk.limits import LEVERAGE_CEILING, RiskLimits
from liqbot.risk.sizing import exact
from liqbot.risk.translation import MarkTranslation, VenueTarget
from liqbot.signals.strategies import avoid_liquidity
from liqbot.signals.strategies.avoid_liquidity import AvoidLiquidityParams
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
    avoid: AvoidLiquidityParams,
    *,
    follows: bool = True,
) -> Adjustment | None:
    """What should change about an open position, None for nothing. Without a fresh view the stop simply stays where it
    is, and so it does where the map's prices are not known in the trading market's now (not `follows`). Time, leverage,
    liquidation and orders to flatten still count, and reasons that are gone: the strategy's own, and that the map was
    thin where we would be liquidated."""
    if target is not None and target.quantity_base == 0:
        return None  # It is leaving already.
    reason = _must_end(position, target, account, limits, time_ms)
    if reason is None and target is not None and view is not None and view.age_ms <= limits.age_ms_max:
        mapped = translation.position_in_map(position)
        reason = invalidated(view, mapped, target.strategy) or _likely(view, position, target, translation, avoid)
        if reason is None:
            smaller = _smaller(view, position, target, account, limits, translation, avoid)
            if smaller is not None or not follows:
                return smaller
            in_map = translation.target_in_map(target)
            return _partial_take(view, mapped, in_map) or _tighter(view, mapped, in_map, limits)
    if reason is None:
        return None
    code, why = reason
    return Adjustment(
        position.venue, position.coin, code, why, exit_base=position.quantity_base, mark_ratio=translation.ratio
    )


_LEFT_ALONE: Final = Decimal("1.1")
_FINE_BASE: Final = Decimal("1e-9")
_MARGIN_SHARE_MAX: Final = 0.8
"""Of the margin; with what maintenance wants to keep, a stop beyond this is none."""


def _must_end(
    position: Position, target: VenueTarget | None, account: Account, limits: RiskLimits, time_ms: int
) -> Reason | None:
    """What needs no market: orders to flatten, what the venue says about leverage and liquidation, and time."""
    if account.flattening:
        return Reason(Reduction.FLATTEN, account.halted)
    if target is None:
        return Reason(Reduction.NO_TARGET, "no decision describes this position of ours")
    if target.side is not position.side:
        return Reason(Reduction.WRONG_SIDE, f"{position.side.word} is held, {target.side.word} was decided")
    drift = _drift(position, target, limits)
    if drift is None and time_ms >= target.exit_by_ms:
        return Reason(Reduction.TIME, f"held for {(time_ms - position.opened_ms) // 60_000} min")
    return drift


def _drift(position: Position, target: VenueTarget, limits: RiskLimits) -> Reason | None:
    """What became of it against what was decided: our own entry, then the venue's words."""
    if position.leverage is not None and position.leverage > min(limits.leverage_max, LEVERAGE_CEILING):
        why = f"the venue says {position.leverage:g}x, the limit is {limits.leverage_max}x"
        return Reason(Reduction.LEVERAGE_DRIFT, why)
    if position.isolated is False:
        return Reason(Reduction.MARGIN_DRIFT, "the venue says cross margin")
    if _liquidation_nearer_pct(position, target) > limits.liquidation_divergence_pct:
        why = f"the venue would liquidate at {position.liquidation_price}, we reckoned with {target.liquidation_price}"
        return Reason(Reduction.LIQUIDATION_DIVERGED, why)
    margin_share = _margin_share(position, target)
    if margin_share > _MARGIN_SHARE_MAX:
        why = f"entered at {position.entry_price}, so the stop costs {margin_share:.0%} of the margin"
        return Reason(Reduction.STOP_BEYOND_LIQUIDATION, why)
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


# --- where it would be liquidated -------------------------------------------------------------------------------------


def _likely(
    view: MarketView, position: Position, target: VenueTarget, translation: MarkTranslation,
    avoid: AvoidLiquidityParams,
) -> Reason | None:
    """The chance that price comes to our own liquidation price in the time that is left has become too large."""
    price = float(translation.in_map(_own_liquidation(position, target)))
    chance_pct = avoid_liquidity.sweep_chance_pct(view, price, target.exit_by_ms - view.time_ms)
    if not chance_pct > avoid.sweep_chance_pct_max:
        return None
    why = f"price comes to our own liquidation price {price:.8g} with a chance of {chance_pct:.2g} %"
    return Reason(Reduction.LIQUIDATION_LIKELY, f"{why}, limit {avoid.sweep_chance_pct_max:g} %")


def _smaller(
    view: MarketView, position: Position, target: VenueTarget, account: Account, limits: RiskLimits,
    translation: MarkTranslation, avoid: AvoidLiquidityParams,
) -> Adjustment | None:
    """Where the map has come to be dense, what a liquidation would cost is brought down to its limit there. A tenth
    more than that is left alone, so that a moving equity costs no trades."""
    own = _own_liquidation(position, target)
    why = avoid_liquidity.crowded(position.side, float(translation.in_map(own)), view, avoid)
    if not why or own == position.entry_price:
        return None
    loss_usd = max(Decimal(0), account.sure_equity_usd * exact(limits.crowded_loss_pct_max) / 100)
    allowed_base = (loss_usd / abs(position.entry_price - own)).quantize(_FINE_BASE, ROUND_FLOOR)
    if min(position.quantity_base, target.quantity_base) <= allowed_base * _LEFT_ALONE:
        return None
    return Adjustment(
        position.venue, position.coin, Reduction.MAP_DRIFTED,
        f"{why}: at most {limits.crowded_loss_pct_max:g} % of equity may be lost there",
        exit_base=position.quantity_base - allowed_base, mark_ratio=translation.ratio,
    )


def _own_liquidation(position: Position, target: VenueTarget) -> Decimal:
    """In prices of the trading market: the venue's word, else our own."""
    return position.liquidation_price or target.liquidation_price


def _partial_take(view: MarketView, position: Position, target: Target) -> Adjustment | None:
    """The part that is to go once price is far enough our way."""
    price = target.partial_take_price
    if price is None or int(position.side) * (exact(view.mark_price) - price) < 0:
        return None
    share = target.partial_take_share
    return Adjustment(
        position.venue, position.coin, Reduction.PARTIAL_TAKE, f"{share:.0%} at {price:.8g} or better",
        exit_base=position.quantity_base * share, mark_ratio=target.mark_ratio,
    )


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
    first = risk > 0
    code, why = (Reduction.BREAK_EVEN, "moved one risk our way") if first else (Reduction.TRAIL, "price went on")
    return Adjustment(
        position.venue, position.coin, code, why, stop_price=stop_price, mark_ratio=target.mark_ratio
    )


def _nearer_tick(side: Side, price: Decimal, tick: Decimal) -> Decimal:
    return (price / tick).to_integral_value(ROUND_CEILING if side is Side.LONG else ROUND_FLOOR) * tick
