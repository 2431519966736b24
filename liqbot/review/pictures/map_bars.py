"""A stored map as text: bars of estimated liquidations around the mark, with the prices that mattered marked."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_ROWS: Final = 21
_WIDTH: Final = 36
_AROUND_PCT: Final = 4.0
_REACH_PCT: Final = 15.0


def map_bars(bins: Mapping[str, Sequence[float]], mark_price: float, marked: Mapping[str, float | None]) -> list[str]:
    """Highest price first. `marked` names prices (entry, stop, ...); the picture widens to hold those not too far."""
    near = [p for p in marked.values() if p is not None and abs(p / mark_price - 1) * 100 <= _REACH_PCT]
    reach_pct = max([_AROUND_PCT, *(abs(p / mark_price - 1) * 105 for p in near)])
    low, step = mark_price * (1 - reach_pct / 100), mark_price * reach_pct / 50 / _ROWS
    masses = [_mass(bins, low + n * step, low + (n + 1) * step) for n in range(_ROWS)]
    most = max((long_usd + short_usd for long_usd, short_usd in masses), default=0.0)
    lines = []
    for n in reversed(range(_ROWS)):
        bottom, top = low + n * step, low + (n + 1) * step
        long_usd, short_usd = masses[n]
        names = [name for name, price in {"mark": mark_price, **marked}.items() if price and bottom <= price < top]
        usd = long_usd + short_usd
        word = "shorts" if short_usd > long_usd else "longs" if usd else ""
        note = f"  <- {', '.join(names)}" if names else ""
        lines.append(
            f"{(bottom + top) / 2:>14,.2f} {_bar(usd, most)} {_short(usd):>8} {word:<6}{note}".rstrip()
        )
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


def _bar(usd: float, most: float) -> str:
    eighths = round(usd / most * _WIDTH * 8) if most > 0 else 0
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).strip().ljust(_WIDTH)


def _short(usd: float) -> str:
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if usd >= size:
            return f"${usd / size:.1f}{letter}"
    return f"${usd:.0f}"
