"""Changes of price in per cent of the middle of both prices: a rise and the fall that takes it back are one number.

That is the change of the logarithm to within a twelfth of its cube (5 % is 5.001), without a logarithm, which differs
from machine to machine. A market and its mirror image, p0 * p0 / p, have the same changes, turned round.
"""

from typing import Final

_MOST_PCT: Final = 200.0
"""From nothing to any price, and from any price to infinity."""


def change_pct(before: float, after: float) -> float:
    """From one price to another; NaN when either is."""
    return (after - before) / (after + before) * _MOST_PCT


def changed(price: float, pct: float) -> float:
    """`price` after a change; NaN when either is. ValueError for a change that leads to no price."""
    if not -_MOST_PCT < pct < _MOST_PCT and pct == pct:
        raise ValueError(f"pct: {pct:g} must lie between -200 and 200, in per cent of the middle of both prices")
    return price * ((_MOST_PCT + pct) / (_MOST_PCT - pct))
