"""Which venue was live when, as far as the books tell: a strip for each."""

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from matplotlib.dates import date2num

from liqbot.exits import Exit, ExpectedError
from liqbot.review.coverage import Outage, coverage_of, outages_of
from liqbot.review.figures.canvas import GOOD, LONGS, Canvas, look_of
from liqbot.review.ledger_reader import Ledger
from liqbot.review.period import Period

_HEIGHT: Final = 0.7
_INCHES_EACH: Final = 0.3
Spans = Sequence[tuple[int, int]]


class LiveTimes(NamedTuple):
    """From the first to the last minute that is known."""

    first_ms: int
    last_ms: int
    seen_pct: float
    absences: Spans
    """When the bot did not run."""
    down: dict[str, Spans]
    """By venue, when any of its feeds was down."""


def live_times(ledger: Ledger, period: Period) -> LiveTimes:
    """ExpectedError (not found) where the ledger has no minute of the period."""
    seen = coverage_of(ledger, period)
    if seen.seen_pct is None:
        raise ExpectedError(f"no prices {period.text() or 'yet'}: nothing tells what was live", Exit.NOT_FOUND)
    down = _rows(ledger, seen.from_ms, seen.to_ms)
    return LiveTimes(seen.from_ms, seen.to_ms, seen.seen_pct, seen.absences, down)


def coverage_figure(times: LiveTimes, *, dark: bool = False) -> Canvas:
    """A strip for each venue."""
    first_ms, last_ms, seen_pct, absences, rows = times
    share = "" if seen_pct >= 99.95 else f"; the bot ran {seen_pct:.1f} % of the time"
    canvas = Canvas(
        f"Which venue was live when{share}", "green: no feed of it was reported down; orange, hatched: one or more "
        "were; empty: the bot did not run. liqbot report names what was down", look=look_of(dark=dark),
        inches=(11.0, 2.0 + _INCHES_EACH * max(4, len(rows))),
    )  # fmt: skip
    panel = canvas.panels[0]
    present = _between((first_ms, last_ms), absences)
    for number, spans in enumerate(rows.values()):
        strip = number - _HEIGHT / 2, _HEIGHT
        panel.broken_barh(_bars(present), strip, facecolor=GOOD, linewidth=0)
        panel.broken_barh(
            _bars(spans), strip, facecolor=LONGS, hatch="///", edgecolor=canvas.look.ink, linewidth=0
        )
    panel.set_yticks(range(len(rows)), list(rows))
    panel.invert_yaxis()
    panel.set_xlim(_days(first_ms), _days(max(last_ms, first_ms + 1)))
    canvas.in_time(panel)
    return canvas


def _rows(ledger: Ledger, first_ms: int, last_ms: int) -> dict[str, Spans]:
    """By venue, when one of its feeds was down, joined; those of the configuration first, in its order."""
    rows: dict[str, list[tuple[int, int]]] = {venue: [] for venue in _configured(ledger)}
    for (venue, _, _), outages in outages_of(ledger, last_ms).items():
        rows.setdefault(venue, []).extend(_cut(one, first_ms, last_ms) for one in outages)
    return {venue: _joined(spans) for venue, spans in rows.items()}


def _configured(ledger: Ledger) -> Sequence[str]:
    found = ledger.rows("SELECT config FROM run ORDER BY id DESC LIMIT 1")
    config = found[0]["config"] if found else {}
    values = json.loads(config) if isinstance(config, str) else config
    venues = values.get("venues", ()) if isinstance(values, dict) else ()
    return [str(venue) for venue in venues]


def _cut(outage: Outage, first_ms: int, last_ms: int) -> tuple[int, int]:
    return max(outage.begin_ms, first_ms), min(last_ms if outage.end_ms is None else outage.end_ms, last_ms)


def _joined(spans: Spans) -> Spans:
    found: list[tuple[int, int]] = []
    for begin_ms, end_ms in sorted(span for span in spans if span[1] > span[0]):
        if found and begin_ms <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end_ms)
        else:
            found.append((begin_ms, end_ms))
    return found


def _between(whole: tuple[int, int], absences: Spans) -> Spans:
    """What is left of it."""
    found, at_ms = [], whole[0]
    for begin_ms, end_ms in absences:
        found.append((at_ms, begin_ms))
        at_ms = end_ms
    return [*found, (at_ms, whole[1])]


def _bars(spans: Spans) -> list[tuple[float, float]]:
    """Begin and length, as the library counts time."""
    return [(_days(begin_ms), _days(end_ms) - _days(begin_ms)) for begin_ms, end_ms in spans]


def _days(time_ms: int) -> float:
    return float(date2num(np.datetime64(time_ms, "ms")))  # type: ignore[no-untyped-call]  # the library's own lack
