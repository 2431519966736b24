"""Cascades of a simulated market as SVG: price, forced USD per minute and what feeds told of it, open interest."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

# Middle tones on no background: readable on white and on black.
_TEXT, _GRID, _LINE = "#7d8590", "#7d859055", "#4c8ed9"
_LONG, _SHORT = "#d1605e", "#2f9e83"
_WIDTH, _HEIGHT, _LEFT, _COLUMN, _PLOT = 1000, 610, 62, 500, 415
_PANELS = ((84, 150), (276, 170), (488, 70))
"""Top and height of each panel."""
_BAR = 0.84

Rows = Sequence[Sequence[float]]
Scale = Callable[[float], float]


class _Axis(NamedTuple):
    """A vertical scale, its ticks and their texts."""

    y: Scale
    ticks: list[tuple[float, str]]


def picture(cascades: Sequence[tuple[str, Rows]]) -> str:
    """Each a title and rows of one minute (`world_cascade.COLUMNS`), drawn side by side."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif"'
    parts = [f'{head} font-size="12" fill="{_TEXT}">']
    for number, (title, rows) in enumerate(cascades):
        parts += _column(title, rows, number * _COLUMN + _LEFT)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _column(title: str, rows: Rows, left: int) -> list[str]:
    price, oi = [row[0] for row in rows], [row[5] / 1000 for row in rows]
    prices = _axis(min(price), max(price), _PANELS[0], "{:,.0f}")
    forced = _axis(-max(row[2] for row in rows) / 1e6, max(row[1] for row in rows) / 1e6, _PANELS[1], "{:,.0f}")
    interest = _axis(min(oi), max(oi), _PANELS[2], "{:,.0f}")
    parts = [f'<text x="{left}" y="18" font-size="15" font-weight="bold">{title}</text>', *_legend(left)]
    said = ("price, USD", "forced closes, $ million per minute", "open interest of all venues, thousand coins")
    for axis, text, panel in zip((prices, forced, interest), said, _PANELS, strict=True):
        parts += _frame(axis, text, panel, left, len(rows))
    parts.append(_curve(price, prices, left))
    parts += _bars(rows, forced, left)
    parts.append(_curve(oi, interest, left))
    bottom = _PANELS[2][0] + _PANELS[2][1]
    parts.append(f'<text x="{left + _PLOT / 2}" y="{bottom + 36}" text-anchor="middle">minutes</text>')
    return parts


def _legend(left: int) -> list[str]:
    parts, x = [], left
    for colour, opacity, text, width in (
        (_LONG, 0.38, "longs forced", 104), (_LONG, 1.0, "told", 54), (_SHORT, 0.38, "shorts forced", 108),
        (_SHORT, 1.0, "told by the feeds", 120),
    ):  # fmt: skip
        parts.append(f'<rect x="{x}" y="33" width="12" height="12" fill="{colour}" fill-opacity="{opacity}"/>')
        parts.append(f'<text x="{x + 16}" y="43">{text}</text>')
        x += width
    return parts


def _axis(low: float, high: float, panel: tuple[int, int], form: str) -> _Axis:
    top, height = panel
    step = _round_step((high - low) / 5)
    low, high = low - 0.04 * (high - low), high + 0.04 * (high - low)

    def y(value: float) -> float:
        return round(top + (high - value) / (high - low) * height, 1)

    first = int(low // step) + 1
    ticks = [index * step for index in range(first, int(high // step) + 1)]
    # Below the line are shorts, not negative dollars.
    return _Axis(y, [(value, form.format(abs(value))) for value in ticks])


def _round_step(rough: float) -> float:
    power = 1.0
    while power > rough:
        power /= 10
    while power * 10 <= rough:
        power *= 10
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def _frame(axis: _Axis, said: str, panel: tuple[int, int], left: int, count: int) -> list[str]:
    top, height = panel
    parts = [f'<text x="{left}" y="{top - 8}">{said}</text>']
    for value, text in axis.ticks:
        y = axis.y(value)
        parts.append(f'<line x1="{left}" x2="{left + _PLOT}" y1="{y}" y2="{y}" stroke="{_GRID}"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{text}</text>')
    for minute in range(0, count, 20):
        x = _x(minute, left, count)
        parts.append(f'<line x1="{x}" x2="{x}" y1="{top}" y2="{top + height}" stroke="{_GRID}"/>')
        parts.append(f'<text x="{x}" y="{top + height + 16}" text-anchor="middle">{minute}</text>')
    return parts


def _x(minute: float, left: int, count: int) -> float:
    return round(left + minute / count * _PLOT, 1)


def _curve(values: Sequence[float], axis: _Axis, left: int) -> str:
    points = " ".join(f"{_x(minute, left, len(values))},{axis.y(value)}" for minute, value in enumerate(values))
    return f'<polyline points="{points}" fill="none" stroke="{_LINE}" stroke-width="1.8"/>'


def _bars(rows: Rows, axis: _Axis, left: int) -> list[str]:
    """Longs above the line, shorts below; what feeds told solid inside what happened."""
    zero, width = axis.y(0.0), round(_PLOT / len(rows) * _BAR, 2)
    parts = [f'<line x1="{left}" x2="{left + _PLOT}" y1="{zero}" y2="{zero}" stroke="{_TEXT}"/>']
    for minute, row in enumerate(rows):
        x = _x(minute, left, len(rows))
        for usd, colour, opacity, sign in (
            (row[1], _LONG, 0.38, 1), (row[2], _SHORT, 0.38, -1), (row[3], _LONG, 1.0, 1), (row[4], _SHORT, 1.0, -1),
        ):  # fmt: skip
            end = axis.y(sign * usd / 1e6)
            if abs(end - zero) >= 0.1:
                box = f'x="{x}" y="{min(end, zero)}" width="{width}" height="{round(abs(end - zero), 1)}"'
                parts.append(f'<rect {box} fill="{colour}" fill-opacity="{opacity}"/>')
    return parts
