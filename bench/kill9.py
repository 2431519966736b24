"""kill -9 at seeded instants around a send, over the loopback exchange, with the real bot as a process of its own.

After every restart: no order twice, no fill lost, no order that the journal did not intend, no position without a stop.
Usage: bench/kill9.py [--instants 20] [--seed 1] [--venue binance] [--data DIR]
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Container, Mapping
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from _soak_profile import environment_of, write_profile

from liqbot import places
from liqbot.commands import Command, PlaceOrder, Purpose
from liqbot.control import protocol
from liqbot.events import Event, Fill
from liqbot.execution import client_order_id
from liqbot.exits import ExpectedError
from liqbot.journal import JournalReader, plain_step
from liqbot.venues import entry_stops
from liqbot.venues.registry import protection_of
from paper.dialects.accounts import OrderRecord, VenueAccount
from paper.dialects.hub import Hub
from paper.dialects.serving import dialects_of, serving, traded
from paper.exchange import PaperParams
from paper.sessions.listings import paper_instruments
from paper.world import World
from paper.world.params import WorldParams
from tests.builders.venue_keys import opened

PURPOSES = (Purpose.ENTRY, Purpose.STOP, Purpose.EXIT)
MOMENTS = ("before", "arrived", "answered")
SETTLED_S, ASLEEP_S = 8.0, 0.05


def nothing() -> None:
    """Bots as they are."""


class Nursery:
    """Forks bots from a process that has loaded everything already: a start costs a second instead of ten."""

    def __init__(self, prepare: Callable[[], None] = nothing) -> None:
        """`prepare` is called in every bot's process before the bot is."""
        context = multiprocessing.get_context("fork")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_nurse, args=(there, prepare), daemon=True)
        self._process.start()

    def start(self, arguments: list[str], log: Path, environment: dict[str, str]) -> int:
        self._here.send((arguments, str(log), environment))
        return int(self._here.recv())

    def close(self) -> None:
        self._here.send(None)
        self._process.join(5)


def _nurse(pipe: Connection, prepare: Callable[[], None]) -> None:
    import ccxt.pro  # noqa: F401

    import liqbot.cli
    import liqbot.verbs.start

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while (asked := pipe.recv()) is not None:
        arguments, log, environment = asked[0], Path(asked[1]), asked[2]
        pid = os.fork()
        if not pid:
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.setsid()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.environ.update(environment)
            prepare()
            code = liqbot.cli.main(arguments)
            log.with_suffix(".exit").write_text(str(int(code)), encoding="utf-8")
            os._exit(code)
        pipe.send(pid)


class Venue:
    """The exchange's side: who trades, when to strike, and for how long a position went without a stop."""

    def __init__(self, hub: Hub, account: VenueAccount) -> None:
        self.hub, self.account = hub, account
        self.strike: tuple[Purpose, str, float] | None = None
        self.struck = asyncio.Event()
        self.pid = 0
        self.killed_after = ""
        self.signal = signal.SIGKILL
        self.unprotected_s = self.unprotected_s_max = 0.0
        self._execute = hub.execute
        hub.execute = self._watched  # type: ignore[method-assign]

    def arm(self, purpose: Purpose, moment: str, delay_s: float) -> None:
        self.struck.clear()
        self.killed_after = ""
        self.strike = (purpose, moment, delay_s)

    async def _watched(
        self, account: VenueAccount, command: Command, params: Mapping[str, str] | None = None
    ) -> tuple[Event, ...]:
        self._near(command, "arrived")
        try:
            return await self._execute(account, command, params)
        finally:
            self._near(command, "answered")

    def _near(self, command: Command, moment: str) -> None:
        if self.strike is not None and isinstance(command, PlaceOrder):
            purpose, wanted, delay_s = self.strike
            if client_order_id.purpose_of(command.client_id) is purpose and wanted == moment:
                self.kill_in(delay_s, f"{moment} {command.client_id}")

    def kill_in(self, delay_s: float, why: str) -> None:
        self.strike = None
        asyncio.get_running_loop().call_later(delay_s, self._kill, why)

    def _kill(self, why: str) -> None:
        os.kill(self.pid, self.signal)
        self.killed_after = why
        self.struck.set()

    @property
    def position_base(self) -> Decimal:
        held = self.account.holding("BTC")
        return held.quantity_base if held is not None else Decimal(0)

    @property
    def stopped_base(self) -> Decimal:
        stops = [order for order in self.account.open_orders("BTC") if order.command.trigger_price is not None]
        return sum((order.command.quantity_base - order.filled_base for order in stops), Decimal(0))

    async def watch(self) -> None:
        """Strikes a moment after a fill when the stop is the target; measures protection."""
        since_s, was_base = 0.0, Decimal(0)
        while True:
            held_base, now_s = self.position_base, time.monotonic()
            if held_base and not was_base and self.strike is not None and self.strike[:2] == (Purpose.STOP, "before"):
                self.kill_in(self.strike[2], "fill of the entry")
            was_base = held_base
            if not held_base or self.stopped_base >= held_base:
                since_s = 0.0
            else:
                since_s = since_s or now_s
                self.unprotected_s = now_s - since_s
                self.unprotected_s_max = max(self.unprotected_s_max, self.unprotected_s)
            await asyncio.sleep(0.01)


