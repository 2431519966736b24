"""Two real processes on one account that begin within a second, on hosts that share nothing but the venue (loopback).

Each round has a fresh account, and of everything that could tell two bots of one machine apart (state, home, run and
temp directories) each bot has its own. Both enter whenever they may; at most one may ever send an entry.
Usage: bench/one_account.py [--rounds 5] [--seed 1] [--venue binance] [--data DIR]
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from _soak_profile import write_profile
from kill9 import Nursery

from liqbot.commands import Purpose
from liqbot.control import protocol
from liqbot.execution import client_order_id
from liqbot.exits import Exit, ExpectedError
from paper.dialects.accounts import VenueAccount
from paper.dialects.hub import Hub
from paper.dialects.okx.dialect import OkxDialect
from paper.dialects.serving import dialects_of, serving
from paper.exchange import PaperParams
from paper.sessions.listings import paper_instruments
from paper.world import World
from paper.world.params import WorldParams

APART_S: Final = 1.0
DECIDED_S, ENTERS_S = 180.0, 90.0
GOES_ON_S: Final = 3.0
"""How much longer is looked on after the first entry, for one of the other's."""


class Host:
    """A bot of its own machine."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.data, self.log = root / "data", root / "data" / "bot.log"
        self.data.mkdir(parents=True)
        places = {"HOME": root / "home", "XDG_RUNTIME_DIR": root / "run", "TMPDIR": root / "tmp"}
        for place in places.values():
            place.mkdir(mode=0o700)
        self.environment = environment | {name: str(place) for name, place in places.items()}
        self.pid = 0

    @property
    def exit_code(self) -> int | None:
        """None while it lives."""
        path = self.log.with_suffix(".exit")
        with contextlib.suppress(OSError, ValueError):
            return int(path.read_text(encoding="utf-8"))
        return None

    async def ask(self, **command: object) -> None:
        with contextlib.suppress(ExpectedError):
            await asyncio.to_thread(protocol.request, self.data, command, timeout_s=10)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class Round(NamedTuple):
    apart_ms: int
    exit_codes: tuple[int | None, int | None]
    """None: it goes on."""
    entered: tuple[str, ...]
    """Journals that sent entries."""

    @property
    def faults(self) -> list[str]:
        found = []
        if self.exit_codes.count(None) > 1:
            found.append("both went on")
        if len(self.entered) > 1:
            found.append("both entered")
        return found


def entered(account: VenueAccount) -> tuple[str, ...]:
    """Of every order that the account ever had."""
    entries = [one for one in account.orders if client_order_id.purpose_of(one) is Purpose.ENTRY]
    return tuple(sorted({client_order_id.journal_of(one) for one in entries if not client_order_id.is_mark(one)}))


async def until(true: Callable[[], object], s: float) -> None:
    """Or for `s` seconds."""
    until_s = time.monotonic() + s
    while not true() and time.monotonic() < until_s:  # noqa: ASYNC110 -- another process
        await asyncio.sleep(0.05)


async def one_round(
    nursery: Nursery, hosts: tuple[Host, Host], account: VenueAccount, config: Path, apart_s: float
) -> Round:
    for host, wait_s in zip(hosts, (0.0, apart_s), strict=True):
        await asyncio.sleep(wait_s)
        arguments = ["start", "--profile", "race", "--config", str(config), "--data", str(host.data)]
        host.pid = nursery.start(arguments, host.log, host.environment)
    leaning = [asyncio.create_task(lean(host)) for host in hosts]
    try:
        await until(lambda: any(host.exit_code is not None for host in hosts), DECIDED_S)
        codes = hosts[0].exit_code, hosts[1].exit_code
        if None in codes:
            await until(lambda: entered(account), ENTERS_S)
            await asyncio.sleep(GOES_ON_S)
        return Round(int(apart_s * 1_000), codes, entered(account))
    finally:
        for task in leaning:
            task.cancel()
        for host in hosts:
            host.kill()


async def lean(host: Host) -> None:
    """Gives it a direction whenever it answers, so that it would enter."""
    while host.exit_code is None:
        until_ms = int(time.time() * 1_000) + 10**7
        await host.ask(verb="bias", coin="BTC", side="long", until_ms=until_ms, why="race")
        await asyncio.sleep(1.0)


async def run(options: argparse.Namespace, nursery: Nursery) -> int:
    data, chance, venue = Path(options.data), random.Random(options.seed), options.venue
    start_ms = int((time.time() + options.warm_s) * 1_000)
    world = World(WorldParams(start_ms=start_ms, backfill_days=2, burn_in_days=1), options.seed)
    listed = [one for name in ("binance", "bybit", "okx") for one in paper_instruments(name, ("BTC",))]
    hub = Hub(world.roster, listed, PaperParams())
    keys = [f"key{number}" for number in range(1, options.rounds + 1)]
    accounts = [hub.open_account(venue, key, "secret", passphrase="phrase" if venue == "okx" else "") for key in keys]
    hub.warm(world.backfill())
    dialects = [*dialects_of(hub, ("binance", "bybit")), OkxDialect(hub, demo_keys=tuple(keys))]
    async with serving(hub, dialects) as loop:
        write_profile(data, "race", venue=venue, url=loop.url)
        print(f"seed {options.seed}, {venue}, data {data}", flush=True)
        await asyncio.sleep(max(0.0, start_ms / 1000 - time.time()))
        market = asyncio.create_task(hub.run(world.blocks(), 1.0))
        wrong = 0
        for number, (key, account) in enumerate(zip(keys, accounts, strict=True), 1):
            name = f"LIQBOT_KEYS__{venue.upper()}__"
            secrets = {name + "API_KEY": key, name + "SECRET": "secret", name + "PASSWORD": "phrase"}
            hosts = tuple(Host(data / f"{number}{letter}", secrets) for letter in "ab")
            found = await one_round(nursery, (hosts[0], hosts[1]), account, data, chance.uniform(0.0, APART_S))
            wrong += bool(found.faults)
            said = ", ".join("goes on" if one is None else Exit(one).name for one in found.exit_codes)
            print(f"{number:>3}  {found.apart_ms:4} ms apart: {said}; {len(found.entered)} entered  "
                  f"{'ok' if not found.faults else 'WRONG: ' + '; '.join(found.faults)}", flush=True)
        market.cancel()
    print(f"{options.rounds - wrong} of {options.rounds} rounds without a fault")
    return int(wrong > 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--venue", default="binance", choices=("binance", "bybit", "okx"))
    parser.add_argument("--data", default="")
    parser.add_argument("--warm-s", type=float, default=25.0)
    options = parser.parse_args()
    options.data = options.data or tempfile.mkdtemp(prefix="one-account-")
    Path(options.data).mkdir(parents=True, exist_ok=True)
    nursery = Nursery()  # before there are threads or a loop
    try:
        return asyncio.run(run(options, nursery))
    finally:
        nursery.close()


if __name__ == "__main__":
    sys.exit(main())
