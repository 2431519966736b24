"""`observe`: what price does at clusters against thin levels, by one definition of a touch, and what is said of it."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot import places
from liqbot.cli import main
from liqbot.engine import Step
from liqbot.exits import Exit
from liqbot.instruments import Side
from liqbot.market.estimate.price_grid import edges, position_of, price_at
from liqbot.market.map.clusters import clusters_of
from liqbot.market.map.distances import Distances
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.params import MarketParams
from liqbot.market.view import MarketView, SideView
from liqbot.review.levels.level import REACTION_MS, WAIT_MS, Fate, Level, LevelKind, PriceStep
from liqbot.review.levels.proposals import Proposals
from liqbot.review.levels.report import TOUCHES_MIN, level_report, proves
from liqbot.review.levels.shares import STRETCH_MS, difference_of, share_of
from liqbot.review.levels.watch import DISTANCE_SHARE, LOOK_MS, LevelWatch
from liqbot.risk.decision import Refusal, Refused
from liqbot.signals.verdict import SIGNAL, Signal, Verdict
from tests.builders import market_views as mv
from tests.builders.short_life import written
from tests.builders.small_tape import small_tape

T0, MINUTE_MS, MARK = 1_750_000_000_000, 60_000, 65_536.0
PARAMS = MarketParams()


def a_level(side: Side = Side.LONG) -> Level:
    """Two percent away, a reaction is half a percent."""
    near = MARK * (1 - int(side) * 0.02)
    return Level("BTC", LevelKind.CLUSTER, side, 1, T0, near, near * (1 - int(side) * 0.004), 2.0, 1e8, 0.5)


def step(minute: float, low: float, high: float, mark: float, side: Side = Side.LONG) -> PriceStep:
    """Prices in percent of the level's near price, outward positive."""
    near = a_level(side).near_price
    prices = [near * (1 - int(side) * pct / 100) for pct in (low, high, mark)]
    low_price, high_price = sorted(prices[:2])
    return PriceStep(T0 + int(minute * MINUTE_MS), low_price, high_price, prices[2], Distances())


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("steps", "fate"),
    [
        ([(1, -1, -0.1, -0.5)], Fate.WAITING),
        ([(1, -1, 0, -0.1)], Fate.TOUCHED),
        ([(1, -1, 0.1, 0), (2, 0, 0.6, 0.4)], Fate.ACCELERATED),
        ([(1, -1, 0.6, -0.2)], Fate.ACCELERATED),  # it came from there: going through is all that it can have done
        ([(1, -1, 0.1, 0), (2, -0.6, 0.1, 0)], Fate.REVERSED),
        ([(1, -2, 0.1, -0.6)], Fate.REVERSED),  # it ended the step that far back
        ([(1, -1, 0.1, 0), (2, -0.6, 0.6, 0.2)], Fate.ACCELERATED),
        ([(1, -1, 0.1, 0), (2, -0.6, 0.6, -0.2)], Fate.REVERSED),
        ([(1, -1, 0.1, 0), (61, -0.2, 0.2, 0)], Fate.IGNORED),
        ([(WAIT_MS / MINUTE_MS, -1, -0.5, -0.7)], Fate.UNTOUCHED),
    ],
)
def test_what_price_does_at_a_level(
    side: Side, steps: list[tuple[float, float, float, float]], fate: Fate
) -> None:
    level = a_level(side)
    for one in steps:
        level.follow(step(*one, side))
    assert level.fate is fate


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_an_interval_holds_its_share(hits: list[bool]) -> None:
    alone = share_of([(number * STRETCH_MS, hit) for number, hit in enumerate(hits)])
    together = share_of([(number, hit) for number, hit in enumerate(hits)])
    for found in (alone, together):
        assert found.share is not None
        assert found.low is not None
        assert found.high is not None
        assert 0 <= found.low <= found.share <= found.high <= 1
        assert (found.of, found.n) == (sum(hits), len(hits))
    assert together.high - together.low >= alone.high - alone.low - 1e-9, (  # type: ignore[operator]
        "what happens together says less"
    )


