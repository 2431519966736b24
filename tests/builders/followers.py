"""A collector and those that follow its journal, as processes of their own over a served place."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from liqbot.blocks import KINDS, EventBlock, Roster
from liqbot.control import protocol
from liqbot.exits import ExpectedError
from liqbot.journal import JournalReader, Record
from liqbot.places import journal_path
from liqbot.runtime.assembly import recorded_engine
from tests.builders import loopback_market as market
from tests.builders.loopback_house import SECRET, Place
from tests.builders.patience import PATIENCE_S
from tests.builders.real_bot import LIQBOT
from tests.builders.venue_keys import key_settings, practice_of, secret_of


async def in_time(here: Place) -> None:
    """The venue's seconds are ours."""
    here.catch_up()
    while True:
        while market.at(here.second + 1) <= time.time() * 1_000:
            here.second += 1
            second, venue = here.second, here.venue
            price = market.PRICE * (1 + 0.002 * ((second * 7) % 11 - 5) / 5)
            await here.hub.advance(market.block(
                second, *market.flat(venue, "BTC", second, price), *market.flat(venue, "ETH", second, 2_500.0),
                market.interest(venue, second, 1e9 + 1e6 * (second % 17)), market.rate(venue, second, 0.01),
            ))
        await asyncio.sleep(0.05)


class House:
    """One process after another on the same books."""

    def __init__(
        self, here: Place, folder: Path, name: str, mode: str, *, prelude: str = "", **settings: Any
    ) -> None:
        """`prelude`: Python that its processes run first."""
        self.here, self.folder, self.name, self.data = here, folder, name, folder / name
        self._prelude = prelude
        self.process: subprocess.Popen[bytes] | None = None
        self._verb = "record" if mode == "observe" else "start"
        text = (
            f'mode = "{mode}"\ncoins = ["BTC"]\nvenues = ["{here.venue}"]\ntrade_venue = "{here.venue}"\n'
            f'[network]\nloopback = "{here.loop.url}"\nrequest_share = 1_000.0\nreconcile_s = 5.0\n'
            f"stop_canary = false\naccount_mark = false\nbackfill_h = {settings.pop('backfill_h', 0.0)}\n"
        )
        for section, values in settings.items():
            text += f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")

    @property
    def journal(self) -> Path:
        return journal_path(self.data)

    @property
    def log(self) -> str:
        return (self.folder / f"{self.name}.log").read_text(encoding="utf-8")

    def start(self) -> None:
        venue = self.here.venue
        secrets = {f"LIQBOT_KEYS__{venue.upper()}__{name.upper()}": value
                   for name, value in key_settings(venue, secret_of(venue, SECRET)).items()}
        arguments = [self._verb, "--profile", self.name, "--config", str(self.folder), "--data", str(self.data)]
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", self._prelude + LIQBOT, *arguments], env={**os.environ, **secrets},
                stdout=log, stderr=log,
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    async def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.process.wait, PATIENCE_S)

    async def status_when(self, true: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode} before {what}:\n{self.log}")
            with contextlib.suppress(ExpectedError):
                found = await asyncio.to_thread(protocol.request, self.data, {"verb": "status"})
                if true(found):
                    return found
            await asyncio.sleep(0.1)
        raise AssertionError(f"{self.name} waited in vain: {what}:\n{self.log}")

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()


@contextlib.asynccontextmanager
async def houses(*wanted: House) -> AsyncIterator[None]:
    """Killed when left; the market goes on meanwhile."""
    moving = asyncio.create_task(in_time(wanted[0].here))
    try:
        yield
    finally:
        moving.cancel()
        for one in wanted:
            one.end()


def practice(here: Place) -> str:
    return practice_of(here.venue)


def records_of(path: Path) -> list[Record]:
    with JournalReader(path) as reader:
        return list(reader.records())


def source_of(records: Sequence[Record]) -> tuple[str, int]:
    """The newest record of the collector that is in them: (its journal, its place there)."""
    found = [one for one in records if one.source.startswith("journal ")]
    return found[-1].source.removeprefix("journal "), found[-1].source_seq


def rows_of(records: Sequence[Record], roster: Roster, venues: Sequence[str], coins: Sequence[str]) -> list[Any]:
    """Every market row by names, sorted: what must be there exactly once."""
    found = []
    for record in records:
        for kind in KINDS:
            for row in record.block.rows(kind):
                values = row.item()
                venue, coin = roster.venues[values[1]], roster.coins[values[2]]
                if venue in venues and coin in coins:
                    found.append((kind, values[0], venue, coin, *map(repr, values[3:])))
    return sorted(found)


def map_after(path: Path, until_seq: int) -> tuple[bytes, ...]:
    """The map's arrays once the journal's records up to that one are folded."""
    with JournalReader(path) as reader:
        opened, _, config = reader.opening()
        assert opened is not None
        assert config is not None
        engine = recorded_engine(opened, config)
        for block in reader.blocks(to_seq=until_seq):
            engine.on_block(block)
    found = engine.market.map_of("BTC")
    return tuple(np.ascontiguousarray(part).tobytes() for part in (found.edges, found.long_usd, found.short_usd))


def empty_ticks(records: Sequence[Record]) -> list[EventBlock]:
    return [one.block for one in records if one.block.tick_ms is not None and not one.block.market_rows]
