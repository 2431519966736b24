"""What the page's server answers: for each address the JSON that a verb prints, from the same functions.

Nothing is computed here. Every answer opens the books for itself and closes them, so that no reading holds up what
writes them.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from liqbot import places
from liqbot.control import protocol
from liqbot.review import queries
from liqbot.review.coverage import coverage_of
from liqbot.review.explain import decision_row, explained
from liqbot.review.explain_text import as_text
from liqbot.review.figures import kept
from liqbot.review.followed_map import FollowedMap
from liqbot.review.ledger_reader import Ledger, ledger_place
from liqbot.review.parameters import Choice
from liqbot.review.period import Period, period_named
from liqbot.review.reports.morning import last_day, morning_report
from liqbot.review.sources import MapQuery, find_map, from_ledger, labelled, numbers_of, time_of, words_of
from liqbot.review.web.asked import Asked
from liqbot.review.web.heatmap import heatmap_of

_STATUS_S: Final = 5.0
"""A house that is busy for longer is told as one that does not answer."""
_LIMIT, _LIMIT_MAX = 50, 5_000
_PERIOD: Final = ("since", "until", "day")


class WatchedHouse:
    """The state directory of one bot, running or not."""

    def __init__(self, data: Path, profile: str) -> None:
        self.data, self.profile = data, profile
        self._followed = FollowedMap(places.journal_path(data))

    def ledger(self) -> Ledger:
        """Open, to be closed by `with`. ExpectedError where there is none."""
        return Ledger(ledger_place(None, self.data, self.profile))

    def newest_map(self, query: MapQuery) -> dict[str, Any]:
        """Of the journal, as far as it is written by now. One thread at a time."""
        return self._followed.read(query).record


class Endpoint(NamedTuple):
    """`keep_s`: an answer is given again for so long, however many ask. `like`: what prints the same."""

    answer: Callable[[WatchedHouse, Asked], Any]
    words: tuple[str, ...]
    keep_s: float
    like: str


def _status(house: WatchedHouse, asked: Asked) -> Any:
    del asked
    return protocol.request(house.data, {"verb": "status"}, timeout_s=_STATUS_S)


def _map(house: WatchedHouse, asked: Asked) -> Any:
    query = MapQuery(
        asked.coin(), time_of(asked.text("at"), "at"), words_of(asked.text("venue")),
        numbers_of(asked.text("leverage"), "leverage"), asked.yes("split"),
    )
    has_journal = places.journal_path(house.data).is_file()
    stored = asked.yes("stored") or not has_journal
    if query.at_ms is None and not stored:
        return house.newest_map(query)
    choice = Choice()
    if stored:
        found = labelled(from_ledger(ledger_place(None, house.data, house.profile), query, choice))
    else:
        found = find_map(query, choice, data=house.data)
    return found.reading.record


def _decisions(house: WatchedHouse, asked: Asked) -> Any:
    wanted = {"code": asked.text("code"), "coin": asked.coin(), "strategy": asked.text("strategy")}
    with house.ledger() as ledger:
        period = _period(ledger, asked)
        queries.require_known(ledger, "decision", wanted)
        if asked.yes("by_code"):
            return queries.refusals(ledger, wanted, period)
        return queries.decisions(ledger, wanted, _limit(asked), period)


def _explain(house: WatchedHouse, asked: Asked) -> Any:
    with house.ledger() as ledger:
        story = explained(ledger, decision_row(ledger, asked.text("id") or ""))
    return {"text": as_text(story)} if asked.yes("text") else story


def _trades(house: WatchedHouse, asked: Asked) -> Any:
    named = {"coin": asked.coin(), "strategy": asked.text("strategy")}
    with house.ledger() as ledger:
        period = _period(ledger, asked)
        queries.require_known(ledger, "decision", named)
        status = "open" if asked.yes("open") else None
        return queries.trades(ledger, named | {"status": status}, _limit(asked), period)


def _pnl(house: WatchedHouse, asked: Asked) -> Any:
    with house.ledger() as ledger:
        return queries.pnl(ledger, _period(ledger, asked))


def _report(house: WatchedHouse, asked: Asked) -> Any:
    with house.ledger() as ledger:
        return morning_report(ledger, _day_or(ledger, asked))


def _feeds(house: WatchedHouse, asked: Asked) -> Any:
    with house.ledger() as ledger:
        return coverage_of(ledger, _day_or(ledger, asked))


def _heatmap(house: WatchedHouse, asked: Asked) -> Any:
    reach_pct = asked.number("reach", 5.0, 0.5, 40.0)
    with house.ledger() as ledger:
        return heatmap_of(ledger, asked.coin() or kept.first_coin(ledger), _day_or(ledger, asked), reach_pct)


def _lines(house: WatchedHouse, asked: Asked) -> Any:
    with house.ledger() as ledger:
        coin = asked.coin() or kept.first_coin(ledger)
        found = kept.open_lines(ledger, coin, time_of(asked.text("at"), "at"))
    return {"coin": coin, "position": found, "in_map": kept.mapped_prices(found)}


def _period(ledger: Ledger, asked: Asked) -> Period:
    words = [asked.text(name) for name in _PERIOD]
    return period_named(ledger, words[0], words[1], words[2], time.time_ns() // 1_000_000)[0]


def _day_or(ledger: Ledger, asked: Asked) -> Period:
    """The last 24 hours of the ledger where nothing else is wished for."""
    period = _period(ledger, asked)
    return last_day(ledger) if period.whole else period


def _limit(asked: Asked) -> int:
    return int(asked.number("limit", _LIMIT, 1, _LIMIT_MAX))


ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "status": Endpoint(_status, (), 1.0, "liqbot status --json"),
    "map": Endpoint(_map, ("coin", "at", "leverage", "venue", "split", "stored"), 1.0, "liqbot map --json"),
    "decisions": Endpoint(
        _decisions, ("code", "coin", "strategy", "by_code", *_PERIOD, "limit"), 1.0, "liqbot decisions --json"
    ),
    "explain": Endpoint(_explain, ("id", "text"), 1.0, "liqbot explain ID --json"),
    "trades": Endpoint(_trades, ("open", "coin", "strategy", *_PERIOD, "limit"), 1.0, "liqbot trades --json"),
    "pnl": Endpoint(_pnl, _PERIOD, 5.0, "liqbot pnl --json"),
    "report": Endpoint(_report, _PERIOD, 30.0, "liqbot report --json"),
    "feeds": Endpoint(_feeds, _PERIOD, 10.0, "coverage in liqbot report --json"),
    "heatmap": Endpoint(_heatmap, ("coin", "reach", *_PERIOD), 10.0, "the cells of liqbot picture heatmap"),
    "lines": Endpoint(_lines, ("coin", "at"), 1.0, "the lines of liqbot picture map"),
}
"""By the last part of the address: /api/NAME."""
