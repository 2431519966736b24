"""A search: what is screened, that a killed one goes on to the same table, wherever it is worked on."""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from liqbot.exits import Exit, ExpectedError
from liqbot.signals.evaluate import enabled_strategies, evaluate
from liqbot.signals.verdict import SIGNAL
from paper.research.feature_columns import columns_of, signals_in
from paper.research.market_lead import MarketLead
from paper.research.search import TRADES_MIN, Finalist, Search, SearchReport, search, walk_all
from paper.research.search_space import SearchSpace, key_of, suggested_space, with_candidate, written_space
from paper.research.search_text import text_of
from paper.research.setup import Setup, ready
from paper.research.study import SearchBook
from paper.research.work import DaskWorkers, LocalWorkers
from paper.score.bootstrap import Estimate

pytestmark = pytest.mark.drawn
"""What they share costs the most of them."""

SPACE = written_space(["signals.breakout.move_range_min=0.7:1.5:0.4", "signals.breakout.volume_ratio_min=0.8,1.2"])


class Killed(Exception):
    pass


class KilledAfter:
    """Works alone and is killed after so many jobs."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def results(self, call: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        for number, job in enumerate(jobs):
            if number == self._jobs:
                raise Killed
            yield job, call(job)

    def close(self) -> None:
        pass


def asked(setup: Setup, **changes: Any) -> Search:
    whole: dict[str, Any] = {"training": (setup,), "held_out": (), "space": SPACE, "trials": 0, "walks": 6, "seed": 1,
                             "batch": 3}  # fmt: skip
    return Search(**(whole | changes))


def book(path: Path, search_: Search) -> SearchBook:
    return SearchBook(f"sqlite:///{path}", "test", search_.digest())


def table(path: Path, search_: Search) -> set[tuple[str, float, tuple[float, ...]]]:
    return {
        (key, one.value, *(walked.r_multiples for walked in one.walked.values()))
        for key, one in book(path, search_).tried().items()
    }


@pytest.fixture(scope="module")
def whole(setup: Setup, tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, float, tuple[float, ...]]]:
    """The grid, walked by one process without a break."""
    path, search_ = tmp_path_factory.mktemp("whole") / "search.sqlite", asked(setup)
    walk_all(search_, list(SPACE.grid()), book(path, search_), LocalWorkers(1))
    return table(path, search_)


@pytest.mark.long
def test_a_killed_grid_goes_on_to_the_same_table_over_dask(
    setup: Setup, whole: set[tuple[str, float, tuple[float, ...]]], tmp_path: Path
) -> None:
    from distributed import LocalCluster

    path, search_ = tmp_path / "search.sqlite", asked(setup)
    with pytest.raises(Killed):
        walk_all(search_, list(SPACE.grid()), book(path, search_), KilledAfter(1))
    assert 0 < len(table(path, search_)) < SPACE.size == len(whole)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, host="127.0.0.1", protocol="tcp://", dashboard_address=None
    ) as cluster, contextlib.closing(DaskWorkers(cluster.scheduler_address)) as workers:
        walk_all(search_, list(SPACE.grid()), book(path, search_), workers)
    assert table(path, search_) == whole
    assert len({r for _, _, r in whole}) > 1  # the parameters matter on this tape


@pytest.mark.long
def test_the_report_says_what_is_luck(setup: Setup, tmp_path: Path) -> None:
    """Screened, walked, and looked at on a held-out tape; asked again nothing is walked again."""
    search_ = asked(setup, held_out=(setup,), trials=12, walks=2)
    path = tmp_path / "search.sqlite"
    first = search(search_, book(path, search_), LocalWorkers(1))
    assert first.walked == 3  # two and the settings as they are
    assert len(first.finalists) == 2
    assert first.finalists[0].held_out_trades == first.finalists[0].trades
    assert first.screen_sets_per_s > 0
    again = search(search_, book(path, search_), LocalWorkers(1))
    assert np.isnan(again.walk_sets_per_s)
    assert again.finalists == first.finalists
    text = text_of(first)
    assert "deflated Sharpe ratio" in text
    assert not [line for line in text.splitlines() if len(line) > 100]


def test_columns_pass_exactly_where_rows_signal(setup: Setup) -> None:
    tape, settings = ready(setup)
    lead = MarketLead(settings, tape)
    rows = {}
    for block in tape.blocks():
        lead.step(block)
        for view in lead.views:
            for verdict in evaluate(view, settings.signals):
                rows[verdict.strategy, verdict.side, view.time_ms] = verdict.code == SIGNAL
    columns = {one.side: one for one in columns_of(tape, settings)}
    asked_of = 0
    for one in enabled_strategies(settings.signals):
        found = signals_in(columns[one.side], one.strategy, one.params, settings.signals.waive)
        for time_ms, passed in zip(columns[one.side].time_ms.tolist(), found.tolist(), strict=True):
            assert rows[one.strategy.name, one.side, time_ms] == passed
            asked_of += passed
    assert asked_of > 0


def test_another_search_under_the_same_name_is_refused(setup: Setup, tmp_path: Path) -> None:
    path = tmp_path / "search.sqlite"
    book(path, asked(setup))
    other = asked(setup, space=written_space(["signals.cascade.flow_min=0.1,0.2"]))
    with pytest.raises(ExpectedError, match="was begun with other tapes") as caught:
        book(path, other)
    assert caught.value.exit_code == Exit.DATABASE


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cascade.flow_min=1", "signals.STRATEGY.PARAMETER"),
        ("signals.cascade.flow_min=1:0:1", "signals.STRATEGY.PARAMETER"),
        ("signals.cascade.flow_min", "signals.STRATEGY.PARAMETER"),
        ("signals.cascade.flow_min=0:1:0", "signals.STRATEGY.PARAMETER"),
    ],
)
def test_a_space_that_is_none_is_refused(line: str, said: str) -> None:
    with pytest.raises(ExpectedError, match=said) as caught:
        written_space([line])
    assert caught.value.exit_code == Exit.USAGE


def test_a_candidate_is_checked_like_a_profile(setup: Setup) -> None:
    _, settings = ready(setup)
    changed = with_candidate(settings, {"signals.cascade.flow_min": 0.2})
    assert changed.signals.of(settings.signals.named("cascade")).flow_min == 0.2
    for name, value, said in (
        ("signals.cascade.flow_min", 7.0, "flow_min"), ("signals.cascade.nope", 1.0, "nope"),
        ("signals.nope.flow_min", 1.0, "no such strategy"),
    ):  # fmt: skip
        with pytest.raises(ExpectedError, match=said):
            with_candidate(settings, {name: value})


def test_every_suggested_value_holds(setup: Setup) -> None:
    _, settings = ready(setup)
    space: SearchSpace = suggested_space(settings, ())
    assert {one.name.split(".")[1] for one in space.dimensions} >= {"cascade", "grab_reverse"}
    for one in space.dimensions:
        assert len({key_of({one.name: value}) for value in one.values}) == len(one.values) > 1
        for value in one.values:
            with_candidate(settings, {one.name: value})


def test_what_traded_too_seldom_is_given_no_chance_of_skill() -> None:
    seldom = Finalist({"signals.cascade.bias_min": 0.1}, -math.inf, 3, Estimate(1.4, 1.2, 1.6))
    report = SearchReport(40, 4, (seldom,), seldom, math.nan, 0.9, 1.0, 1.0)
    told = text_of(report)
    assert "deflated Sharpe ratio unknown" in told
    assert f"n < {TRADES_MIN}" in told
    assert "inf" not in told
