"""Raw messages on disk: rotation, cap, manifest, what a killed process leaves, and a queue that never waits."""

import gzip
import hashlib
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liqbot.blocks import Roster
from liqbot.exits import Exit, ExpectedError
from liqbot.market.feeds.params import FeedParams
from liqbot.runtime import raw_files as files_module
from liqbot.runtime.raw_files import RawFiles
from liqbot.runtime.raw_frames import (
    MANIFEST,
    Dropped,
    Frame,
    Lost,
    Message,
    Session,
    frames_of,
    manifest_of,
    raw_files,
)
from liqbot.runtime.raw_recorder import RawRecorder
from liqbot.runtime.raw_replay import replayed

ROSTER = Roster(("okx",), ("BTC",))
T0_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
NOISE = [hashlib.sha512(str(number).encode()).hexdigest() for number in range(800)]
"""Texts of which half remains, packed."""
PENDING_BYTES = 32_768
"""What the packer holds back before it gives anything out, at most."""


def recorder(directory: Path, **more: Any) -> RawRecorder:
    return RawRecorder(directory, ROSTER, FeedParams(), T0_MS, **{"gb_max": 1.0, "file_mb": 1.0} | more)


def messages(directory: Path) -> list[Message]:
    return [one for one in frames_of(raw_files(directory)) if isinstance(one, Message)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text() | st.binary(), st.integers(-HOUR_MS, 2 * HOUR_MS)), max_size=20))
def test_whatever_was_heard_is_read_again_in_order(
    tmp_path_factory: pytest.TempPathFactory, heard: list[tuple[str | bytes, int]]
) -> None:
    """Also when the clock jumps over hours, to and fro."""
    directory = tmp_path_factory.mktemp("raw")
    one = recorder(directory)
    for raw, ahead_ms in heard:
        one.message("okx", raw, "wss://a/b", T0_MS + ahead_ms)
    assert one.close()
    assert [(frame.raw, frame.t - T0_MS) for frame in messages(directory)] == heard
    assert sum(file.messages.get("okx", 0) for file in manifest_of(directory).files) == len(heard)


def test_a_file_ends_at_its_size_and_at_the_hour_and_each_begins_with_the_contracts(tmp_path: Path) -> None:
    one = recorder(tmp_path, file_mb=0.02)
    one.began("okx", {"BTC/USDT:USDT": {"id": "BTC-USDT-SWAP"}}, T0_MS)
    for number, text in enumerate(NOISE):
        one.message("okx", text, "s", T0_MS + number)
    one.message("okx", "next hour", "s", T0_MS + HOUR_MS)
    one.lost("okx", 2, "cut", T0_MS + HOUR_MS)
    one.close()
    paths = raw_files(tmp_path)
    assert len(paths) > 2
    assert all(path.stat().st_size < 20_000 + PENDING_BYTES for path in paths)
    for path in paths:
        begins = [type(frame).__name__ for frame in frames_of([path])][:2]
        assert begins == ["Session", "Contracts"]
    last = list(frames_of(paths[-1:]))
    assert last[2:] == [Message(T0_MS + HOUR_MS, "okx", "s", "next hour"), Lost(T0_MS + HOUR_MS, "okx", 2, "cut")]
    rows = manifest_of(tmp_path).files
    assert all(before.last_ms <= after.first_ms for before, after in pairwise(rows))


def test_the_oldest_files_go_at_the_cap(tmp_path: Path) -> None:
    one = recorder(tmp_path, gb_max=40_000 / 1e9, file_mb=0.01)
    for round_number in range(4):
        for number, text in enumerate(NOISE):
            one.message("okx", f"{round_number} {text}", "s", T0_MS + number)
    one.close()
    assert sum(path.stat().st_size for path in raw_files(tmp_path)) <= 40_000
    assert messages(tmp_path)[-1].raw == f"3 {NOISE[-1]}"
    assert [row.file for row in manifest_of(tmp_path).files] == [path.name for path in raw_files(tmp_path)]


def written(directory: Path, texts: list[str]) -> RawFiles:
    """By a process that is killed: flushed, never closed."""
    files = RawFiles(directory, 10**9, 10**6, lambda: [Session(T0_MS, ("okx",), ("BTC",), 250, 250, inferred=False)])
    for text in texts:
        files.write(Message(T0_MS, "okx", "s", text), T0_MS)
    files.flush()
    return files


