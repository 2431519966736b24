"""How long a new process takes to put a missing stop at the venue: from its exec to the order's arrival.

The books are those of a process that was killed as its entry left; the simulated exchange on loopback has filled it
since. Nothing else is in the market. `--records` puts as many records of market data before the newest snapshot, and
`--after` behind it, where recovery runs them again.

    python bench/first_stop.py [--rounds 5] [--venue binance] [--records 100000] [--after 0]
"""

import argparse
import asyncio
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from _soak_profile import environment_of

from liqbot.commands import Purpose
from tests.builders import loopback_market as market
from tests.builders.earlier_life import entry_sent
from tests.builders.loopback_house import SECRET, Place, place
from tests.builders.venue_keys import practice_of

GOAL_S = 3.0
PROFILE = "first"
LIQBOT = "import sys; from liqbot.cli import main; sys.exit(main())"


def profile(here: Place, folder: Path) -> None:
    (folder / f"{PROFILE}.toml").write_text(
        f'mode = "{practice_of(here.venue)}"\ncoins = ["BTC"]\n'
        f'venues = ["{here.venue}"]\ntrade_venue = "{here.venue}"\n'
        f'[network]\nloopback = "{here.loop.url}"\nbackfill_h = 0.0\nreconcile_s = 5.0\n',
        encoding="utf-8",
    )


def started(here: Place, folder: Path, data: Path) -> subprocess.Popen[bytes]:
    arguments = ["start", "--profile", PROFILE, "--config", str(folder), "--data", str(data)]
    with (folder / "bot.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", LIQBOT, *arguments], stdout=log, stderr=log,
            env={**os.environ, **environment_of(here.venue, SECRET)},
        )  # fmt: skip


def cpu_s(pid: int) -> float:
    """User and system time of a process so far; nan where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def seconds_to_stop(venue: str, options: argparse.Namespace) -> tuple[float, float]:
    """By the clock, and of the processor's time: what it takes where nothing else runs."""
    with tempfile.TemporaryDirectory(prefix="first-stop-") as name:
        folder = Path(name)
        data = folder / "data"
        async with place(venue) as here:
            profile(here, folder)
            settings = here.settings()
            entry = await entry_sent(here, settings, data, quiet=(options.records, options.after))
            await here.hub.execute(here.account, entry)
            await here.advance()
            began_s = time.monotonic()
            process = await asyncio.to_thread(started, here, folder, data)
            try:
                while not here.orders(Purpose.STOP):
                    if process.poll() is not None or time.monotonic() - began_s > 120:
                        sys.exit((folder / "bot.log").read_text(encoding="utf-8"))
                    await asyncio.sleep(0.002)
                return time.monotonic() - began_s, cpu_s(process.pid)
            finally:
                process.kill()
                await asyncio.to_thread(process.wait)


async def run(options: argparse.Namespace) -> None:
    print(f"{'venue':<10}{'median s':>10}{'most s':>10}{'cpu s':>7}{'goal':>7}")
    for venue in options.venue or market.VENUES:
        found = [await seconds_to_stop(venue, options) for _ in range(options.rounds)]
        walls, cpus = zip(*found, strict=True)
        print(f"{venue:<10}{statistics.median(walls):>10.2f}{max(walls):>10.2f}{statistics.median(cpus):>7.2f}"
              f"{GOAL_S:>7.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--venue", action="append")
    parser.add_argument("--records", type=int, default=0)
    parser.add_argument("--after", type=int, default=0)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"command: {' '.join(sys.argv)}; no chance in it; python {platform.python_version()}, {platform.machine()}, "
          f"load {load:.1f} on {os.cpu_count()} cores")
    asyncio.run(run(options))


if __name__ == "__main__":
    main()