class Trial:
    def __init__(self, venue: Venue, nursery: Nursery, data: Path, config: Path, name: str) -> None:
        self.venue, self._nursery, self.data, self._config = venue, nursery, data, config
        self.environment = environment_of(name)
        self._rides = protection_of(name).attached is not None
        self.starts = 0

    async def start(self) -> float:
        """Until the account is read; gives the seconds it took."""
        self.starts += 1
        arguments = ["start", "--profile", "kill9", "--config", str(self._config), "--data", str(self.data)]
        began_s = time.monotonic()
        self.venue.pid = self._nursery.start(arguments, self.data / "bot.log", self.environment)
        await self._until(lambda status: bool(status and all(coin["reconciled"] for coin in status["coins"])
                                              and status["coins"]), 180)
        return time.monotonic() - began_s

    async def ask(self, **command: Any) -> dict[str, Any] | None:
        try:
            return await asyncio.to_thread(protocol.request, self.data, command, timeout_s=30)
        except ExpectedError:
            return None

    async def _until(self, enough: Any, s: float) -> Any:
        until_s = time.monotonic() + s
        while not enough(status := await self.ask(verb="status")):
            if time.monotonic() > until_s:
                raise SystemExit(f"waited {s:g} s in vain; status {json.dumps(status)[:600]}; see {self.data}/bot.log")
            await asyncio.sleep(0.1)
        return status

    async def ready_for(self, purpose: Purpose) -> None:
        """Flat for an entry or a stop; in a protected position for an exit."""
        if purpose is Purpose.EXIT:
            await self.ask(verb="resume")
            await self._wait(lambda: bool(self.venue.position_base)
                             and self.venue.stopped_base >= self.venue.position_base, 90, "no position")
        else:
            await self.ask(verb="close", wait_s=25)
            await self._wait(lambda: not self.venue.position_base, 30, "not flat")

    async def _wait(self, enough: Any, s: float, what: str) -> None:
        until_s = time.monotonic() + s
        while not enough():
            if time.monotonic() > until_s:
                raise SystemExit(f"{what} after {s:g} s; see {self.data}/bot.log")
            await asyncio.sleep(ASLEEP_S)

    async def instant(self, purpose: Purpose, moment: str, delay_s: float) -> None:
        venue = self.venue
        await self.ready_for(purpose)
        # The request of a stop that rides on its entry is the entry's.
        rides = purpose is Purpose.STOP and moment != "before" and self._rides
        venue.arm(Purpose.ENTRY if rides else purpose, moment, delay_s)
        word = "close" if purpose is Purpose.EXIT else "resume"
        said = asyncio.create_task(self.ask(verb=word, wait_s=20))
        if moment == "before" and purpose is not Purpose.STOP:
            venue.kill_in(delay_s, word)
        await asyncio.wait_for(venue.struck.wait(), 90)
        await said
        venue.unprotected_s_max = 0.0

    async def settled(self) -> None:
        """What the bot has to do after a start it does within these seconds."""
        await asyncio.sleep(SETTLED_S)

    def faults(self) -> list[str]:
        """What is wrong now, between the journal and the venue."""
        fills: set[str] = set()
        with JournalReader(places.journal_path(self.data)) as reader:
            for record in reader.records(facts_only=True):
                fills |= {fact.client_id + " " + fact.fill_id for fact in record.block.facts if isinstance(fact, Fill)}
            intents = [
                command for step in reader.steps() if step.step is not None
                for command in plain_step(step.step)["commands"] if command["type"] == "PlaceOrder"
            ]
        entries = Counter(one["decision_id"] for one in intents if one["purpose"] == "entry")
        intended = {one["client_id"] for one in intents}
        account, found = self.venue.account, []
        found += [f"decision {one} entered {times} times" for one, times in entries.items() if times > 1]
        found += [
            f"order {name} was never intended" for name, order in account.orders.items()
            if not _intended(name, order, intended)
        ]
        at_venue = Counter(fill.fill.client_id for fill in account.fills)
        in_journal = Counter(name.split()[0] for name in fills)
        found += [f"fills of {name}: venue {count}, journal {in_journal[name]}" for name, count in at_venue.items()
                  if in_journal[name] != count]
        held_base, stopped_base = self.venue.position_base, self.venue.stopped_base
        if stopped_base < held_base:
            found.append(f"position of {held_base} under stops for {stopped_base}")
        return found