@pytest.mark.parametrize("cut_bytes", [0, 1, 500, 5_000])
def test_a_torn_file_is_read_up_to_the_tear_and_listed_at_the_next_start(tmp_path: Path, cut_bytes: int) -> None:
    killed = written(tmp_path, NOISE)
    path = raw_files(tmp_path)[0]
    path.write_bytes(path.read_bytes()[: path.stat().st_size - cut_bytes])
    found = [one.raw for one in messages(tmp_path)]
    assert found == NOISE[: len(found)]
    assert len(found) >= len(NOISE) - cut_bytes // 50 - 2
    assert manifest_of(tmp_path).files == ()
    assert recorder(tmp_path).close()
    (row,) = manifest_of(tmp_path).files
    assert (row.torn, row.messages, row.bytes) == (True, {"okx": len(found)}, path.stat().st_size)
    assert row.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    killed.abandon()


def test_a_slow_disk_drops_and_counts_and_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    write = RawFiles.write

    def hanging(files: RawFiles, frame: Frame, now_ms: int) -> None:
        answers.wait()
        write(files, frame, now_ms)

    monkeypatch.setattr(RawFiles, "write", hanging)
    one = recorder(tmp_path, waiting_bytes_max=20_000)
    for number in range(1_000):
        one.message("okx", f"{number}", "s", T0_MS + number)
    assert 0 < one.dropped < 1_000
    dropped = one.dropped
    answers.set()
    assert one.close()
    frames = list(frames_of(raw_files(tmp_path)))
    assert [frame.m for frame in frames if isinstance(frame, Message)] == [f"{n}" for n in range(1_000 - dropped)]
    assert [frame.count for frame in frames if isinstance(frame, Dropped)] == [dropped]


def test_ends_of_steps_do_not_pile_up_either_before_a_disk_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(RawFiles, "write", lambda *_: answers.wait())
    one = recorder(tmp_path, waiting_bytes_max=20_000)
    for number in range(1_000):
        one.handed_over("okx", (), T0_MS + number, everything=False)
        one.ticked(T0_MS + number, 0, T0_MS + number)
    assert one._queue.qsize() < 100
    assert one.dropped > 1_900
    answers.set()
    assert one.close()


def test_a_disk_that_refuses_costs_what_it_refused_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liqbot.runtime.raw_recorder._REST_S", 0.0)
    packed, refusing = files_module._OpenFile._put, iter([False] * 5 + [True])

    def put(file: Any, content: bytes) -> None:
        if next(refusing, False):
            raise OSError(28, "No space left on device")
        packed(file, content)

    monkeypatch.setattr(files_module._OpenFile, "_put", put)
    one = recorder(tmp_path)
    for number in range(20):
        one.message("okx", f"{number}", "s", T0_MS + number)
    assert one.close()
    assert one.unwritten == 1
    assert [frame.count for frame in frames_of(raw_files(tmp_path)[1:]) if isinstance(frame, Dropped)] == [1]
    assert {row.file for row in manifest_of(tmp_path).files} == {raw_files(tmp_path)[1].name}


def test_a_manifest_that_cannot_be_read_is_made_again(tmp_path: Path) -> None:
    one = recorder(tmp_path)
    one.message("okx", "a", "s", T0_MS)
    one.close()
    before = manifest_of(tmp_path)
    (tmp_path / MANIFEST).write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"manifest\.json"):
        manifest_of(tmp_path)
    recorder(tmp_path).close()
    assert manifest_of(tmp_path) == before


def test_what_is_no_recording_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ExpectedError, match="no raw messages") as none:
        replayed(tmp_path)
    assert none.value.exit_code == Exit.USAGE
    path = tmp_path / f"raw-{T0_MS}.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"k":"strange"}\n'))
    with pytest.raises(ExpectedError, match="line 1: Invalid value 'strange'"):
        replayed(tmp_path)


def test_two_recordings_of_other_coins_are_not_mixed(tmp_path: Path) -> None:
    for number, coin in enumerate(("BTC", "ETH")):
        one = RawRecorder(tmp_path, Roster(("okx",), (coin,)), FeedParams(), T0_MS + number, gb_max=1, file_mb=1)
        one.began("okx", {}, T0_MS + number)
        one.close()
    _, blocks = replayed(tmp_path)
    with pytest.raises(ExpectedError, match="read them apart"):
        list(blocks)
