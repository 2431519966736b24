"""Tapes that lack something, and truths of something else: a score that says what is missing, or one clear line."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from liqbot.blocks import Roster, block_of
from liqbot.events import Liquidation, LiquidationTotals, MarketEvent, OpenInterest, TradeBar
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Side
from paper.score.params import ScoreParams
from paper.score.result import Score
from paper.score.setting import setting_of
from paper.score.tape_score import score_tape
from paper.score.text import text_of
from paper.tapes.reader import Tape, read_tape
from paper.tapes.truth import TruthError
from paper.tapes.writer import write_tape

HOUR_MS = 3_600_000
START_MS = 1_700_000_000_000 // HOUR_MS * HOUR_MS
Events = Callable[[int, float, float], list[MarketEvent]]
SHORT = ScoreParams(shuffles=3, resamples=30, bins=20)


def walk(hours: int, *, every_ms: int = HOUR_MS // 4) -> Iterator[tuple[int, float, float]]:
    """(time, price before, price after)."""
    chance, price = np.random.default_rng(4), 1000.0
    for number in range(1, hours * HOUR_MS // every_ms + 1):
        before, price = price, price * float(1 + 0.006 * chance.standard_normal())
        yield START_MS + number * every_ms, before, price


def bar(at_ms: int, before: float, after: float, venue: str = "binance", coin: str = "BTC") -> TradeBar:
    return TradeBar(
        time_ms=at_ms, venue=venue, coin=coin, span_ms=HOUR_MS // 4, open=before, close=after, volume_usd=1e6,
        high=max(before, after), low=min(before, after),
    )  # fmt: skip


def order(at_ms: int, before: float, after: float, coin: str = "BTC") -> Liquidation:
    side = Side.LONG if after < before else Side.SHORT
    usd = 1e6 * abs(after / before - 1)
    return Liquidation(time_ms=at_ms, venue="binance", coin=coin, side=side, price=after, size_usd=usd)


def tape_of(
    path: Path, events: Events, hours: int = 120, venues: Sequence[str] = ("binance",), coins: Sequence[str] = ("BTC",)
) -> Tape:
    roster = Roster(tuple(venues), tuple(coins))
    blocks = [block_of(events(*step), roster, tick_ms=step[0]) for step in walk(hours)]
    write_tape(path, blocks, roster)
    return read_tape(path)


def full(at_ms: int, before: float, after: float) -> list[MarketEvent]:
    interest = OpenInterest(time_ms=at_ms, venue="binance", coin="BTC", oi_usd=1e8 + at_ms % 7 * 1e5)
    return [bar(at_ms, before, after), order(at_ms, before, after), interest]


def scored(tape: Tape, truth: Path | None = None) -> Score:
    return score_tape(tape, SHORT, truth=truth, seed=1).score


@pytest.mark.long
def test_one_venue_is_enough(tmp_path: Path) -> None:
    score = scored(tape_of(tmp_path / "tape.parquet", full))
    assert score.touch["B0"].d2.value == pytest.approx(0.0, abs=1e-9)
    assert 0 < score.touch["DEPTH"].d2.value < 1
    assert [one.venue for one in score.venues] == ["binance"]
    assert all(lead.ceiling == "" for lead in score.leads)
    assert "ORACLE" not in text_of(score)


@pytest.mark.long
def test_without_open_interest_a_map_is_scored_all_the_same(tmp_path: Path) -> None:
    score = scored(tape_of(tmp_path / "tape.parquet", lambda *step: [bar(*step), order(*step)]))
    assert score.touch["liqbot"].d2.value == score.touch["liqbot"].d2.value
    # Without it nothing rises: the baseline that lives on it has nothing to say.
    assert score.touch["B3"].d2.value == pytest.approx(0.0, abs=1e-9)


@pytest.mark.long
def test_totals_alone_are_scored_by_window_and_against_the_depth_of_the_move(tmp_path: Path) -> None:
    def told(at_ms: int, before: float, after: float) -> list[MarketEvent]:
        found: list[MarketEvent] = [bar(at_ms, before, after)]
        if at_ms % HOUR_MS == 0:
            found.append(
                LiquidationTotals(
                    time_ms=at_ms, venue="binance", coin="BTC", span_ms=HOUR_MS, long_usd=1e5, short_usd=2e5
                )
            )
        return found

    score = scored(tape_of(tmp_path / "tape.parquet", told))
    assert score.placed_by == "totals"
    assert score.window_h == 1
    assert score.step_ms == HOUR_MS
    assert set(score.windows[1]) >= {"liqbot", "B0", "B2b", "B4v", "DEPTH"}
    told_leads = {lead.measure: lead for lead in score.leads}
    assert "DEPTH" in told_leads["M1"].others
    assert {"B0", "DEPTH"} <= set(told_leads["M2 window"].others)
    assert any("only totals per interval" in note for note in score.notes)


@pytest.mark.drawn
def test_a_tape_that_tells_nothing_in_its_scored_part_shows_dashes(tmp_path: Path) -> None:
    def early(at_ms: int, before: float, after: float) -> list[MarketEvent]:
        last = at_ms > START_MS + 30 * HOUR_MS
        return [bar(at_ms, before, after), *([] if last else [order(at_ms, before, after)])]

    score = scored(tape_of(tmp_path / "tape.parquet", early))
    assert score.prints == 0
    assert not any(lead.lead.above_zero for lead in score.leads)
    assert "-" in text_of(score)


@pytest.mark.long
def test_a_tape_that_tells_nothing_in_its_training_part_is_scored_without_a_crash(tmp_path: Path) -> None:
    def late(at_ms: int, before: float, after: float) -> list[MarketEvent]:
        first = at_ms < START_MS + 60 * HOUR_MS
        return [bar(at_ms, before, after), *([] if first else [order(at_ms, before, after)])]

    score = scored(tape_of(tmp_path / "tape.parquet", late))
    assert score.prints > 0
    # Nothing was there to fit on: no model has a touch skill, ours neither.
    assert all(one.d2.value != one.d2.value for one in score.touch.values())
    assert any("nothing to fit on" in note for note in score.notes)
    assert text_of(score)


def test_a_tape_without_forced_orders_says_so(tmp_path: Path) -> None:
    tape = tape_of(tmp_path / "tape.parquet", lambda *step: [bar(*step)], hours=6)
    with pytest.raises(ExpectedError, match="no forced orders of BTC: nothing to score against"):
        scored(tape)


def test_a_tape_without_trades_says_so(tmp_path: Path) -> None:
    tape = tape_of(tmp_path / "tape.parquet", lambda *step: [order(*step)], hours=6)
    with pytest.raises(ExpectedError, match="no trades of BTC"):
        scored(tape)


@pytest.mark.parametrize("hours", [1, 5])
def test_a_tape_of_few_hours_is_too_short_and_says_for_what(tmp_path: Path, hours: int) -> None:
    with pytest.raises(ExpectedError, match="holds no forecast of 4 h to its end: a longer tape is needed"):
        scored(tape_of(tmp_path / "tape.parquet", full, hours=hours))


def test_a_tape_of_minutes_has_nothing_to_score(tmp_path: Path) -> None:
    roster = Roster(("binance",), ("BTC",))
    steps = list(walk(1))[:2]
    write_tape(tmp_path / "tape.parquet", [block_of(full(*step), roster, tick_ms=step[0]) for step in steps], roster)
    with pytest.raises(ExpectedError, match="less than two steps of 1 h"):
        scored(read_tape(tmp_path / "tape.parquet"))


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("hours", [9, 12, 20, 26])
def test_a_short_tape_is_scored_as_far_as_it_goes(tmp_path: Path, hours: int) -> None:
    score = scored(tape_of(tmp_path / "tape.parquet", full, hours=hours))
    # No other map is 48 h away: there is no control, and it is not made up.
    assert all(one.excess_value != one.excess_value for one in score.ranks[4].values())
    assert "nan" not in text_of(score).split()


def test_an_unknown_coin_is_named_with_those_there_are(tmp_path: Path) -> None:
    tape = tape_of(tmp_path / "tape.parquet", full, hours=6)
    with pytest.raises(ExpectedError, match="--coin 'DOGE': the tape has BTC") as caught:
        setting_of(tape, SHORT, "DOGE")
    assert caught.value.exit_code == Exit.USAGE


def truth_of(path: Path, coin: str, *, hours: Sequence[int] = range(1, 120), venue: str = "binance") -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    count = len(hours)
    columns = {
        "time_ms": [START_MS + hour * HOUR_MS for hour in hours], "venue": [venue] * count, "coin": [coin] * count,
        "side": ["long"] * count, "leverage": [10.0] * count, "entry_price": [1000.0] * count,
        "liquidation_price": [950.0] * count, "size_usd": [1e4] * count,
    }  # fmt: skip
    parquet.write_table(pa.table(columns), path)
    return path


def test_a_truth_of_another_coin_is_named_before_any_work(tmp_path: Path) -> None:
    tape = tape_of(tmp_path / "tape.parquet", full, hours=6)
    with pytest.raises(TruthError, match="column 'coin' holds ETH, the scored coin is BTC"):
        scored(tape, truth_of(tmp_path / "truth.parquet", "ETH"))


@pytest.mark.drawn(singly=True)
def test_a_truth_of_other_times_or_venues_is_named(tmp_path: Path) -> None:
    tape = tape_of(tmp_path / "tape.parquet", full, hours=9)
    for path in (
        truth_of(tmp_path / "late.parquet", "BTC", hours=range(500, 510)),
        truth_of(tmp_path / "elsewhere.parquet", "BTC", venue="okx"),
    ):
        with pytest.raises(TruthError, match="column 'time_ms' has none of the hours at which maps are frozen"):
            scored(tape, path)


@pytest.mark.long
def test_a_truth_known_at_some_hours_says_that_the_oracle_is_too_low(tmp_path: Path) -> None:
    tape = tape_of(tmp_path / "tape.parquet", full)
    score = scored(tape, truth_of(tmp_path / "truth.parquet", "BTC", hours=range(1, 80)))
    assert any("what is said of ORACLE is too low" in note for note in score.notes)


def test_files_that_are_no_truth_are_named(tmp_path: Path) -> None:
    tape = tape_of(tmp_path / "tape.parquet", full, hours=6)
    with pytest.raises(TruthError, match="column 'leverage' is missing; a truth file has time_ms, venue"):
        scored(tape, tmp_path / "tape.parquet")
    with pytest.raises(TruthError, match="no such file"):
        scored(tape, tmp_path / "nothing.parquet")
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"no parquet at all")
    with pytest.raises(TruthError, match="cannot be read"):
        scored(tape, broken)


@pytest.mark.long
def test_the_coins_of_a_tape_are_scored_one_by_one(tmp_path: Path) -> None:
    """The other coin's rows change nothing: the same figures as from a tape without it."""

    def both(at_ms: int, before: float, after: float) -> list[MarketEvent]:
        other = [bar(at_ms, after / 7, before / 7, coin="ETH"), order(at_ms, after / 7, before / 7, coin="ETH")]
        return [*full(at_ms, before, after), *other]

    one = scored(tape_of(tmp_path / "one.parquet", full, hours=60))
    two = scored(tape_of(tmp_path / "two.parquet", both, hours=60, coins=("BTC", "ETH")))
    plain = [
        msgspec.json.encode(msgspec.structs.replace(score, seconds={}, tape="", note="")) for score in (one, two)
    ]
    assert plain[0] == plain[1]
