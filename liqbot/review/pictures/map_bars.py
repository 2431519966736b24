"""A stored map as text: bars of estimated liquidations around the mark, with the prices that mattered marked."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from liqbot.legible import short_usd

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
ROWS: Final = 21
BAR_WIDTH: Final = 36
_AROUND_PCT: Final = 4.0
_REACH_PCT: Final = 15.0


def map_bars(
    bins: Mapping[str, Sequence[float]], mark_price: float, marked: Mapping[str, float | None], rows: int = ROWS,
    bar_width: int = BAR_WIDTH,
) -> list[str]:
    """Highest price first. `marked` names prices (entry, stop, ...); the picture widens to hold those not too far."""
    near = [p for p in marked.values() if p is not None and abs(p / mark_price - 1) * 100 <= _REACH_PCT]
    reach_pct = max([_AROUND_PCT, *(abs(p / mark_price - 1) * 105 for p in near)])
    low, step = mark_price * (1 - reach_pct / 100), mark_price * reach_pct / 50 / rows
    masses = [_mass(bins, low + n * step, low + (n + 1) * step) for n in range(rows)]
    most = max(map(sum, masses), default=0.0)
    lines = []
    for n in reversed(range(rows)):
        bottom, top = low + n * step, low + (n + 1) * step
        of_longs_usd, of_shorts_usd = masses[n]
        names = [name for name, price in {"mark": mark_price, **marked}.items() if price and bottom <= price < top]
        usd = of_longs_usd + of_shorts_usd
        word = "shorts" if of_shorts_usd > of_longs_usd else "longs" if usd else ""
        note = f"  <- {', '.join(names)}" if names else ""
        bar = _bar(usd, most, min(bar_width, BAR_WIDTH))
        lines.append(f"{(bottom + top) / 2:>14,.2f} {bar} {short_usd(usd):>8} {word:<6}{note}".rstrip())
    return lines


def _mass(bins: Mapping[str, Any], bottom: float, top: float) -> tuple[float, float]:
    """USD of longs and shorts in a stretch; a bin that reaches over its end counts by its part inside."""
    edges, sums = bins["edges"], [0.0, 0.0]
    for n in range(len(edges) - 1):
        inside = min(edges[n + 1], top) - max(edges[n], bottom)
        if inside > 0:
            part = inside / (edges[n + 1] - edges[n])
            sums[0] += bins["long_usd"][n] * part
            sums[1] += bins["short_usd"][n] * part
    return sums[0], sums[1]


def _bar(usd: float, most: float, width: int) -> str:
    eighths = round(usd / most * width * 8) if most > 0 else 0
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).strip().ljust(width)
