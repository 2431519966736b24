"""The text of docs/performance.md: what is missed first, then what is met, what has no goal, what is not measured."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from _figures import Figure, Found, number

HEAD: Final = """# Performance

Written by `./run bench`: a script in `bench/` for each row, each beside what a user would pick instead, a yardstick of
the same run, or a limit that is named.

Figures are for ratios, not for absolutes. Seconds are those of the processor, because the machine had other work
meanwhile; where the clock is meant (a disk, loopback, a start) the unit says so, and a busy machine makes it longer.
A busy machine's processor seconds are worth less too: how often a bare loop went round in one stands at each command.
"""


class Measured(NamedTuple):
    """A row's script, and what it found; else why there is nothing. `current`: at the code of the page."""

    name: str
    found: Found | None
    why: str = ""
    current: bool = True


def page(measured: Sequence[Measured], key: str) -> str:
    """The whole text."""
    figures = [figure for one in measured if one.found is not None for figure in one.found.figures]
    judged = [figure for figure in figures if figure.reach is not None]
    missed = sorted((one for one in judged if not met(one)), key=lambda one: one.reach or 0.0)
    sound = [figure for figure in judged if met(figure)]
    unjudged = [figure for figure in figures if figure.reach is None]
    parts = [HEAD, f"Code {key}.\n" if key else ""]
    parts += _section(f"Missed: {len(missed)} of {len(judged)}", missed)
    parts += _section(f"Met: {len(sound)} of {len(judged)}", sound)
    parts += _section("Without a goal", unjudged)
    parts += _unmeasured(one for one in measured if one.found is None)
    parts += _commands(one for one in measured if one.found is not None)
    return "\n".join(part for part in parts if part)


def met(figure: Figure) -> bool:
    return figure.reach is not None and figure.reach >= 1.0


def _section(title: str, figures: Sequence[Figure]) -> list[str]:
    if not figures:
        return []
    rows = ["| what | measured | goal | of the goal | beside it | ratio |", "|---|---|---|---|---|---|"]
    return [f"## {title}\n", "\n".join([*rows, *map(_row, figures)]), *_notes(figures), ""]


def _row(figure: Figure) -> str:
    goal = "" if figure.goal is None else f"{'≤' if figure.at_most else '≥'} {number(figure.goal)}"
    share = "" if figure.reach is None or figure.reach == float("inf") else f"{figure.reach:.0%}"
    beside = figure.beside + (f": {number(figure.beside_value)}" if figure.beside_value is not None else "")
    ratio = f"{figure.value / figure.beside_value:.3g}" if figure.beside_value else ""
    return f"| {figure.work} | {number(figure.value)} {figure.unit} | {goal} | {share} | {beside} | {ratio} |"


def _notes(figures: Sequence[Figure]) -> list[str]:
    notes = [f"- {figure.work}: {figure.note}" for figure in figures if figure.note]
    return ["\n" + "\n".join(notes)] if notes else []


def _unmeasured(rows: Iterable[Measured]) -> list[str]:
    lines = [f"- `bench/{one.name}.py`: {one.why}" for one in rows]
    return ["## Not measured\n", "\n".join(lines), ""] if lines else []


def _commands(rows: Iterable[Measured]) -> list[str]:
    lines = [
        f"- `{one.found.command}`, commit {one.found.commit}"
        + (f", seed {one.found.seed}" if one.found.seed is not None else "")
        + f"; {one.found.machine}, a bare loop {one.found.loops_per_s / 1e6:.1f}M/s"
        + ("" if one.current else "; **of other code than this page's**")
        for one in rows if one.found is not None
    ]
    return ["## How each was made\n", "\n".join(lines), ""] if lines else []
