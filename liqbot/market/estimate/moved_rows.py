"""`MovedRows`: the rows that a step's bars and marks move, as `step_kernels.move` takes them."""

from collections.abc import Iterator

import numpy as np

from liqbot.market.estimate.kernels import Floats, Whole
from liqbot.market.estimate.price_grid import position_of
from liqbot.market.observed.prices import BarColumns, VenuePrice, swept_range

_COLUMNS = 9


class MovedRows:
    """Round by round, of each venue one bar at most; venues whose marks alone moved are in the first round."""

    def __init__(self) -> None:
        self._starts, self._rows = [0], list[int]()
        self._told: list[tuple[float, ...]] = []

    def add(self, row: int, price: VenuePrice, bars: BarColumns, bar: int, change_usd: float) -> None:
        """`bar` is one of the step's, -1 where marks alone moved; `change_usd` is what open interest changed by in
        it."""
        low_price, high_price = swept_range(price, bars, bar)
        bar_told: tuple[float, ...] = low_price, high_price, 0.0, 0.0, 0.0, 0.0
        if bar >= 0:
            bar_told = (
                bars.low[bar], bars.high[bar], bars.volume_usd[bar], bars.imbalance_usd[bar], change_usd,
                bars.span_ms[bar],
            )  # fmt: skip
        self._rows.append(row)
        self._told.append((low_price, high_price, price.mark_price, *bar_told))

    def end_round(self) -> None:
        """What is added from here on comes after it."""
        if len(self._rows) > self._starts[-1]:
            self._starts.append(len(self._rows))

    def touches(self) -> Iterator[tuple[int, float, float]]:
        """Row, and lowest and highest position of its mark."""
        for row, told in zip(self._rows, self._told, strict=True):
            yield row, position_of(told[0]), position_of(told[1])

    def first_round(self) -> list[int]:
        """Its rows, in the order of their venues: every row of the step is in it."""
        return self._rows[: self._starts[1]] if len(self._starts) > 1 else []

    def arrays(self) -> tuple[Whole, Whole, Floats]:
        """Where rounds start, rows, and columns as `step_kernels.LOW` and so on."""
        told = np.array(self._told, np.float64).reshape(len(self._told), _COLUMNS)
        return np.array(self._starts), np.array(self._rows, np.int64), np.ascontiguousarray(told.T)

    def require_on_grid(self) -> None:
        """ValueError for the price that is none of the grid's."""
        for told in self._told:
            for price in told[:5]:
                position_of(price)
