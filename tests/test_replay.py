"""Replay compares step by step, says which equality holds, and points at the first step that differs."""

import json
import pathlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from patience import PATIENCE_S

from liqbot.blocks import DTYPES, EventBlock, Roster
from liqbot.code_version import this_code
from liqbot.events import CodeVersion, ConfigLoaded, JournalOpened
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Side
from liqbot.journal import Journal
from liqbot.journal.errors import CorruptRecordError, MarketDroppedError
from liqbot.replay import Equality, replay
from liqbot.review.replayed import as_text, run_and_print
from liqbot.signals.verdict import Gate, Verdict

ROSTER = Roster(("binance",), ("BTC",))
HERE = CodeVersion(time_ms=0, version="1", platform="here")
ELSEWHERE = CodeVersion(time_ms=0, version="1", platform="elsewhere")


class Step(msgspec.Struct, frozen=True):
    seq: int
    total: float
    verdicts: tuple[Verdict, ...] = ()
    decisions: tuple[()] = ()
    commands: tuple[str, ...] = ()
    whales: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()

    def encoded(self) -> bytes:
        return msgspec.msgpack.encode(self)


class Summing:
    """Adds up marks, times a factor from its configuration; orders when the sum passes its threshold."""

    def __init__(self, config: ConfigLoaded, *, noise: float = 0.0, threshold: float = 5.0) -> None:
        self.factor = json.loads(config.config_json)["factor"]
        self.noise, self.threshold, self.seq, self.total = noise, threshold, 0, 0.0

    def on_block(self, block: EventBlock, recorded: object = None, /) -> Step:
        del recorded  # it decides nothing
        self.seq += 1
        self.total += self.factor * float(block.marks["mark_price"].sum()) + self.noise
        passed = self.total > self.threshold
        gate = Gate("sum", (), self.total, ">", self.threshold, passed)
        verdict = Verdict("sum", "BTC", Side.LONG, "SIGNAL" if passed else "sum", (gate,))
        return Step(self.seq, self.total, (verdict,), commands=("order",) if self.seq % 4 == 0 and passed else ())

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode([self.seq, self.total])

    def restore(self, snapshot: bytes) -> None:
        self.seq, self.total = msgspec.msgpack.decode(snapshot)


def opening(config: dict[str, float]) -> tuple[JournalOpened, CodeVersion, ConfigLoaded]:
    text = json.dumps(config)
    return (
        JournalOpened(time_ms=0, journal_id="abc123", mode="paper", venues=ROSTER.venues, coins=ROSTER.coins),
        HERE,
        ConfigLoaded(time_ms=0, config_json=text, digest=text),
    )


def recorded(
    path: pathlib.Path, *, steps: int = 12, change_at: int | None = None, snapshot_at: int = 0,
    engine_of: Callable[[ConfigLoaded], Summing] = Summing,
) -> None:
    facts = opening({"factor": 1.0})
    engine = engine_of(facts[2])
    with Journal.open(path, mode="paper", account="sim", roster=ROSTER) as journal:
        for n in range(steps):
            marks = np.zeros(1, DTYPES["marks"])
            marks["mark_price"] = 1.0
            now = facts if n == 0 else ()
            if n == change_at:
                now = opening({"factor": 3.0})
                state = engine.snapshot()
                engine = Summing(now[2])
                engine.restore(state)
            block = EventBlock(marks=marks, facts=now, tick_ms=n * 86_400_000)
            seq = journal.append(block, "feed", n)
            journal.record(seq, engine.on_block(block))
            if seq == snapshot_at:
                journal.save_snapshot("engine", seq, "1", engine.snapshot())


