"""What a round trip is expected to cost, and how much better than chance a trade must be to pay for it."""

from decimal import Decimal
from typing import Final

from liqbot.instruments import Side
from liqbot.risk.sizing import costs_base

_HUNDRED: Final = Decimal(100)
_EIGHT_HOURS_MS: Final = 28_800_000
_USUAL_FUNDING_8H_PCT: Final = 0.01
"""The interest that venues build into a rate: what longs pay where nothing else is known."""


def funding_cost_pct(side: Side, rate_8h_pct: float, hold_ms: int) -> float:
    """What is paid for holding so long at this rate (positive: longs pay), in percent of the notional. Funding that
    would be received is not counted on: 0. A rate that is not known (NaN) costs either side the usual interest."""
    known = rate_8h_pct == rate_8h_pct
    paid_pct = float(side) * rate_8h_pct if known else _USUAL_FUNDING_8H_PCT
    return max(0.0, paid_pct) * hold_ms / _EIGHT_HOURS_MS


def edge_needed_pct(
    entry_price: Decimal, stop_price: Decimal, take_price: Decimal | None, cost_pct: Decimal, funding_pct: float
) -> float:
    """By how many percentage points a trade must reach its take before its stop more often than a walk without drift,
    for its expected value to be zero after `cost_pct` (fee and slippage of one fill) both ways and `funding_pct`.

    Between a stop s and a take t away such a walk reaches the take first in s / (s + t) of all cases (the gambler's
    ruin), and a trade that costs c breaks even at (s + c) / (s + t): what is missing is c / (s + t). Without a take one
    risk stands for it, where the stop goes to break-even.
    """
    stop_base = abs(entry_price - stop_price)
    take_base = stop_base if take_price is None else abs(take_price - entry_price)
    cost_base = costs_base(entry_price, take_price or entry_price, cost_pct)
    cost_base += entry_price * Decimal(str(funding_pct)) / _HUNDRED
    return float(cost_base / (stop_base + take_base) * _HUNDRED)
