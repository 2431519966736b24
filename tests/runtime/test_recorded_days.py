"""Days of recording in compressed time stay below their disk, the oldest go first, and a recorder that is killed leaves
nothing that cannot be read. `bench/retention.py` does thirty of them."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from recorded_days import journal_days, killed_recorders, raw_days, taken_bytes

from liqbot.runtime import raw_files as files_module
from liqbot.runtime.raw_files import RawFiles
from liqbot.runtime.raw_frames import Message, Session, frames_of, raw_files

T0_MS = 1_700_000_000_000


@pytest.mark.drawn(singly=True)
def test_raw_messages_of_a_day_stay_below_their_disk_at_every_message(tmp_path: Path) -> None:
    seen = raw_days(tmp_path / "raw", 0.5, cap=60_000, file_bytes=12_000, minute_messages=3)
    assert seen.bytes_max > 30_000
    assert seen.files_ever > seen.files_left > 2
    assert seen.written_bytes > 60_000 - 12_000


@pytest.mark.drawn(singly=True, dear=True)
def test_a_journal_of_days_keeps_the_newest_rows_and_stays_below_its_disk(tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    seen = journal_days(tmp_path / "books" / "journal.sqlite", 1.25, keep_gb=0.05, keep_days=1.0, minute_rows=20)
    assert seen.files_left < seen.files_ever


@pytest.mark.drawn(singly=True, dear=True)
def test_a_recorder_that_is_killed_leaves_whole_lines_a_right_list_and_its_disk_is_not_exceeded(tmp_path: Path) -> None:
    seen = killed_recorders(tmp_path, 2, cap=60_000, file_bytes=12_000, seed=1)
    assert seen.bytes_max > 12_000
    assert seen.files_ever <= 2


@pytest.mark.drawn(singly=True)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 12_000), st.booleans(), st.integers(0, 2_000_000)), min_size=1, max_size=60),
    st.integers(30_000, 60_000), st.integers(1_000, 40_000), st.integers(0, 3_000),
)
@example([(8_000, False, 0)] * 40, 40_000, 5_000, 0)
@example([(2_500, False, 0)] * 60, 30_000, 3_500, 10)
def test_whatever_comes_the_disk_holds_no_more_than_is_configured(
    tmp_path_factory: pytest.TempPathFactory, messages: list[tuple[int, bool, int]], cap: int, file_bytes: int,
    beginning: int,
) -> None:
    """Texts that pack well and texts that do not, short and long, jumps over hours, files smaller than what they begin
    with; looked at after every single write. A message that fits nowhere is refused, and nothing else is."""
    directory, chance = tmp_path_factory.mktemp("raw"), random.Random(len(messages))
    session = Session(T0_MS, ("x" * beginning,), ("BTC",), 250, 250, inferred=False)
    put = files_module._OpenFile._put

    def looked_at(file: Any, packed: bytes) -> None:
        put(file, packed)
        file._file.flush()
        assert taken_bytes(directory) <= cap

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files_module._OpenFile, "_put", looked_at)
        files, written, now_ms = RawFiles(directory, cap, file_bytes, lambda: [session]), list[str](), T0_MS
        for size, packs, later_ms in messages:
            now_ms += later_ms
            text = "a" * size if packs else "".join(chr(chance.randrange(32, 126)) for _ in range(size))
            if files.write(Message(now_ms, "okx", "s", text), now_ms):
                written.append(text)
            else:
                assert 2 * (size + beginning) > cap - 10_000
        files.close()
    assert taken_bytes(directory) <= cap
    kept = [frame.raw for frame in frames_of(raw_files(directory)) if isinstance(frame, Message)]
    assert kept == written[len(written) - len(kept) :]
