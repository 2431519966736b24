"""Days of recording in compressed time: the recorder's own files and the journal's own retention on real disk, looked
at again and again from outside; and a recorder that is killed in the middle of its work."""

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import msgspec
import numpy as np
from patience import PATIENCE_S

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.events import MarketEvent, MarkPrice, TradeBar
from liqbot.journal import Journal, JournalLimits
from liqbot.observers.snapshots import SnapshotObserver
from liqbot.runtime.raw_files import RawFiles
from liqbot.runtime.raw_frames import Frame, Message, Session, frames_of, manifest_of, raw_files
from liqbot.runtime.storage import SNAPSHOT_SHARE
from liqbot.settings.params import JournalParams

T0_MS: Final = 1_700_000_000_000
MINUTE_MS, DAY_MINUTES = 60_000, 1_440
LISTED_MINUTES: Final = 240
VENUES: Final = ("binance", "bybit", "okx", "bitget", "gate")
ROSTER: Final = Roster(VENUES, ("BTC", "ETH"))
KILLED_AFTER_SHARE: Final = (0.3, 4.0)
"""Of what a file may hold: so much has come onto the disk by then, however long that takes."""
CHILD: Final = """
import sys
from pathlib import Path
import structlog
from liqbot.blocks import Roster
from liqbot.market.feeds.params import FeedParams
from liqbot.runtime.raw_recorder import RawRecorder
from recorded_days import T0_MS, texts
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
where, first, cap, file_bytes = Path(sys.argv[1]), *map(int, sys.argv[2:])
one = RawRecorder(where, Roster(("okx",), ("BTC",)), FeedParams(), T0_MS + first, gb_max=cap / 1e9,
                  file_mb=file_bytes / 1e6)
one.began("okx", {"BTC/USDT:USDT": {"id": "BTC-USDT-SWAP"}}, T0_MS + first)
print("begun", flush=True)
for number, text in enumerate(texts(first), first):
    while one._put_bytes - one._taken_bytes > 200_000:
        pass
    one.message("okx", f"{number} {text}", "s", T0_MS + number)
"""


class Watched(msgspec.Struct):
    """What was seen on the disk."""

    looks: int = 0
    bytes_max: int = 0
    files_ever: int = 0
    files_left: int = 0
    written_bytes: int = 0
    """Of all files, those that are gone too."""


def texts(seed: int) -> Iterator[str]:
    """As venues write them: of a hundred bytes a fifth or so remains, packed."""
    chance = random.Random(seed)
    price = 60_000.0
    while True:
        price = round(price + chance.gauss(0.0, 3.0), 1)
        time_ms, amount = T0_MS + chance.randrange(10**9), chance.randrange(1, 9_999) / 1_000
        yield (f'{{"stream":"btcusdt@aggTrade","data":{{"e":"aggTrade","E":{time_ms},"s":"BTCUSDT","p":"{price}",'
               f'"q":"{amount}","m":{chance.random() < 0.5}}}}}')


def taken_bytes(directory: Path) -> int:
    """Whatever lies there; a file that goes meanwhile takes nothing."""
    found = 0
    with os.scandir(directory) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                found += entry.stat().st_size
    return found


