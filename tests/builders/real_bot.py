"""A bot as a process of its own, over a served place: what signals and a restart do to it can only be seen so."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from liqbot.control import protocol
from liqbot.exits import ExpectedError
from tests.builders.loopback_house import SECRET, UNHURRIED, Place
from tests.builders.patience import PATIENCE_S
from tests.builders.venue_keys import key_settings, practice_of, secret_of

PROFILE = "real"
LIQBOT = "import sys; from liqbot.cli import main; sys.exit(main())"


def profile_of(here: Place, execution: Mapping[str, int], reconcile_s: float = 5.0) -> str:
    limits = "".join(f"{name} = {value}\n" for name, value in execution.items())
    return (
        f'mode = "{practice_of(here.venue)}"\ncoins = ["BTC"]\n'
        f'venues = ["{here.venue}"]\ntrade_venue = "{here.venue}"\n'
        f'[network]\nloopback = "{here.loop.url}"\nrequest_share = 1_000.0\nbackfill_h = 0.0\n'
        f"reconcile_s = {reconcile_s}\nstop_canary = false\n"
        f"[execution]\n{limits}"
    )


class RealBot:
    """One process after another, on the same books."""

    def __init__(self, here: Place, folder: Path, data: Path, execution: Mapping[str, int]) -> None:
        self.here, self.folder, self.data = here, folder, data
        self.process: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}
        """What its processes have beyond ours and the key."""
        (folder / f"{PROFILE}.toml").write_text(profile_of(here, execution), encoding="utf-8")

    def start(self) -> subprocess.Popen[bytes]:
        venue = self.here.venue
        secrets = {f"LIQBOT_KEYS__{venue.upper()}__{name.upper()}": value
                   for name, value in key_settings(venue, secret_of(venue, SECRET)).items()}
        environment = {**os.environ, **self.environment, **secrets}
        arguments = ["start", "--profile", PROFILE, "--config", str(self.folder), "--data", str(self.data)]
        with (self.folder / "bot.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", LIQBOT, *arguments], env=environment, stdout=log, stderr=log
            )
        return self.process

    @property
    def log(self) -> str:
        return (self.folder / "bot.log").read_text(encoding="utf-8")

    def signal(self, number: int) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    async def until(self, true: Callable[[], bool], what: str) -> None:
        """While it lives."""
        assert self.process is not None
        loop = asyncio.get_running_loop()
        until_s = loop.time() + PATIENCE_S
        while not true():
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode} before {what}:\n{self.log[-3_000:]}")
            if loop.time() > until_s:
                raise AssertionError(f"waited in vain: {what}:\n{self.log[-3_000:]}")
            await asyncio.sleep(0.002)

    async def status(self) -> dict[str, Any]:
        """Once it answers."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + PATIENCE_S
        while loop.time() < until_s:
            with contextlib.suppress(ExpectedError):
                return await asyncio.to_thread(protocol.request, self.data, {"verb": "status"})
            await asyncio.sleep(0.05)
        raise AssertionError(f"no answer:\n{self.log[-3_000:]}")

    async def end(self) -> None:
        """Whatever state it is in."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            await asyncio.to_thread(self.process.wait)


@contextlib.asynccontextmanager
async def real_bot(
    here: Place, folder: Path, data: Path, execution: Mapping[str, int] = UNHURRIED
) -> AsyncIterator[RealBot]:
    """Not started yet; killed when left."""
    bot = RealBot(here, folder, data, execution)
    try:
        yield bot
    finally:
        await bot.end()
