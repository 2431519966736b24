"""Rows for people: rich on a terminal, aligned text elsewhere, JSON on request."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from liqbot.legible import spelled
from liqbot.review.ledger_reader import Row


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=2, default=str))


def print_rows(rows: Sequence[Row], columns: Sequence[str], *, empty: str) -> None:
    """The named columns of each row; `empty` says what it means that there are none."""
    if not rows:
        print(empty)
        return
    texts = [[text_of(row[name]) for name in columns] for row in rows]
    right = [all(isinstance(row[name], int | float | None) for row in rows) for name in columns]
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        _print_rich(texts, columns, right)
    else:
        print(as_text(texts, columns, right))


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


def _print_rich(texts: Sequence[Sequence[str]], columns: Sequence[str], right: Sequence[bool]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column, to_right in zip(columns, right, strict=True):
        table.add_column(column, justify="right" if to_right else "left", overflow="fold")
    for row in texts:
        # Text, not str: a reason may contain what rich would take for markup.
        table.add_row(*map(Text, row))
    Console().print(table)