def test_wilson_by_a_worked_example() -> None:
    found = share_of([(number * STRETCH_MS, number % 10 < 3) for number in range(100)])
    assert (found.low, found.high) == (pytest.approx(0.219, abs=0.002), pytest.approx(0.396, abs=0.002))


def test_a_difference_needs_stretches_and_is_shown_when_it_is_there() -> None:
    often = [(number * STRETCH_MS, number % 10 < 9) for number in range(60)]
    seldom = [(number * STRETCH_MS, number % 10 < 2) for number in range(60)]
    assert difference_of(often, seldom).shown
    assert not difference_of(often, often).shown
    at_once = difference_of([(1, True)] * 50, [(1, False)] * 50)
    assert (at_once.share, at_once.low, at_once.shown) == (1.0, None, False), "one flush is one event"


def a_market(time_ms: int, mark: float = MARK) -> MarketView:
    """A map on the price grid, even but for a heavy window 2 % below the mark and a hole 2.1 % above it."""
    table = edges()
    at = int(position_of(MARK))
    grid = table[at - 3_000 : at + 3_000]
    middle = (grid[:-1] + grid[1:]) / 2
    long_usd, short_usd = np.where(middle < mark, 1e6, 0.0), np.where(middle > mark, 1e6, 0.0)
    long_usd[(middle < MARK * 0.98) & (middle > MARK * 0.976)] = 2e7
    short_usd[(middle > MARK * 1.021) & (middle < MARK * 1.025)] = 1e4
    liq_map = LiquidationMap("BTC", time_ms, mark, grid, long_usd, short_usd)
    view = mv.a_view(time_ms=time_ms, mark_price=mark)
    below, above = (
        SideView(side, 1e9, clusters_of(liq_map, side, PARAMS.clusters), None) for side in (Side.LONG, Side.SHORT)
    )
    return msgspec.structs.replace(
        view, map=liq_map, below=below, above=above, low_price=mark, high_price=mark, range_pct=0.6,
        warmth_long_pct=90.0, warmth_short_pct=90.0,
    )


def test_a_cluster_gets_a_thin_level_as_far_away_once() -> None:
    watch = LevelWatch(PARAMS, 50.0)
    for number in range(4):
        watch.on_view(a_market(T0 + number * LOOK_MS))
    cluster, thin = watch.levels
    assert (cluster.kind, cluster.side, cluster.pair) == (LevelKind.CLUSTER, Side.LONG, 1)
    assert (thin.kind, thin.pair) == (LevelKind.THIN, 1)
    assert abs(thin.distance_pct - cluster.distance_pct) <= DISTANCE_SHARE * cluster.distance_pct
    assert thin.usd * PARAMS.clusters.contrast_ratio < cluster.usd
    watch.on_view(a_market(T0 + 5 * LOOK_MS, MARK * 0.979))
    assert (cluster.fate, thin.fate) == (Fate.TOUCHED, Fate.WAITING)
    watch.on_view(a_market(T0 + 5 * LOOK_MS + REACTION_MS, MARK * 0.9785))
    assert cluster.fate is Fate.IGNORED


def test_a_cold_map_begins_nothing() -> None:
    watch = LevelWatch(PARAMS, 95.0)
    watch.on_view(a_market(T0))
    assert not watch.levels


def levels(n: int, *, cluster: Fate, thin: Fate) -> list[Level]:
    found = []
    for number in range(n):
        for kind, fate in ((LevelKind.CLUSTER, cluster), (LevelKind.THIN, thin)):
            one = a_level()
            one.kind, one.pair, one.fate = kind, number, fate
            one.began_ms = one.touched_ms = T0 + number * STRETCH_MS
            found.append(one)
    return found


