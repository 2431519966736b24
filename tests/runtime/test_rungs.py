"""Days on the ladder: written by what really ran, counted once, for one program and one configuration only."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as drawn
from hypothesis import strategies as st

from liqbot.blocks import EventBlock, Roster
from liqbot.engine import Engine
from liqbot.events import Halt
from liqbot.runtime.assembly import engine_of
from liqbot.runtime.rungs import DAY_MIN, MINUTE_MS, Rung, RungRecorder, identity_of, recorded_days, recording
from liqbot.settings import Settings
from paper.sessions.listings import paper_instruments
from tests.builders import loopback_market as market
from tests.builders.loopback_house import settings_for

LATER_MS = market.START_MS + 90 * DAY_MIN * MINUTE_MS


def settings(**more: object) -> Settings:
    return settings_for("binance", "", **more)


def an_engine() -> Engine:
    return engine_of(settings(), Roster(("binance",), ("BTC",)), "abc123", paper_instruments("binance", ("BTC",)))


def ran(
    path: Path, minutes: list[int], rung: Rung = Rung.PAPER, *, wired: Settings | None = None, off_ms: int = 0,
    engine: Engine | None = None, facts: tuple[Halt, ...] = (),
) -> None:
    """A house whose ticks come in these minutes, on a clock that is `off_ms` from theirs."""
    engine, now_ms = engine or an_engine(), [0]
    with RungRecorder(path, rung, identity_of(wired or settings()), lambda: now_ms[0]) as recorder:
        if facts:
            engine.on_block(EventBlock(facts=facts))
        for minute in minutes:
            for second in (minute * 60, minute * 60 + 1):
                now_ms[0] = market.at(second) + off_ms
                rows = market.quiet(second, "binance")
                recorder.on_step(second, rows, engine.on_block(rows), engine)


def days(path: Path, wired: Settings | None = None, now_ms: int = LATER_MS) -> dict[Rung, float]:
    return recorded_days(path, identity_of(wired or settings()), now_ms)


@pytest.mark.drawn(singly=True)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=30, unique=True).map(sorted))
@drawn(max_examples=8)
def test_every_minute_counts_once_however_often_it_ran(tmp_path_factory: pytest.TempPathFactory, minutes: list[int]):
    path = tmp_path_factory.mktemp("rungs") / "below" / "rungs.jsonl"
    for _ in range(2):  # two houses at once
        ran(path, minutes)
    assert days(path)[Rung.PAPER] * DAY_MIN == pytest.approx(len(minutes))
    assert days(path)[Rung.OBSERVE] == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_other_numbers_and_another_program_count_for_themselves(tmp_path: Path) -> None:
    path = tmp_path / "rungs.jsonl"
    ran(path, [1, 2, 3])
    assert days(path, settings(risk={"leverage_max": 1}))[Rung.PAPER] == 0
    # What does not decide changes nothing: mode, log, network, how the books are written.
    same = settings(mode="testnet", log={"level": "error"}, journal={"keep_days": 2.0})
    assert days(path, same)[Rung.PAPER] > 0
    path.write_bytes(path.read_bytes().replace(identity_of(settings()).source.encode(), b"0" * 64))
    assert days(path)[Rung.PAPER] == 0


def test_a_tape_that_is_read_faster_than_time_counts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rungs.jsonl"
    ran(path, list(range(30)), off_ms=DAY_MIN * MINUTE_MS)
    assert not path.exists()


def test_a_house_that_may_enter_nothing_counts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rungs.jsonl"
    ran(path, [1, 2, 3], facts=(Halt(time_ms=market.START_MS, reason="paused"),))
    assert not path.exists()


def test_minutes_to_come_and_lines_that_are_none_count_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rungs.jsonl"
    ran(path, list(range(10)))
    good = path.read_bytes()
    path.write_bytes(b"\xff\n[]\nnull\n" + good + b'{"rung":"moon"}\n' + good.replace(b'"minutes":10', b'"minutes":-5'))
    assert days(path)[Rung.PAPER] * DAY_MIN == pytest.approx(10)
    assert days(path, now_ms=market.at(4 * 60))[Rung.PAPER] * DAY_MIN == pytest.approx(4)
    assert days(tmp_path / "none")[Rung.PAPER] == 0


def test_a_record_that_cannot_be_written_is_said_and_ends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    ran(tmp_path / "file" / "rungs.jsonl", list(range(25)))
    shown = capsys.readouterr()
    assert (shown.out + shown.err).count("cannot be written") == 1


def test_a_link_somebody_else_put_there_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "rungs.jsonl").symlink_to(tmp_path / "elsewhere")
    ran(tmp_path / "rungs.jsonl", [1, 2])
    assert not (tmp_path / "elsewhere").exists()


def test_loopback_records_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQBOT_RUNGS", str(tmp_path / "rungs.jsonl"))
    with recording(settings_for("binance", "http://127.0.0.1:8900"), Rung.TESTNET, lambda: 0) as checks:
        assert checks == ()
    with recording(settings(), Rung.TESTNET, lambda: 0) as checks:
        assert len(checks) == 1
