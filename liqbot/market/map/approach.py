"""Where price came from before it reached a zone: the last turn that it has not taken half back since.

Distances are ratios, so that a fall and the rise that mirrors it (at p0 * p0 / price) have the same approach.
"""

import msgspec

from liqbot.instruments import Side
from liqbot.price_change import change_pct

ABSENT = float("nan")


class Approach(msgspec.Struct):
    """Of longs' liquidations downward, of shorts' upward. Mutable: followed from step to step."""

    side: Side
    began_ms: int = 0
    began_price: float = ABSENT
    reached_price: float = ABSENT
    """Farthest toward the liquidations since."""

    def take(self, time_ms: int, price: float, range_pct: float) -> None:
        """A turn back counts when it is more than half of the way and more than a usual hour's range, `range_pct` (NaN:
        not known, only a new beginning counts): what is smaller is noise of a slow approach."""
        down = self.side is Side.LONG
        way, back = self.began_price / self.reached_price, price / self.reached_price
        way, back = (way, back) if down else (1.0 / way, 1.0 / back)
        if not back < way or (back * back > way and change_pct(1.0, back) > range_pct):
            self.began_ms, self.began_price, self.reached_price = time_ms, price, price
        elif back < 1.0:
            self.reached_price = price
