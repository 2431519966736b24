"""Rows for people: rich on a terminal, aligned text elsewhere, JSON on request."""

import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from liqbot.legible import spelled
from liqbot.review.ledger_reader import Row

_GAP: Final = 2
_CUT_MIN: Final = 24
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json_text(value, indent=2))


def json_text(value: Any, indent: int | None = None) -> str:
    """As every verb prints it with `--json`."""
    return json.dumps(value, indent=indent, default=_plain)


def _plain(value: object) -> object:
    return msgspec.structs.asdict(value) if isinstance(value, msgspec.Struct) else str(value)


class Column(NamedTuple):
    """One of a table for people. Where the screen is narrow it has the short head, the highest ranks go first (0 stays)
    and a `cut` column has what is left; elsewhere everything is printed under the full name."""

    name: str
    head: str = ""
    rank: int = 0
    cut: bool = False


IDS: Final = frozenset({"decision", "trade_id", "run_id", "map_id", "decision_id"})
"""Numbers that are names: without separators."""


def print_rows(rows: Sequence[Row], columns: Sequence[str | Column], *, empty: str) -> None:
    """The named columns of each row, a line each; `empty` says what it means that there are none."""
    if not rows:
        print(empty)
        return
    chosen = [Column(one) if isinstance(one, str) else one for one in columns]
    right = [all(isinstance(row[one.name], int | float | None) for row in rows) for one in chosen]
    width = screen_width()
    if width is None:
        texts = [[_cell(row, one) for one in chosen] for row in rows]
        print(as_text(texts, [one.name for one in chosen], right))
        return
    cells = [[_short(row, one) for one in chosen] for row in rows]
    kept, widths = _fitted(chosen, cells, width)
    heads = [chosen[n].head or chosen[n].name for n in kept]
    cut = [[_cut(row[n], at_most) for n, at_most in zip(kept, widths, strict=True)] for row in cells]
    to_right = [right[n] for n in kept]
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        _print_rich(cut, heads, to_right)
    else:
        print(as_text(cut, heads, to_right))
    left_out = len(chosen) - len(kept)
    if left_out:
        names = ", ".join(one.name for n, one in enumerate(chosen) if n not in kept)
        print(_cut(f"not shown for want of room: {names} (--json has all)", width))


def screen_width() -> int | None:
    """Columns of the terminal, or as $COLUMNS says; None where nobody said how wide: a file, a pipe."""
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdecimal():
        return None
    return shutil.get_terminal_size((80, 24)).columns


def screen_height() -> int | None:
    """Lines of the terminal, or as $LINES says; None where nothing scrolls away."""
    if not sys.stdout.isatty() and not os.environ.get("LINES", "").isdecimal():
        return None
    return shutil.get_terminal_size((80, 24)).lines


def _fitted(columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int) -> tuple[list[int], list[int]]:
    """Which columns fit, and how wide each may be."""
    needed = [
        max(len(one.head or one.name), *(len(row[n]) for row in cells)) for n, one in enumerate(columns)
    ]
    least = [min(needed[n], _CUT_MIN) if one.cut else needed[n] for n, one in enumerate(columns)]
    kept = list(range(len(columns)))
    while sum(least[n] for n in kept) + _GAP * (len(kept) - 1) > width:
        goes = max(kept, key=lambda n: (columns[n].rank, n))
        if columns[goes].rank == 0:
            break
        kept.remove(goes)
    room = width - sum(least[n] for n in kept) - _GAP * (len(kept) - 1)
    return kept, [
        min(needed[n], least[n] + max(room, 0)) if columns[n].cut else needed[n] for n in kept
    ]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def _cell(row: Row, column: Column) -> str:
    value = row[column.name]
    return str(value) if column.name in IDS and value is not None else text_of(value)


def _short(row: Row, column: Column) -> str:
    """A time without its year and seconds: what a trader looks for is the minute."""
    text = _cell(row, column)
    return f"{text[5:10]} {text[11:16]}" if _TIME.fullmatch(text) else text


def as_text(texts: Sequence[Sequence[str]], columns: Sequence[str], right: Sequence[bool]) -> str:
    """Columns two spaces apart, numbers to the right."""
    widths = [max(len(column), *(len(row[n]) for row in texts)) for n, column in enumerate(columns)]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(cells, widths, right, strict=True)
        ).rstrip()

    return "\n".join([line(columns), *map(line, texts)])


def text_of(value: object) -> str:
    """A cell: times to the second, numbers without false precision, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        text = spelled(str(value))
        return text[:19] if len(text) == 24 and text[10:11] == "T" and text.endswith("Z") else text
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.2f}"
    return f"{value:.4g}" if abs(value) < 1 else f"{value:.4f}".rstrip("0").rstrip(".")


def _print_rich(texts: Sequence[Sequence[str]], heads: Sequence[str], right: Sequence[bool]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, _GAP, 0, 0))
    for head, to_right in zip(heads, right, strict=True):
        table.add_column(head, justify="right" if to_right else "left", no_wrap=True, overflow="ellipsis")
    for row in texts:
        # Text, not str: a reason may contain what rich would take for markup.
        table.add_row(*map(Text, row))
    Console().print(table)
