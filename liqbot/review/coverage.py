"""How much of a time was seen: whether the bot was there, and which feed was down how long."""

from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from liqbot.review.ledger_reader import Ledger, Row
from liqbot.review.period import Period

_GAP_STEPS: Final = 3
_GAP_MS_MIN: Final = 180_000
"""Less than this between two minutes is no absence."""


class FeedOutages(msgspec.Struct, frozen=True):
    """One feed of one venue within the period; `reason` is that of the longest outage."""

    venue: str
    coin: str
    feed: str
    times: int
    down_ms: int
    down_pct: float
    still_down: bool
    reason: str


class MarketSeen(msgspec.Struct, frozen=True):
    """`seen_pct`: of the time from the first to the last minute that the ledger has in the period."""

    from_ms: int
    to_ms: int
    seen_pct: float | None
    absences: tuple[tuple[int, int], ...]
    """Begin and end of stretches without a mark, milliseconds."""
    feeds: tuple[FeedOutages, ...]
    """Longest first."""


def coverage_of(ledger: Ledger, period: Period) -> MarketSeen:
    """What the ledger's minutes and its incidents tell."""
    from_ms, to_ms = period.values
    times = [
        int(row["time_ms"]) for row in ledger.rows(
            "SELECT DISTINCT time_ms FROM mark_minute WHERE time_ms >= ? AND time_ms < ? ORDER BY time_ms",
            [from_ms, to_ms],
        )
    ]
    if not times:
        return MarketSeen(from_ms, to_ms, None, (), ())
    first_ms, last_ms = times[0], times[-1]
    gaps = sorted(later - earlier for earlier, later in pairwise(times))
    usual_ms = gaps[len(gaps) // 2] if gaps else 0
    most_ms = max(_GAP_MS_MIN, _GAP_STEPS * usual_ms)
    absences = tuple((earlier, later) for earlier, later in pairwise(times) if later - earlier > most_ms)
    absent_ms = sum(end - begin for begin, end in absences)
    span_ms = last_ms - first_ms
    seen_pct = 100.0 if not span_ms else 100.0 * (1 - absent_ms / span_ms)
    return MarketSeen(first_ms, last_ms, seen_pct, absences, _feeds(ledger, first_ms, last_ms))


class Outage(NamedTuple):
    """`end_ms` None: it had not come back."""

    begin_ms: int
    end_ms: int | None
    reason: str


def outages_of(ledger: Ledger, last_ms: int) -> dict[tuple[str, str, str], list[Outage]]:
    """By venue, coin and feed, oldest first, whatever went down until then."""
    news = ledger.rows(
        "SELECT time_ms, kind, venue, coin, detail FROM incident WHERE kind IN ('FEED_DOWN', 'FEED_UP') "
        "AND time_ms <= ? ORDER BY id", [last_ms],
    )
    outages: dict[tuple[str, str, str], list[Outage]] = {}
    for row in news:
        feed, reason = _told(row)
        known = outages.setdefault((row["venue"], row["coin"], feed), [])
        is_open = bool(known) and known[-1].end_ms is None
        if row["kind"] == "FEED_DOWN" and not is_open:
            known.append(Outage(row["time_ms"], None, reason))
        elif row["kind"] == "FEED_UP" and is_open:
            known[-1] = known[-1]._replace(end_ms=row["time_ms"])
    return outages


def _feeds(ledger: Ledger, first_ms: int, last_ms: int) -> tuple[FeedOutages, ...]:
    """Also of feeds that went down before and had not come back."""
    span_ms = max(1, last_ms - first_ms)
    found = []
    for (venue, coin, feed), spans in outages_of(ledger, last_ms).items():
        cut = [
            (min(end or last_ms, last_ms) - max(begin, first_ms), end is None, why)
            for begin, end, why in spans if end is None or end > first_ms
        ]
        if cut:
            down_ms = sum(length for length, _, _ in cut)
            found.append(FeedOutages(
                venue, coin, feed, len(cut), down_ms, min(100.0, 100.0 * down_ms / span_ms), cut[-1][1], max(cut)[2]
            ))
    return tuple(sorted(found, key=lambda one: (-one.down_ms, one.venue, one.coin, one.feed)))


def _told(row: Row) -> tuple[str, str]:
    """Feed and reason, out of the detail of an incident: `feed trades, reason closed`."""
    feed, _, rest = str(row["detail"]).partition(", ")
    return feed.removeprefix("feed "), rest.removeprefix("reason ")
