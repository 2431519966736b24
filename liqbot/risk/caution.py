"""Caution: open interest rises while funding is extreme. Many have just bet the same way, with leverage, and pay for
it: the fuel of the next cascade. Entries beside them are refused, all others are smaller."""

from liqbot.instruments import Side
from liqbot.market.view import MarketView
from liqbot.risk.limits import RiskLimits


def crowded_side(view: MarketView, limits: RiskLimits) -> Side | None:
    """The side that pays at an extreme of its history while open interest rises; None when there is no such side, or
    one of the figures is unknown (what must be known is asked elsewhere)."""
    if not view.oi_change_24h_pct >= limits.caution_oi_pct_min:
        return None
    if view.funding_percentile >= limits.caution_percentile_min and view.funding_8h_pct > 0:
        return Side.LONG
    if view.funding_percentile <= 100.0 - limits.caution_percentile_min and view.funding_8h_pct < 0:
        return Side.SHORT
    return None


def caution_text(view: MarketView, crowded: Side) -> str:
    """For people."""
    return (
        f"{crowded.word}s pay {abs(view.funding_8h_pct):.3g} % per 8 h (percentile {view.funding_percentile:.0f}), "
        f"open interest {view.oi_change_24h_pct:+.1f} % in 24 h"
    )