def _intended(name: str, order: OrderRecord, intended: Container[str]) -> bool:
    """By a step of the journal, or without one: marks of an instance, and stops that ride on an intended entry."""
    entry_id = order.rode_in_with or entry_stops.entry_of(name)
    return name in intended or client_order_id.is_mark(name) or entry_id in intended


async def run(options: argparse.Namespace, nursery: Nursery) -> int:
    data = Path(options.data)
    start_ms = int((time.time() + options.warm_s) * 1_000)
    world = World(WorldParams(start_ms=start_ms, backfill_days=2, burn_in_days=1), options.seed)
    listed = [one for name in traded() for one in paper_instruments(name, ("BTC",))]
    hub = Hub(world.roster, listed, PaperParams())
    account = opened(hub, options.venue)
    hub.warm(world.backfill())
    dialects = dialects_of(hub, traded(), demo_key="key")
    async with serving(hub, dialects) as loop:
        write_profile(data, "kill9", venue=options.venue, url=loop.url)
        venue = Venue(hub, account)
        trial = Trial(venue, nursery, data, data, options.venue)
        waits_s = start_ms / 1000 - time.time()
        print(f"seed {options.seed}, {options.venue}, data {data}, begins in {waits_s:.0f} s", flush=True)
        await asyncio.sleep(max(0.0, start_ms / 1000 - time.time()))
        market = asyncio.create_task(hub.run(world.blocks(), 1.0))
        watching = asyncio.create_task(venue.watch())
        try:
            wrong = await _instants(trial, options)
        finally:
            for task in (market, watching):
                task.cancel()
            with contextlib.suppress(ProcessLookupError):
                os.kill(venue.pid, signal.SIGKILL)
    for what in hub.unknown:
        print(f"asked for, but not modelled: {what}")
    return int(wrong > 0 or bool(hub.unknown))


async def _instants(trial: Trial, options: argparse.Namespace) -> int:
    chance = random.Random(options.seed)
    await trial.start()
    await trial.ask(verb="bias", coin="BTC", side="long", until_ms=int(time.time() * 1_000) + 10**7, why="kill9")
    wrong = 0
    for number in range(1, options.instants + 1):
        purpose, moment = PURPOSES[number % 3], MOMENTS[(number // 3) % 3]
        longest_s = {"before": 1.3 if purpose is Purpose.ENTRY else 0.15, "arrived": 0.3, "answered": 0.4}[moment]
        delay_s = chance.uniform(0.0, longest_s)
        await trial.instant(purpose, moment, delay_s)
        await asyncio.sleep(0.2)
        took_s = await trial.start()
        await trial.settled()
        found = trial.faults()
        wrong += bool(found)
        print(
            f"{number:>3}  {purpose.value:<5} {moment:<8} +{delay_s * 1000:4.0f} ms  "
            f"after {trial.venue.killed_after:<26} back in {took_s:4.1f} s  "
            f"unprotected {trial.venue.unprotected_s_max:4.1f} s  "
            f"{'ok' if not found else 'WRONG: ' + '; '.join(found)}",
            flush=True,
        )
    print(f"{options.instants - wrong} of {options.instants} instants without a fault; "
          f"{len(trial.venue.account.orders)} orders, {len(trial.venue.account.fills)} fills at the venue")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instants", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--venue", default="binance", choices=traded())
    parser.add_argument("--data", default="")
    parser.add_argument("--warm-s", type=float, default=25.0)
    options = parser.parse_args()
    options.data = options.data or tempfile.mkdtemp(prefix="kill9-")
    Path(options.data).mkdir(parents=True, exist_ok=True)
    # Before there are threads or a loop.
    nursery = Nursery()
    try:
        return asyncio.run(run(options, nursery))
    finally:
        nursery.close()


if __name__ == "__main__":
    sys.exit(main())
