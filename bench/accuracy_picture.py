"""Pictures of the accuracy page as SVG: leads with their intervals, sizes expected and reported, age of a map."""

import math
from collections.abc import Sequence
from typing import Final

from paper.score.bootstrap import Estimate
from paper.score.result import Score
from paper.score.warmth import AgeClass

_WIDTH, _ROW, _LEFT, _TOP, _PANEL = 900, 22, 170, 40, 240
_COLOURS: Final = ("#1f77b4", "#d95f02", "#1b9e77", "#7b3fa0", "#b8860b", "#666666", "#c2185b", "#2b8cbe")
_GOOD, _BAD, _GREY = "#1a7f4b", "#b03a2e", "#888888"


def _svg(width: int, height: int, parts: Sequence[str], says: str) -> str:
    box = f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" role="img"'
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>', f"<title>{says}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>', *parts, "</svg>\n",
    ])  # fmt: skip


def leads(scores: dict[str, Score], rows: Sequence[tuple[str, tuple[str, ...]]]) -> str:
    """A row per market and a panel per measure, each on its own scale; `rows` name the measures of each market."""
    height = _TOP + _ROW * len(rows) + 30
    parts = [f'<text x="8" y="{_y(row) + 4}">{name}</text>' for row, (name, _) in enumerate(rows)]
    for number in range(3):
        found = [next(one for one in scores[name].leads if one.measure == of[number]).lead for name, of in rows]
        title = " / ".join(dict.fromkeys(of[number] for _, of in rows))
        parts += _panel(f"{title}: lead", found, _LEFT + number * _PANEL)
    parts.append(f'<text x="8" y="{height - 8}" fill="#666666">green: the whole 95 % interval lies above 0</text>')
    return _svg(_WIDTH, height, parts, "Lead over the best baseline with its interval, worst market first")


def _y(row: int) -> int:
    return _TOP + _ROW * row + _ROW // 2


def _panel(title: str, found: Sequence[Estimate], left: int) -> list[str]:
    known = [one for one in found if one.value == one.value]
    low, high = min([0.0, *(one.low for one in known)]), max([0.0, *(one.high for one in known)])
    width = _PANEL - 40

    def x(value: float) -> float:
        return round(left + (value - low) / max(high - low, 1e-9) * width, 1)

    bottom = _y(len(found) - 1) + _ROW // 2
    parts = [
        f'<text x="{left}" y="14" font-weight="bold">{title}</text>',
        f'<line x1="{x(0)}" x2="{x(0)}" y1="{_TOP - 8}" y2="{bottom}" stroke="{_GREY}"/>',
        f'<text x="{x(0)}" y="{_TOP - 11}" text-anchor="middle" fill="#666666">0</text>',
    ]
    parts += [
        f'<text x="{x(end)}" y="{_TOP - 11}" text-anchor="middle" fill="#666666">{end:.2f}</text>'
        for end in (low, high) if abs(x(end) - x(0)) > 24
    ]  # fmt: skip
    for row, one in enumerate(found):
        if one.value == one.value:
            colour = _GOOD if one.low > 0 else _BAD
            parts.append(
                f'<line x1="{x(one.low)}" x2="{x(one.high)}" y1="{_y(row)}" y2="{_y(row)}" stroke="{colour}" '
                f'stroke-width="2"/><circle cx="{x(one.value)}" cy="{_y(row)}" r="4" fill="{colour}"/>'
            )
    return parts


