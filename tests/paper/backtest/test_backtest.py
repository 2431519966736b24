"""The house over a tape: its report adds up, its journal replays, reading and the future change nothing."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from walk_tape import paper_settings, random_walk

from liqbot import places
from liqbot.blocks import EventBlock, Roster
from liqbot.code_version import this_code
from liqbot.engine import Engine, Step
from liqbot.exits import ExpectedError
from liqbot.journal import Journal
from liqbot.ledger import unexplained_usd
from liqbot.replay import Equality, replay
from liqbot.review.ledger_reader import Ledger
from liqbot.risk.decision import why_of
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from liqbot.settings import Settings
from liqbot.signals.evaluate import evaluate
from liqbot.signals.registry import signal_model
from liqbot.signals.verdict import MISSING, SIGNAL
from paper.backtest import lookahead
from paper.backtest.lookahead import StepRecorder, first_peek, look, poisoned
from paper.backtest.report import BacktestReport
from paper.backtest.report_text import text_of
from paper.backtest.run import backtest, house_of, run
from paper.sessions.sim_loop import SimLoop
from paper.sessions.tape_settings import fitted
from paper.tapes.format import TapeError
from paper.tapes.reader import Tape, read_tape
from paper.tapes.writer import write_tape

pytestmark = pytest.mark.drawn(dear=True)
"""What they share costs the most of them."""

HOURS = 420
SEED = 3
REAL = sorted(Path("../shared/data/tapes").glob("*.parquet"))


@pytest.fixture(scope="module")
def settings() -> Settings:
    return paper_settings()


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    path = tmp_path_factory.mktemp("walk") / "walk.parquet"
    write_tape(path, [EventBlock(**random_walk(HOURS, SEED))], Roster(("binance",), ("BTC",)))
    return read_tape(path)


@pytest.fixture(scope="module")
def kept(tape: Tape, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[BacktestReport, Path]:
    data = tmp_path_factory.mktemp("books")
    return backtest(tape, settings, profile="test", data=data), data


def steps_of(tape: Tape, settings: Settings, blocks: Iterator[EventBlock]) -> list[tuple[int, bytes]]:
    steps = StepRecorder()
    run(house_of(fitted(settings, tape), tape, observers=(steps,)), blocks)
    return steps.steps


def test_the_report_adds_up(kept: tuple[BacktestReport, Path]) -> None:
    report, _ = kept
    print(f"seed {SEED}: {report.approvals} approvals, {report.trades.closed} trades")
    assert report.approvals >= 2
    assert report.trades.closed == sum(trip.closed_ms is not None for trip in report.trips)
    money = report.money
    assert money.house_differs_usd == 0
    realised_usd = money.gross_usd - money.fees_usd + money.funding_usd + money.rebates_usd
    assert money.net_usd == realised_usd + money.unrealised_usd
    assert money.net_usd == sum(trip.net_usd for trip in report.trips) + money.unrealised_usd
    assert money.end_usd - money.start_usd == money.net_usd
    assert 0 < report.leverage_max <= 5
    assert 0 < report.exposure_pct < 100
    assert report.drawdown.pct > 0
    assert report.ticks == HOURS == report.bars


def test_every_verdict_of_every_tick_is_counted_once(kept: tuple[BacktestReport, Path]) -> None:
    report, _ = kept
    reasons = [one for one in report.verdicts if one.strategy in report.strategies]
    assert sum(one.times for one in reasons) == report.weighed * 2 * len(report.strategies)
    # A signal is either approved or refused by risk.
    assert report.signals == report.approvals + sum(one.times for one in report.refusals)
    assert report.signals == sum(one.times for one in report.verdicts if one.code == SIGNAL)


def test_counts_agree_with_asking_at_every_tick(tape: Tape, settings: Settings) -> None:
    asked: Counter[tuple[str, str]] = Counter()
    lacking: Counter[str] = Counter()
    watched = {"funding_pct", "opposite_funding_percentile", "bias", "flow"}

    def ask(seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        for view in engine.views if block.tick_ms is not None else ():
            for verdict in evaluate(view, settings.signals):
                asked[verdict.strategy, verdict.code] += 1
                inputs = [i for gate in verdict.gates if gate.threshold is not None for i in gate.inputs]
                lacking.update({i.name for i in inputs if i.source == MISSING and i.name in watched})

    report = backtest(tape, settings, profile="test", observers=(ask,))
    counted = {(one.strategy, one.code): one.times for one in report.verdicts if one.strategy in report.strategies}
    assert counted == dict(asked)
    told = {one.input: one.refused + one.waived for one in report.lacks}
    assert {name: told.get(name, 0) for name in lacking} == dict(lacking)
    assert lacking["opposite_funding_percentile"] > 0


def test_a_waiver_is_counted_and_changes_only_what_it_names(tape: Tape, settings: Settings) -> None:
    waiving = settings.model_copy(update={"signals": signal_model()(waive=("prior_funding", "oi_rising"))})
    report = backtest(tape, waiving, profile="test")
    assert report.waive == ("prior_funding", "oi_rising")
    assert {one.input for one in report.lacks if one.waived} == {"oi_change_24h_pct"}


def test_the_journal_replays_to_the_same_bytes(kept: tuple[BacktestReport, Path]) -> None:
    report, data = kept
    here = this_code("test", 0)
    result = replay(places.journal_path(data), recorded_engine, here, snapshot_version=snapshot_version())
    assert result.equality is Equality.IDENTICAL
    assert result.market_rows == report.rows
    assert result.steps_compared > report.ticks


def test_the_ledger_explains_every_dollar(kept: tuple[BacktestReport, Path]) -> None:
    _, data = kept
    assert unexplained_usd(f"sqlite:///{places.ledger_path(data)}") == 0


def test_how_trades_ended_is_told_as_the_books_tell_it(kept: tuple[BacktestReport, Path]) -> None:
    report, data = kept
    with Ledger(str(places.ledger_path(data))) as ledger:
        rows = ledger.rows("SELECT v.*, t.opened_ms FROM v_trades v JOIN trade t ON t.id = v.trade_id")
    told = {row["opened_ms"]: row for row in rows if row["closed"] is not None}
    closed = [trip for trip in report.trips if trip.closed_ms is not None]
    assert len(closed) == len(told) > 0
    for trip in closed:
        row = told[trip.opened_ms]
        decided = why_of(row["closed_because"]).lower()
        assert trip.exit_reason == (row["exit_reason"] if " " in decided else decided)
        assert trip.exit_reason.replace("_", " ") in text_of(report)
    assert " order\n" not in text_of(report)


def test_batching_changes_nothing(tape: Tape, settings: Settings) -> None:
    coarse, fine = (steps_of(tape, settings, tape.blocks(batch_rows=rows)) for rows in (100_000, 37))
    assert len(coarse) > HOURS
    assert coarse == fine


def test_a_poisoned_future_is_not_noticed_before_it_comes(tape: Tape, settings: Settings) -> None:
    clean = steps_of(tape, settings, tape.blocks())
    times = [time_ms for time_ms, encoded in clean if msgspec.msgpack.decode(encoded)["commands"]]
    # In the middle of trading: right after a step that sent orders, which the poisoned bar will fill.
    after_ms = times[len(times) // 2]
    poison = steps_of(tape, settings, poisoned(tape.blocks(), after_ms))
    before = sum(time_ms <= after_ms for time_ms, _ in clean)
    assert first_peek(clean, poison, after_ms) is None
    assert before > 100
    assert clean[before:] != poison[before:]


class OneBlockAhead:
    """A house that sees the close of the next block already."""

    def __init__(self, house: SimLoop) -> None:
        self._house = house
        self._held: EventBlock | None = None

    def step(self, block: EventBlock) -> None:
        held, self._held = self._held, block
        if held is not None:
            bars = held.bars.copy()
            bars["close"] = np.clip(block.bars["close"][: len(bars)], bars["low"], bars["high"])
            self._house.step(msgspec.structs.replace(held, bars=bars))


@pytest.mark.long
def test_a_house_that_knows_the_future_is_found(
    tape: Tape, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = look(tape, settings, 1, lambda _text: None)
    assert honest.speaking > 10
    assert len(honest.moments_ms) == 1
    assert not honest.peeks
    monkeypatch.setattr(lookahead, "house_of", lambda *given, **named: OneBlockAhead(house_of(*given, **named)))
    peeking = look(tape, settings, 2, lambda _text: None)
    assert peeking.peeks
    assert {peek.time_ms for peek in peeking.peeks} <= set(peeking.moments_ms)


def test_first_peek_finds_what_differs() -> None:
    clean = [(1, b"a"), (2, b"b"), (3, b"c")]
    assert first_peek(clean, [(1, b"a"), (2, b"b"), (3, b"x")], 2) is None
    peek = first_peek(clean, [(1, b"a"), (2, b"x"), (3, b"c")], 2)
    assert peek is not None
    assert (peek.index, peek.time_ms) == (1, 2)
    assert first_peek(clean, clean[:1], 2) is not None


def test_poison_touches_only_what_is_late() -> None:
    columns = random_walk(20, 1)
    block = EventBlock(**columns, tick_ms=1)
    middle_ms = int(columns["bars"]["time_ms"][9])
    (changed,) = poisoned([block], middle_ms)
    assert (changed.bars["close"][10:] == 3.0 * block.bars["close"][10:]).all()
    assert changed.bars[:10].tobytes() == block.bars[:10].tobytes()
    assert (changed.bars["volume_usd"][10:] == 3.0 * block.bars["volume_usd"][10:]).all()
    assert changed.funding["rate_pct"].tolist() == [block.funding["rate_pct"][0], -block.funding["rate_pct"][1]]


def test_a_tape_decides_where_to_trade(tape: Tape, settings: Settings, tmp_path: Path) -> None:
    elsewhere = fitted(settings.model_copy(update={"trade_venue": "okx"}), tape)
    assert (elsewhere.trade_venue, elsewhere.coins, elsewhere.venues) == ("binance", ("BTC",), ("binance",))
    columns = random_walk(20, 1)
    write_tape(tmp_path / "oi.parquet", [EventBlock(open_interest=columns["open_interest"])], tape.roster)
    with pytest.raises(TapeError, match="no trades"):
        fitted(settings, read_tape(tmp_path / "oi.parquet"))


def test_trades_are_of_linear_contracts_even_where_inverse_ones_trade_more(settings: Settings, tmp_path: Path) -> None:
    roster = Roster(("binance:coin", "okx"), ("BTC",))
    inverse, linear = random_walk(20, 1)["bars"], random_walk(20, 2)["bars"]
    inverse["volume_usd"], linear["venue"] = 10.0 * inverse["volume_usd"], 1
    write_tape(tmp_path / "both.parquet", [EventBlock(bars=inverse), EventBlock(bars=linear)], roster)
    assert fitted(settings, read_tape(tmp_path / "both.parquet")).trade_venue == "okx"
    write_tape(tmp_path / "inverse.parquet", [EventBlock(bars=inverse)], roster)
    with pytest.raises(TapeError, match=r"inverse contracts alone \(binance:coin\)"):
        fitted(settings, read_tape(tmp_path / "inverse.parquet"))


def test_books_of_another_mode_are_never_replaced(tape: Tape, settings: Settings, tmp_path: Path) -> None:
    path = places.journal_path(tmp_path)
    Journal.open(path, mode="paper", account="paper", roster=tape.roster).close()
    before = path.read_bytes()
    with pytest.raises(ExpectedError, match="another --data"):
        backtest(tape, settings, profile="test", data=tmp_path)
    assert path.read_bytes() == before


def test_the_text_says_what_matters(kept: tuple[BacktestReport, Path]) -> None:
    report, _ = kept
    text = text_of(report)
    first = text.splitlines()[0]
    assert "trades" in first
    assert "buy and hold" in first
    for days, said in ((0.25, "6.0 h"), (1 / 1440, "60 s"), (3.4, "3 days")):
        short = msgspec.structs.replace(report, tape=msgspec.structs.replace(report.tape, days=days))
        assert f", {said}: " in text_of(short).splitlines()[0]
    words = ("simulated", "estimate", "drawdown", "exposure", "refused", "lacks")
    assert [word for word in words if word not in text] == []
    failed = msgspec.structs.replace(report, strategies_failed={"mine": "ValueError (line 3): no"})
    assert "  mine failed and entered nothing since: ValueError (line 3): no" in text_of(failed).splitlines()
    assert msgspec.json.decode(msgspec.json.encode(report))["money"]["net_usd"] == str(report.money.net_usd)


@pytest.mark.long
@pytest.mark.skipif(not REAL, reason="the recorded tapes are not beside this checkout")
def test_a_recorded_tape(settings: Settings) -> None:
    recorded = read_tape(next(path for path in REAL if path.stem == "eth-2024-08-crash"))
    report = backtest(recorded, settings, profile="test")
    assert report.money.house_differs_usd == 0
    reasons = [one for one in report.verdicts if one.strategy in report.strategies]
    assert sum(one.times for one in reasons) == report.weighed * 2 * len(report.strategies)
    assert {one.input for one in report.lacks} >= {"funding_pct", "opposite_funding_percentile"}


def test_funding_that_is_stamped_milliseconds_late_is_paid_in_time(
    settings: Settings, kept: tuple[BacktestReport, Path], tmp_path: Path
) -> None:
    columns = random_walk(HOURS, SEED)
    columns["funding"]["time_ms"] += 6
    write_tape(tmp_path / "late.parquet", [EventBlock(**columns)], Roster(("binance",), ("BTC",)))
    late = backtest(read_tape(tmp_path / "late.parquet"), settings, profile="test")
    assert late.money.funding_usd == kept[0].money.funding_usd != 0
