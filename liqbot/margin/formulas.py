"""Exact liquidation and bankruptcy prices, vectorised, for linear and inverse contracts with tiers.

Everything is solved in the contract's settlement currency. A linear position of q coins has value q x with x = price.
An inverse position of Q contracts of one USD has value Q x in coin with x = 1 / price, and is a position of the other
side in x. One solver therefore serves both:

    margin + s q (x - x0)  =  (r + f) q x - c - c' x        equity = maintenance, fee included

with s = +1 when a falling x hurts. The deduction is a constant c when the tiers follow the value q x, and c' x when
they follow the size q. Only + - * / and comparisons, so results are the same bytes on every platform.
"""

import math
from typing import Final, Literal

import msgspec
import numpy as np

from liqbot.instruments import Side
from liqbot.margin.tiers import BORDER_SLACK, Floats, LeverageTier, TierTable, tier_table

__all__ = [
    "Floats", "LeverageTier", "MarginRule", "TierTable", "bankruptcy_prices", "liquidation_prices", "positive_floats",
    "tier_table",
]

Basis = Literal["mark", "entry", "none"]


class MarginRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue compares a position's equity with.

    `mark`: maintenance on the value at the mark price, plus `fee_pct` of it where the venue reserves the closing fee.
    `entry`: maintenance fixed at the value at entry. `none`: no price of a single position triggers a forced close.
    """

    basis: Basis
    fee_pct: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.fee_pct < 10.0:
            raise ValueError(f"fee_pct: {self.fee_pct} must lie between 0 and 10")


NO_PRICE: Final = MarginRule(basis="none")


def liquidation_prices(
    rule: MarginRule, table: TierTable, *, inverse: bool, side: Side, entry_price: Floats, quantity_base: Floats,
    margin_usd: Floats,
) -> Floats:
    """Prices at which equity meets maintenance, the tier being the one at the notional *at that price*.

    Arrays broadcast. `quantity_base` of an inverse contract is its USD face divided by the entry price, `margin_usd`
    its coin margin valued at entry. Never liquidated: 0.0 for a long, inf for a short. NaN for a rule without a price.
    A margin that is too small at entry gives the price beyond it from which on the position would be safe.
    """
    if not entry_price.shape == quantity_base.shape == margin_usd.shape:
        entry_price, quantity_base, margin_usd = np.broadcast_arrays(entry_price, quantity_base, margin_usd)
    if rule.basis == "none":
        return np.full(entry_price.shape, np.nan)
    sign, start, size, margin = _settled(
        inverse=inverse, side=side, entry_price=entry_price, quantity_base=quantity_base, margin_usd=margin_usd
    )
    unit = table.coin_price_usd or 1.0
    caps, deductions = table.caps_usd[:-1] / unit, table.deductions_usd / unit
    # Tiers in USD follow the value of a linear position but the fixed size of an inverse one; tiers in coin reversed.
    follows_value = (table.coin_price_usd is not None) == inverse
    rates = table.rates + rule.fee_pct / 100.0
    at_start = np.asarray((caps * BORDER_SLACK).searchsorted(size * start if follows_value else size, side="left"))
    if rule.basis == "entry":
        deduction = deductions[at_start] * (1.0 if follows_value else start)
        found = start + sign * (rates[at_start] * size * start - deduction - margin) / size
    elif follows_value:
        found = _nearest_touch(sign, start, size, margin, rates, deductions, caps, at_start)
    else:
        slope = size * (sign - rates[at_start]) + deductions[at_start]
        found = (sign * size * start - margin) / slope
    return _as_price(found, inverse=inverse)


def bankruptcy_prices(
    *, inverse: bool, side: Side, entry_price: Floats, quantity_base: Floats, margin_usd: Floats
) -> Floats:
    """Prices at which equity is zero; arrays and units as in `liquidation_prices`."""
    sign, start, size, margin = _settled(
        inverse=inverse, side=side, entry_price=entry_price, quantity_base=quantity_base, margin_usd=margin_usd
    )
    return _as_price(start - sign * margin / size, inverse=inverse)


def _settled(
    *, inverse: bool, side: Side, entry_price: Floats, quantity_base: Floats, margin_usd: Floats
) -> tuple[float, Floats, Floats, Floats]:
    """(sign, x at entry, size, margin) in settlement currency."""
    if inverse:
        return -float(side), 1.0 / entry_price, quantity_base * entry_price, margin_usd / entry_price
    return float(side), entry_price, quantity_base, margin_usd


def _nearest_touch(
    sign: float, start: Floats, size: Floats, margin: Floats, rates: Floats, deductions: Floats, caps: Floats,
    at_start: np.ndarray[tuple[int, ...], np.dtype[np.intp]],
) -> Floats:
    """The x nearest to the entry at which equity meets maintenance: the way that hurts where the entry itself is safe,
    the other way where it is not (margin withdrawn, or lost by the rest of a cross account).

    Within a tier the equation is linear. Where a whole-position table jumps, the border itself can be the touch: that
    is why a tier's solution is clipped to the tier before the nearest one is chosen.
    """
    safe = margin + deductions[at_start] > rates[at_start] * size * start
    tier, at_start, size = np.arange(len(rates)), at_start[..., None], size[..., None]
    low = np.concatenate([[0.0], caps]) / size
    high = np.concatenate([caps, [np.inf]]) / size
    solved = (sign * size * start[..., None] - margin[..., None] - deductions) / (size * (sign - rates))
    falling, rising = np.minimum(solved, high), np.maximum(solved, low)
    below = np.where((falling >= low) & (tier <= at_start), falling, 0.0).max(axis=-1)
    above = np.where((rising <= high) & (tier >= at_start), rising, np.inf).min(axis=-1)
    touched: Floats = np.where(safe == (sign > 0), below, above)
    return touched


def _as_price(found: Floats, *, inverse: bool) -> Floats:
    touched: Floats = np.maximum(found, 0.0)
    if not inverse:
        return touched
    prices: Floats = np.divide(1.0, touched, out=np.full(touched.shape, np.inf), where=touched > 0.0)
    return prices


def positive_floats(name: str, values: Floats | float, *, zero: bool = False) -> Floats:
    """As an array of finite positive numbers (zero allowed on request), else a ValueError naming field and value."""
    array = np.asarray(values, dtype=np.float64)
    if isinstance(values, float) and 0.0 < values < math.inf:
        return array
    good = np.isfinite(array) & ((array >= 0.0) if zero else (array > 0.0))
    if not good.all():
        bad = array[~good].flat[0]
        raise ValueError(f"{name}: {bad} must be a finite number {'of at least' if zero else 'above'} 0")
    return array
