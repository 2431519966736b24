"""Columns of plain text, for reports that are read in a terminal."""

from collections.abc import Sequence


def aligned(rows: Sequence[tuple[str, str]]) -> str:
    """Names and what is said of each."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers_from: int | None = None, gap: int = 2) -> str:
    """Left-aligned; from column `numbers_from` on to the right, as figures are."""
    last = len(head) if numbers_from is None else numbers_from
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    return "\n".join(
        (" " * gap).join(
            f"{cell:<{width}}" if at < last else f"{cell:>{width}}"
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    )
