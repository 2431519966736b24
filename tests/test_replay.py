"""Replay compares step by step, says which equality holds, and points at the first step that differs."""

import json
import pathlib
import subprocess
import sys

import msgspec
import numpy as np
import pytest

from liqbot.blocks import DTYPES, EventBlock, Roster
from liqbot.code_version import this_code
from liqbot.events import CodeVersion, ConfigLoaded, JournalOpened
from liqbot.exits import Exit
from liqbot.instruments import Side
from liqbot.journal import Journal
from liqbot.journal.errors import CorruptRecordError, MarketDroppedError
from liqbot.replay import Equality, replay
from liqbot.review.replayed import run_and_print
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

    def encoded(self) -> bytes:
        return msgspec.msgpack.encode(self)


class Summing:
    """Adds up marks, times a factor from its configuration; orders when the sum passes its threshold."""

    def __init__(self, config: ConfigLoaded, *, noise: float = 0.0, threshold: float = 5.0) -> None:
        self.factor = json.loads(config.config_json)["factor"]
        self.noise, self.threshold, self.seq, self.total = noise, threshold, 0, 0.0

    def on_block(self, block: EventBlock) -> Step:
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


def recorded(path: pathlib.Path, *, steps: int = 12, change_at: int | None = None, snapshot_at: int = 0) -> None:
    facts = opening({"factor": 1.0})
    engine = Summing(facts[2])
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


def test_after_retention_replay_begins_at_the_oldest_snapshot(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    recorded(path, snapshot_at=8)
    with Journal.open(path, mode="paper", account="sim", roster=ROSTER) as journal:
        journal.retain(days=2, max_bytes=10**12).result(20)
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
