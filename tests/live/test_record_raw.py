"""Raw messages of a recorded loopback market, read again: the facts are those of the journal."""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from liqbot.blocks import EventBlock
from liqbot.cli import main
from liqbot.events import FeedDown
from liqbot.exits import Exit
from liqbot.instruments import Side
from liqbot.journal import JournalReader
from liqbot.live.record import record
from liqbot.places import journal_path
from liqbot.runtime.raw_frames import Answer, Message, frames_of, manifest_of, raw_files
from liqbot.runtime.raw_recorder import DIRECTORY
from liqbot.runtime.raw_replay import replayed
from paper.tapes.reader import read_tape
from tests.builders import loopback_market as market
from tests.builders.loopback_house import Place, place
from tests.builders.patience import until
from tests.builders.recording_life import market_steps, until_recorded

BEHIND_MS = 300_000
"""The venue begins in the past, because it runs ahead: beyond a minute before our clock its times are no facts."""
SENT_BEFORE = 60
"""Messages before the line breaks: in the middle of a market."""
KINDS = ("bars", "marks", "liquidations", "open_interest", "funding")


def rows_of_kind(blocks: Sequence[EventBlock], kind: str, until_ms: int) -> list[bytes]:
    """Sorted: the order of rows between two flushes is no fact."""
    rows = np.concatenate([block.rows(kind) for block in blocks])
    return sorted(row.tobytes() for row in rows[rows["time_ms"] <= until_ms])


def newest_ms(blocks: Sequence[EventBlock], kind: str) -> int:
    return max((int(block.rows(kind)["time_ms"].max()) for block in blocks if len(block.rows(kind))), default=0)


async def advancing(here: Place) -> None:
    """Ten seconds of the venue in one of ours."""
    while True:
        here.second += 1
        second, venue = here.second, here.venue
        await here.hub.advance(market.block(
            second, *market.flat(venue, "BTC", second, market.PRICE + second % 7),
            market.forced(venue, second, Side.LONG if second % 2 else Side.SHORT, market.PRICE, 1e4 + second % 11),
            market.interest(venue, second, 1e9 + second), market.rate(venue, second, 0.01),
        ))
        await asyncio.sleep(0.1)


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("venue", ["binance", "bitget", "bybit", "okx"])
async def test_raw_messages_read_again_give_the_facts_of_the_journal(venue: str, tmp_path: Path) -> None:
    raw = tmp_path / DIRECTORY
    async with place(venue) as here:
        here.catch_up(BEHIND_MS)
        moving = asyncio.create_task(advancing(here))
        try:
            settings = here.settings(record={"raw_file_mb": 0.01})
            recording = asyncio.create_task(record(settings, tmp_path, for_s=None, raw=True))
            assert await until_recorded(recording, tmp_path, lambda blocks: market_steps(blocks) > 3) == Exit.OK
        finally:
            moving.cancel()
    with JournalReader(journal_path(tmp_path)) as reader:
        told = list(reader.blocks())
        roster, blocks = replayed(raw)
        read = list(blocks)
        assert roster == reader.stamp.roster
    for kind in KINDS:
        # The journal ends with its last whole clock step, in the middle of what was received.
        until_ms = newest_ms(told, kind) - 1_000
        assert rows_of_kind(read, kind, until_ms) == rows_of_kind(told, kind, until_ms), kind
    for kind in ("bars", "marks", "liquidations"):
        assert len(rows_of_kind(read, kind, newest_ms(told, kind))) > 3
    manifest_tells_the_files(raw, venue)


@pytest.mark.drawn(singly=True)
async def test_a_line_that_broke_is_in_the_recording_and_the_facts_around_it_are_the_same(tmp_path: Path) -> None:
    async with place("bybit") as here:
        here.catch_up(BEHIND_MS)
        moving = asyncio.create_task(advancing(here))
        cutting = asyncio.create_task(cut_later(here))
        try:
            recording = asyncio.create_task(record(here.settings(), tmp_path, for_s=None, raw=True))
            assert await until_recorded(recording, tmp_path, mended) == Exit.OK
        finally:
            moving.cancel()
            cutting.cancel()
    with JournalReader(journal_path(tmp_path)) as reader:
        told = list(reader.blocks())
    _, blocks = replayed(tmp_path / DIRECTORY)
    read = list(blocks)
    assert falls(told)
    assert falls(read) == falls(told)
    for kind in KINDS:
        until_ms = newest_ms(told, kind) - 1_000
        assert rows_of_kind(read, kind, until_ms) == rows_of_kind(told, kind, until_ms), kind


async def cut_later(here: Place) -> None:
    await until(lambda: sum(socket.sent for socket in here.loop.server.sockets) >= SENT_BEFORE)
    here.loop.server.cut("")


def mended(blocks: Sequence[EventBlock]) -> bool:
    """It fell, and something was traded in several steps since."""
    fell = [number for number, block in enumerate(blocks) if any(isinstance(fact, FeedDown) for fact in block.facts)]
    return bool(fell) and market_steps(blocks[fell[-1] + 1 :]) > 2


def falls(blocks: Sequence[EventBlock]) -> list[FeedDown]:
    return [fact for block in blocks for fact in block.facts if isinstance(fact, FeedDown)]


@pytest.mark.drawn(singly=True)
def test_a_tape_is_made_of_raw_messages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(recorded("okx", tmp_path))
    tape = tmp_path / "raw.tape"
    assert main(["tape", "export", str(tape), "--raw", str(tmp_path / DIRECTORY)]) == Exit.OK
    assert "ok:" in capsys.readouterr().out
    assert read_tape(tape).roster.coins == ("BTC",)


async def recorded(venue: str, data: Path) -> None:
    async with place(venue) as here:
        here.catch_up(BEHIND_MS)
        moving = asyncio.create_task(advancing(here))
        recording = asyncio.create_task(record(here.settings(), data, for_s=None, raw=True))
        assert await until_recorded(recording, data, lambda blocks: market_steps(blocks) > 1) == Exit.OK
        moving.cancel()


def manifest_tells_the_files(raw: Path, venue: str) -> None:
    files = manifest_of(raw).files
    assert [one.file for one in files] == [path.name for path in raw_files(raw)]
    for one in files:
        packed = (raw / one.file).read_bytes()
        times = [frame.t for frame in frames_of([raw / one.file]) if isinstance(frame, Message | Answer)]
        assert (one.bytes, one.sha256, one.torn) == (len(packed), hashlib.sha256(packed).hexdigest(), False)
        assert (one.first_ms, one.last_ms, one.messages) == (min(times), max(times), {venue: len(times)})


async def test_a_recording_that_was_not_asked_for_raw_messages_keeps_none(tmp_path: Path) -> None:
    async with place() as here:
        assert await record(here.settings(), tmp_path, for_s=0.5) == Exit.OK
    assert not (tmp_path / DIRECTORY).exists()
