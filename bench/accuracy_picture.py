"""The leads of every market and tape as one picture: a dot per measure, its interval as a line, zero as the axis."""

from collections.abc import Sequence

from paper.score.bootstrap import Estimate
from paper.score.result import Score

_WIDTH, _ROW, _LEFT, _TOP, _PANEL = 900, 22, 130, 40, 250
_MEASURES = ("M1", "M2", "M3")


def picture(scores: dict[str, Score], names: Sequence[str]) -> str:
    """SVG, worst market first; three panels side by side, each on its own scale."""
    height = _TOP + _ROW * len(names) + 16
    box = f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        *(f'<text x="8" y="{_y(row) + 4}">{name}</text>' for row, name in enumerate(names)),
    ]
    for number, measure in enumerate(_MEASURES):
        leads = [next(one for one in scores[name].leads if one.measure == measure).lead for name in names]
        parts += _panel(f"{measure}: lead over the best baseline", leads, _LEFT + number * _PANEL)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _y(row: int) -> int:
    return _TOP + _ROW * row + _ROW // 2


def _panel(title: str, leads: Sequence[Estimate], left: int) -> list[str]:
    known = [one for one in leads if one.value == one.value]
    low, high = min([0.0, *(one.low for one in known)]), max([0.0, *(one.high for one in known)])
    width = _PANEL - 40

    def x(value: float) -> float:
        return round(left + (value - low) / max(high - low, 1e-9) * width, 1)

    bottom = _y(len(leads) - 1) + _ROW // 2
    parts = [
        f'<text x="{left}" y="16" font-weight="bold">{title}</text>',
        f'<line x1="{x(0)}" x2="{x(0)}" y1="{_TOP - 8}" y2="{bottom}" stroke="#888888"/>',
        f'<text x="{x(0)}" y="{_TOP - 12}" text-anchor="middle" fill="#666666">0</text>',
        f'<text x="{x(high)}" y="{_TOP - 12}" text-anchor="end" fill="#666666">{high:.2f}</text>',
    ]
    for row, one in enumerate(leads):
        if one.value == one.value:
            colour = "#1a7f4b" if one.low > 0 else "#b03a2e"
            parts.append(
                f'<line x1="{x(one.low)}" x2="{x(one.high)}" y1="{_y(row)}" y2="{_y(row)}" stroke="{colour}" '
                f'stroke-width="2"/><circle cx="{x(one.value)}" cy="{_y(row)}" r="4" fill="{colour}"/>'
            )
    return parts