def test_the_same_engine_gives_the_same_bytes_in_any_chunk(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    recorded(path)
    results = [
        replay(path, lambda _, config: Summing(config), HERE, snapshot_version="1", chunk=chunk)
        for chunk in (1, 5, 500)
    ]
    assert {result.equality for result in results} == {Equality.IDENTICAL}
    assert len({result.digest for result in results}) == 1
    assert (results[0].records, results[0].steps_compared, results[0].market_rows) == (12, 12, 12)
    assert results[0].sound
    assert results[0].same_platform


def test_a_configuration_change_is_followed(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    recorded(path, change_at=6)
    assert replay(path, lambda _, config: Summing(config), HERE, snapshot_version="1").equality is Equality.IDENTICAL


def test_other_bytes_on_another_platform_are_the_same_decisions(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    recorded(path)
    noisy = replay(path, lambda _, config: Summing(config, noise=1e-15), ELSEWHERE, snapshot_version="1")
    assert noisy.equality is Equality.SAME_DECISIONS
    assert noisy.sound
    assert noisy.first_other_seq is not None
    on_the_same_platform = replay(path, lambda _, config: Summing(config, noise=1e-15), HERE, snapshot_version="1")
    assert not on_the_same_platform.sound


def test_a_value_on_its_threshold_is_listed_and_allowed_elsewhere(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    recorded(path)
    result = replay(path, lambda _, config: Summing(config, noise=1e-12), ELSEWHERE, snapshot_version="1")
    assert result.sound
    assert [(d.seq, d.what, d.near_threshold) for d in result.differences] == [(5, "verdicts", True)]


def test_another_decision_is_found_named_and_fails(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "journal.sqlite"
    recorded(path)
    result = replay(path, lambda _, config: Summing(config, threshold=9.0), HERE, snapshot_version="1")
    assert result.equality is Equality.DIFFERENT
    assert result.differences[0].seq == 6
    assert "commands" in {difference.what for difference in result.differences}
    for as_json in (False, True):
        ended = run_and_print(
            path, lambda _, config: Summing(config, threshold=9.0), HERE, snapshot_version="1", as_json=as_json
        )
        assert ended is Exit.FAILED
        shown = capsys.readouterr().out
        assert (json.loads(shown)["equality"] == "different") if as_json else ("record 6: verdicts differ" in shown)


class Silent(Summing):
    """Speaks at every fifth record alone; `odd_at` is a record whose quiet bytes differ."""

    def __init__(self, config: ConfigLoaded, *, odd_at: int = 0, loud_at: int = 0) -> None:
        super().__init__(config)
        self.odd_at, self.loud_at = odd_at, loud_at

    def on_block(self, block: EventBlock, recorded: object = None, /) -> Step:
        step = super().on_block(block, recorded)
        loud = step.seq % 5 == 0 or step.seq == self.loud_at
        total = step.total + 1e-12 * (step.seq == self.odd_at)
        return Step(step.seq, total, commands=(f"order {step.seq}",) if loud else ())


@pytest.mark.parametrize("odd_at", range(1, 13))
def test_a_byte_that_differs_in_any_step_is_found_and_its_range_named(tmp_path: pathlib.Path, odd_at: int):
    path = tmp_path / "journal.sqlite"
    recorded(path, engine_of=Silent)
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT from_seq, seq FROM step ORDER BY seq").fetchall()
    assert rows == [(1, 5), (6, 10), (11, 12)], "quiet steps have no rows of their own"
    same = replay(path, lambda _, config: Silent(config), HERE, snapshot_version="1")
    assert (same.equality, same.steps_compared, same.first_other_to_seq) == (Equality.IDENTICAL, 12, None)
    other = replay(path, lambda _, config: Silent(config, odd_at=odd_at), HERE, snapshot_version="1")
    assert not other.sound
    assert other.equality is Equality.SAME_DECISIONS
    assert other.steps_other_bytes == 1
    expected = {5: (5, 5), 10: (10, 10)}.get(odd_at) or ((1, 4) if odd_at < 5 else (6, 9) if odd_at < 10 else (11, 12))
    assert (other.first_other_seq, other.first_other_to_seq) == expected
    shown = as_text(other)
    if odd_at in {5, 10}:
        assert f"the first at record {odd_at}" in shown
    else:
        assert "the first at one of the records {} to {}".format(*expected) in shown


@pytest.mark.parametrize("loud_at", [2, 8, 11, 12])
def test_a_step_that_said_nothing_and_now_speaks_is_named_itself(tmp_path: pathlib.Path, loud_at: int):
    path = tmp_path / "journal.sqlite"
    recorded(path, engine_of=Silent)
    result = replay(path, lambda _, config: Silent(config, loud_at=loud_at), HERE, snapshot_version="1")
    assert result.equality is Equality.DIFFERENT
    assert [(one.seq, one.what, one.recorded) for one in result.differences] == [(loud_at, "commands", [])]
    assert (result.first_other_seq, result.first_other_to_seq, result.steps_other_bytes) == (loud_at, loud_at, 1)


def test_a_step_that_spoke_and_now_says_nothing_is_a_difference(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    recorded(path, engine_of=lambda config: Silent(config, loud_at=8))
    result = replay(path, lambda _, config: Silent(config), HERE, snapshot_version="1")
    assert [(one.seq, one.recorded, one.replayed) for one in result.differences] == [(8, ["order 8"], [])]


def test_another_source_of_the_same_version_is_another_code(tmp_path: pathlib.Path):
    """Between releases the version stays: what differs in bytes then is an honest difference."""
    path = tmp_path / "journal.sqlite"
    recorded(path)
    here = msgspec.structs.replace(HERE, source="another state of development")
    noisy = replay(path, lambda _, config: Summing(config, noise=1e-15), here, snapshot_version="1")
    assert not noisy.same_code
    assert noisy.sound
    other = replay(path, lambda _, config: Summing(config, threshold=9.0), here, snapshot_version="1")
    assert not other.sound
    assert "another state of the program wrote the journal" in as_text(other)


def test_code_is_the_same_only_if_every_program_that_wrote_the_journal_was(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    recorded(path)
    later = msgspec.structs.replace(HERE, time_ms=99, source="newer")
    with Journal.open(path, mode="paper", account="sim", roster=ROSTER) as journal:
        for n, fact in enumerate((msgspec.structs.replace(HERE, time_ms=98), later)):
            journal.append(EventBlock(facts=(fact,), tick_ms=2_000_000_000_000), "feed", n)
    result = replay(path, lambda _, config: Summing(config), HERE, snapshot_version="1")
    assert (result.recorded, result.recorded_later) == (HERE, (later,)), "a restart of the same program is no change"
    assert not result.same_code
    assert result.same_platform


def test_a_journal_of_another_strategy_file_is_refused(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    recorded(path)
    mine = msgspec.structs.replace(HERE, strategies=(("mine", "a" * 64),))
    with Journal.open(path, mode="paper", account="sim", roster=ROSTER) as journal:
        journal.append(EventBlock(facts=(mine,), tick_ms=2_000_000_000_000), "feed", 1)
    assert replay(path, lambda _, config: Summing(config), mine, snapshot_version="1").sound
    for here in (HERE, msgspec.structs.replace(HERE, strategies=(("mine", "b" * 64),))):
        with pytest.raises(ExpectedError, match="strategy 'mine'"):
            replay(path, lambda _, config: Summing(config), here, snapshot_version="1")


def test_after_retention_replay_begins_at_the_oldest_snapshot(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    recorded(path, snapshot_at=8)
    with Journal.open(path, mode="paper", account="sim", roster=ROSTER) as journal:
        journal.retain(days=2, max_bytes=10**12).result(PATIENCE_S)
    result = replay(path, lambda _, config: Summing(config), HERE, snapshot_version="1")
    assert (result.from_seq, result.equality, result.records) == (9, Equality.IDENTICAL, 4)
    with pytest.raises(MarketDroppedError, match="version 2"):
        replay(path, lambda _, config: Summing(config), HERE, snapshot_version="2")


def test_a_journal_without_opening_is_refused(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    with Journal.open(path, mode="paper", account="sim", roster=ROSTER) as journal:
        journal.append(EventBlock(), "feed", 1)
    with pytest.raises(CorruptRecordError, match="ConfigLoaded"):
        replay(path, lambda _, config: Summing(config), HERE, snapshot_version="1")


def test_the_platform_names_the_processor_features_numpy_uses():
    here = this_code("1", 5)
    assert (here.version, here.time_ms) == ("1", 5)
    used = here.platform.split("; ")[-1].split(",")
    optional = [name for name in ("X86_V3", "X86_V4", "AVX512F", "ASIMDHP", "SVE") if name in used]
    if not optional:
        pytest.skip("this processor has no optional features to switch off")
    script = "from liqbot.code_version import this_code; print(this_code('1', 5).platform)"
    from_env = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], check=True, capture_output=True, text=True,
        env={"NPY_DISABLE_CPU_FEATURES": " ".join(optional), "PYTHONPATH": str(pathlib.Path.cwd())},
    ).stdout.strip()
    assert from_env != here.platform