def test_what_a_report_says_that_it_proves() -> None:
    end_ms = T0 + 10**12
    few = level_report(levels(TOUCHES_MIN - 1, cluster=Fate.REVERSED, thin=Fate.IGNORED), 0, end_ms)
    assert proves(few, simulated=False).startswith("Too few touches to judge: 29 of clusters")
    alike = level_report(levels(60, cluster=Fate.REVERSED, thin=Fate.REVERSED), 0, end_ms)
    assert proves(alike, simulated=False).startswith("No difference is shown")
    mixed = levels(60, cluster=Fate.REVERSED, thin=Fate.IGNORED)
    for one in mixed[::14]:
        one.fate = Fate.IGNORED
    said = proves(level_report(mixed, 0, end_ms), simulated=True)
    assert "reversed 85 points more often" in said
    assert "The market is simulated" in said
    assert "no profit" in said


def test_touches_too_late_to_become_a_reaction_are_in_none() -> None:
    found = levels(5, cluster=Fate.REVERSED, thin=Fate.IGNORED)
    end_ms = found[-1].touched_ms + REACTION_MS - 1
    report = level_report(found, 0, end_ms)
    assert (report.clusters.undecided, report.clusters.reactions["reversed"].n) == (1, 4)


def test_an_entry_is_priced_by_what_came_after_it_alone() -> None:
    signal = Signal(
        strategy="cascade", coin="BTC", side=Side.LONG, entry_price=MARK, limit=False, stop_price=MARK * 0.99,
        take_price=MARK * 1.01, expires_ms=T0, max_hold_ms=3_600_000, why="test",
    )
    quiet, found = Step(1, T0), Proposals()
    wick = msgspec.structs.replace(a_market(T0 + 1), low_price=MARK * 0.98)
    found.on_step(quiet, (wick,))
    refused = Refused(1, Refusal.UNRECONCILED, "x", strategy="cascade", coin="BTC", side=Side.LONG)
    signalled = Step(2, T0 + 2, (Verdict("cascade", "BTC", Side.LONG, SIGNAL, (), signal),), (refused,))
    found.on_step(signalled, (a_market(T0 + 2),))
    found.on_step(quiet, (a_market(T0 + 3),))
    (open_still,) = found.summed()
    assert (open_still.entries, open_still.unknown) == (1, 1), "the wick came before it"
    found.on_step(quiet, (msgspec.structs.replace(a_market(T0 + 4), high_price=MARK * 1.02),))
    (won,) = found.summed()
    assert (won.entries, won.won, won.codes) == (1, 1, {"UNRECONCILED": 1})
    assert won.sum_r == pytest.approx(1.0)


@pytest.mark.drawn(singly=True)
def test_a_tape_is_observed_without_an_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tape = small_tape(tmp_path / "some.parquet", hours=72)
    assert main(["observe", "--market", str(tape), "--for", "60h", "--json"]) == Exit.OK
    found = json.loads(capsys.readouterr().out)
    assert (found["simulated"], found["step_ms"]) == (False, 3_600_000)
    assert found["levels"]["clusters"]["levels"] == found["levels"]["thin"]["levels"]
    assert main(["observe", "--market", str(tape), "--for", "60h"]) == Exit.OK
    printed = capsys.readouterr().out
    assert "what this proves" in printed
    assert max(map(len, printed.splitlines())) <= 100


@pytest.mark.drawn(singly=True)
def test_a_journal_is_observed_afterwards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(places.journal_path(tmp_path), snapshot_at=None)
    assert main(["observe", "--data", str(tmp_path), "--json"]) == Exit.OK
    found = json.loads(capsys.readouterr().out)
    assert found["last_ms"] > found["first_ms"] > 0
    assert not found["simulated"]
    assert main(["observe", "--data", str(tmp_path / "nowhere")]) == Exit.NOT_FOUND


def test_places_of_the_grid_are_what_they_say() -> None:
    assert price_at(position_of(MARK)) == pytest.approx(MARK)
