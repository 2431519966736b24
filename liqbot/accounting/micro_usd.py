"""Money in whole micro-dollars: how amounts are rounded wherever they are counted or kept."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

INT64_MAX: Final = 2**63 - 1
MICRO: Final = Decimal("0.000001")


def to_micro(amount_usd: Decimal) -> Decimal:
    """Rounded to whole micro-dollars, half to even."""
    return amount_usd.quantize(MICRO, ROUND_HALF_EVEN)