def reliability(scores: dict[str, Score], names: Sequence[str]) -> str:
    """Reported against expected USD per visited bin, tenths of the forecast, both axes in powers of ten."""
    pairs = [
        (one.expected_usd, one.realised_usd) for name in names for one in scores[name].reliability
        if one.expected_usd > 0 and one.realised_usd > 0
    ]  # fmt: skip
    if not pairs:
        return ""
    ends = [math.log10(value) for pair in pairs for value in pair]
    low, high = math.floor(min(ends)), math.ceil(max(ends))
    left, top, size = 70, 20, 400

    def at(usd: float) -> float:
        return (math.log10(usd) - low) / max(high - low, 1) * size

    middle = f'x="14" y="{top + size // 2}" text-anchor="middle" transform="rotate(-90 14 {top + size // 2})"'
    parts = [
        f'<line x1="{left}" y1="{top + size}" x2="{left + size}" y2="{top}" stroke="{_GREY}" stroke-dasharray="4 3"/>',
        f'<text x="{left + size // 2}" y="{top + size + 34}" text-anchor="middle">USD expected per visited bin</text>',
        f"<text {middle}>USD reported per visited bin</text>",
    ]
    for power in range(low, high + 1):
        here, grey = at(10.0**power), 'stroke="#e4e4e4"/>'
        word = _short(power)
        parts += [
            f'<line x1="{left + here:.1f}" x2="{left + here:.1f}" y1="{top}" y2="{top + size}" {grey}',
            f'<line x1="{left}" x2="{left + size}" y1="{top + size - here:.1f}" y2="{top + size - here:.1f}" {grey}',
            f'<text x="{left + here:.1f}" y="{top + size + 16}" text-anchor="middle" fill="#666666">{word}</text>',
            f'<text x="{left - 6}" y="{top + size - here + 4:.1f}" text-anchor="end" fill="#666666">{word}</text>',
        ]
    for number, name in enumerate(names):
        points = [
            (round(left + at(one.expected_usd), 1), round(top + size - at(one.realised_usd), 1))
            for one in scores[name].reliability if one.expected_usd > 0 and one.realised_usd > 0
        ]  # fmt: skip
        parts += _curve(points, _COLOURS[number % len(_COLOURS)], name, left + size + 20, top + 20 + 20 * number)
    return _svg(left + size + 200, top + size + 44, parts, "Expected and reported USD; on the dashed line they agree")


def _short(power: int) -> str:
    """A power of ten in three signs: 10, 1k, 100k, 1M."""
    if power < 0:
        return f"1e{power}"
    return f"{10 ** (power % 3)}{('', 'k', 'M', 'G', 'T')[min(power // 3, 4)]}"


def _curve(points: Sequence[tuple[float, float]], colour: str, name: str, x: int, y: int) -> list[str]:
    """A line with dots and its entry in the legend."""
    line = " ".join(f"{a},{b}" for a, b in points)
    return [
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>',
        *(f'<circle cx="{a}" cy="{b}" r="3" fill="{colour}"/>' for a, b in points),
        f'<line x1="{x}" x2="{x + 20}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="3"/>',
        f'<text x="{x + 26}" y="{y + 4}">{name}</text>',
    ]


def warmth(empty: Sequence[AgeClass], backfilled: Sequence[AgeClass]) -> str:
    """M1 against hours since an empty start, by class of age."""
    left, top, width, height = 60, 20, 520, 260
    ages = sorted({(one.from_h, one.to_h) for one in (*empty, *backfilled)})
    lines = {
        "begun empty": {one.from_h: one.cold_d2.value for one in empty},
        "with history": {one.from_h: one.cold_d2.value for one in backfilled},
        "ran all along": {one.from_h: one.warm_d2.value for one in empty},
    }
    known = [value for line in lines.values() for value in line.values() if value == value]
    if not known:
        return ""
    low, high = min(0.0, max(-1.0, min(known))), 1.0

    def y(value: float) -> float:
        return round(top + (high - max(value, low)) / (high - low) * height, 1)

    spots = {begin: round(left + (number + 0.5) * width / len(ages), 1) for number, (begin, _) in enumerate(ages)}
    parts = [
        f'<line x1="{left}" x2="{left + width}" y1="{y(0)}" y2="{y(0)}" stroke="{_GREY}"/>',
        *(f'<text x="{left - 6}" y="{y(one) + 4}" text-anchor="end" fill="#666666">{one:.1f}</text>'
          for one in (low, 0.0, 0.5, 1.0)),
        *(f'<text x="{spots[begin]}" y="{top + height + 18}" text-anchor="middle" fill="#666666">{begin}-{end}</text>'
          for begin, end in ages),
        f'<text x="{left + width // 2}" y="{top + height + 38}" text-anchor="middle">hours since the start</text>',
        f'<text x="{left}" y="14" font-weight="bold">M1</text>',
    ]  # fmt: skip
    for number, (name, line) in enumerate(lines.items()):
        points = [(spots[begin], y(value)) for begin, value in sorted(line.items()) if value == value]
        parts += _curve(points, _COLOURS[number], name, left + width + 20, top + 20 + 20 * number)
    return _svg(left + width + 160, top + height + 48, parts, "Touch skill by age of the map")