def require_listed(directory: Path, *, open_file: bool) -> list[str]:
    """Names of the files; each is in the list as it lies there, but for the one that is being written."""
    paths = raw_files(directory)
    listed = manifest_of(directory).files
    assert [one.file for one in listed] == [path.name for path in (paths[:-1] if open_file else paths)]
    for one in listed:
        path = directory / one.file
        assert (one.bytes, one.sha256) == (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    return [path.name for path in paths]


def raw_days(directory: Path, days: float, *, cap: int, file_bytes: int, minute_messages: int) -> Watched:
    """Message after message, minute after minute of a virtual clock; after each the disk holds no more than the cap,
    and of all files ever made the newest."""
    session = Session(T0_MS, ("okx",), ("BTC",), 250, 250, inferred=False)
    beginning: tuple[Frame, ...] = (session,)
    files, seen, watched, gone_bytes = RawFiles(directory, cap, file_bytes, lambda: beginning), [], Watched(), 0
    sizes: dict[str, int] = {}
    told = texts(1)
    for minute in range(int(days * DAY_MINUTES)):
        for number in range(minute_messages):
            now_ms = T0_MS + minute * MINUTE_MS + number * MINUTE_MS // minute_messages
            assert files.write(Message(now_ms, "okx", "s", next(told)), now_ms)
            watched.looks += 1
            watched.bytes_max = max(watched.bytes_max, taken_bytes(directory))
            assert watched.bytes_max <= cap, f"{watched.bytes_max} bytes after {watched.looks} messages"
        files.flush()
        watched.bytes_max = max(watched.bytes_max, taken_bytes(directory))
        assert watched.bytes_max <= cap
        there = [path.name for path in raw_files(directory)]
        seen += [name for name in there if name not in seen[-len(there) - 5 :]]
        assert there == seen[-len(there) :], "not the oldest went"
        gone_bytes += sum(size for name, size in sizes.items() if name not in there)
        sizes = {name: (directory / name).stat().st_size for name in there}
        if minute % LISTED_MINUTES == 0:
            require_listed(directory, open_file=True)
    files.close()
    assert taken_bytes(directory) <= cap
    left = require_listed(directory, open_file=False)
    assert not any(row.torn for row in manifest_of(directory).files)
    times = [frame.t for frame in frames_of(raw_files(directory)) if isinstance(frame, Message)]
    assert times == sorted(times)
    assert times[-1] == now_ms
    watched.files_ever, watched.files_left = len(seen), len(left)
    watched.written_bytes = gone_bytes + sum(sizes.values())
    return watched


def journal_days(path: Path, days: float, *, keep_gb: float, keep_days: float, minute_rows: int) -> Watched:
    """A record a minute of a virtual clock, snapshots and retention by the observer of a house; the file, and what lies
    beside it, stays below what is configured."""
    params = JournalParams(keep_gb=keep_gb, keep_days=keep_days)
    watched, chance = Watched(), np.random.default_rng(1)
    cap = int(params.keep_gb * 1e9)
    limits = JournalLimits(snapshot_bytes_max=int(cap * SNAPSHOT_SHARE))
    with Journal.open(path, mode="observe", account="none", roster=ROSTER, limits=limits) as journal:
        observer = SnapshotObserver(journal, None, params, "v")
        engine: Any = SimpleNamespace(
            account=SimpleNamespace(positions={}), order_manager=SimpleNamespace(at_work=False), is_recorded=True,
            snapshot=lambda: chance.bytes(100_000),
        )
        for minute in range(int(days * DAY_MINUTES)):
            tick_ms = T0_MS + minute * MINUTE_MS
            block = _minute(tick_ms, minute_rows, chance)
            seq = journal.append(block, "inbox", minute)
            step: Any = SimpleNamespace(time_ms=tick_ms)
            observer.on_step(seq, block, step, engine)
            if minute % 20 == 0:
                journal.durable().result(PATIENCE_S)
                watched.looks += 1
                watched.bytes_max = max(watched.bytes_max, taken_bytes(path.parent))
                assert watched.bytes_max <= cap, f"{watched.bytes_max:,} bytes after {minute / DAY_MINUTES:.1f} days"
    with contextlib.closing(journal.reader()) as reader:
        retained_seq, oldest = reader.stamp.retained_seq, next(iter(reader.records(reader.stamp.retained_seq)))
        watched.files_left = int(days * DAY_MINUTES) - retained_seq + 1
        assert oldest.block.market_rows == minute_rows
    watched.files_ever = int(days * DAY_MINUTES)
    return watched


def _minute(tick_ms: int, rows: int, chance: np.random.Generator) -> EventBlock:
    found: list[MarketEvent] = []
    for number in range(rows):
        at = {"time_ms": tick_ms - 999 + number % 999, "venue": VENUES[number % len(VENUES)],
              "coin": ("BTC", "ETH")[number % 2]}
        price = 60_000.0 + float(chance.normal())
        found.append(MarkPrice(**at, mark_price=price, index_price=price) if number % 3 == 0 else TradeBar(
            **at, span_ms=250, open=price, high=price + 1, low=price - 1, close=price, volume_usd=price * 3))
    found.sort(key=lambda row: row.time_ms)
    return block_of(found, ROSTER, tick_ms=tick_ms)


def killed_recorders(directory: Path, rounds: int, *, cap: int, file_bytes: int, seed: int) -> Watched:
    """A recorder in a process of its own, killed in the middle of its work, and the next one after it. Every look at
    the disk in between finds no more than the cap; every file can be read to its end or to its tear, and no message is
    missing between two files of one process."""
    chance, watched, first = random.Random(seed), Watched(), 0
    for _ in range(rounds):
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(directory), str(first), str(cap), str(file_bytes)],
            stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        left_bytes, taken = chance.uniform(*KILLED_AFTER_SHARE) * file_bytes, taken_bytes(directory)
        while left_bytes > 0:
            watched.looks += 1
            before, taken = taken, taken_bytes(directory)
            left_bytes -= max(0, taken - before)
            watched.bytes_max = max(watched.bytes_max, taken)
            assert watched.bytes_max <= cap
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        numbers = [int(frame.raw.split(b" " if isinstance(frame.raw, bytes) else " ")[0])  # type: ignore[arg-type]
                   for frame in frames_of(raw_files(directory)) if isinstance(frame, Message)]
        assert numbers == sorted(set(numbers))
        own = [number for number in numbers if number >= first]
        assert own == list(range(own[0], own[-1] + 1)) if own else True
        first = (numbers[-1] if numbers else first) + 1_000
    after = RawFiles(directory, cap, file_bytes, tuple)
    assert taken_bytes(directory) <= cap
    watched.files_left = len(require_listed(directory, open_file=False))
    watched.files_ever = sum(row.torn for row in manifest_of(directory).files)
    after.close()
    return watched
