"""What most of some prices agree on. Prices are compared as ratios, so that a half and a double are equally far."""

from collections.abc import Iterable


def within_ratio(price: float, other: float, factor: float) -> bool:
    """Whether two prices are at most `factor` (above 1) apart, as far up as down."""
    return price <= other * factor and other <= price * factor


def majority_price(prices: Iterable[float], factor: float) -> float | None:
    """The lower median, where more than half of the prices are within `factor` of it; None where no majority agrees."""
    ordered = sorted(prices)
    if not ordered:
        return None
    middle = ordered[(len(ordered) - 1) // 2]
    near = sum(within_ratio(price, middle, factor) for price in ordered)
    return middle if 2 * near > len(ordered) else None
