"""Ways in which what the house is told of the market differs from the truth."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.blocks import KINDS, EventBlock
from paper.simulate.scenario import Distort

_PRICES: Final = ("open", "high", "low", "close", "mark_price", "index_price", "price")


def _broken(change: Callable[[float], float]) -> Callable[[int], Distort]:
    def for_venue(code: int) -> Distort:
        def distort(block: EventBlock, skew_ms: int) -> EventBlock:
            del skew_ms
            columns: dict[str, Any] = {}
            for kind in ("bars", "marks", "liquidations"):
                rows = block.rows(kind).copy()
                ours = rows["venue"] == code
                for name in _PRICES:
                    if name in (rows.dtype.names or ()):
                        rows[name][ours] = change(1.0) * rows[name][ours]
                columns[kind] = rows
            return msgspec.structs.replace(block, **columns)

        return distort

    return for_venue


BROKEN_PRICES: Final[dict[str, Callable[[int], Distort]]] = {
    "nan": _broken(lambda _: float("nan")),
    "negative": _broken(lambda _: -1.0),
    "times_10": _broken(lambda _: 10.0),
}


def silent(codes: tuple[int, ...]) -> Distort:
    """Nothing comes from these venues, on a socket that stays open."""

    def distort(block: EventBlock, skew_ms: int) -> EventBlock:
        del skew_ms
        columns: dict[str, Any] = {}
        for kind in KINDS:
            rows = block.rows(kind)
            columns[kind] = rows[~np.isin(rows["venue"], codes)]
        return msgspec.structs.replace(block, **columns)

    return distort


def told_as_it_is(block: EventBlock, skew_ms: int) -> EventBlock:
    """Nothing differs; it lasts as long as something else does."""
    del skew_ms
    return block


def clock_ahead(block: EventBlock, skew_ms: int) -> EventBlock:
    """Rows carry the venue's time; ticks carry ours."""
    columns: dict[str, Any] = {}
    for kind in KINDS:
        rows = block.rows(kind).copy()
        rows["time_ms"] += skew_ms
        columns[kind] = rows
    return msgspec.structs.replace(block, **columns)
