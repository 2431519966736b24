"""From a tick to the bytes of the order that follows from it, through the unmodified client, its intent durable first.

The live loop, a journal on this disk, the account's edge and ccxt, dialled to the simulated exchange on loopback in the
same process. A strategy wants to enter at every tick and the venue refuses every entry, so that each tick ends in an
order. Measured is from the block in the inbox to the socket's `write`, by the clock and by the processor. The yardstick
is the same order sent through ccxt alone, by turns in the same run; `engine` is the engine's own answer to the tick.

    python bench/tick_to_order.py [--ticks 40] [--venues 1,8,24] [--coins 2] [--seed 7]
"""

import argparse
import asyncio
import gc
import statistics
import sys
import tempfile
import time
from asyncio import selector_events
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

import structlog

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from _figures import Figure, arguments, main
from _made_market import COINS, VENUES, columns

from liqbot.blocks import EventBlock, Roster
from liqbot.connection.client import VenueClient
from liqbot.engine import Engine
from liqbot.execution.edge.account import AccountEdge
from liqbot.journal import Journal
from liqbot.runtime.assembly import engine_of, opening_facts
from liqbot.runtime.compiled_kernels import use_compiled
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.live_loop import Runtime
from liqbot.runtime.running import facts_into
from liqbot.settings import Settings, settings_model
from liqbot.signals.gates import GateSpec
from liqbot.signals.strategy import Exits, Strategy, StrategyParams
from liqbot.venues.registry import VENUES as KNOWN
from liqbot.venues.registry import trading_of
from liqbot.venues.spec import RequestBudget
from paper.dialects.faults import Kind
from paper.dialects.serving import serving
from tests.builders import loopback_market
from tests.builders.loopback_broker import spoken
from tests.builders.venue_keys import credentials_of, opened

VENUE: Final = "binance"
ORDER: Final = "POST /fapi/v1/order"
WARM: Final = 20
SPAN_MS: Final = 1_000
WAIT_S: Final = 60.0


class EagerParams(StrategyParams):
    """Enters at every tick."""


EAGER: Final = Strategy(
    "eager", EagerParams, (GateSpec("priced", ("mark_price",), lambda f, _p: f.mark_price, ">", 0.0),),
    lambda _f, _p: Exits(1.0, None), lambda _f, _e: "always", origin="bench", sha256="0",
)


class Wire:
    """Notes when bytes of an order are handed to a socket of this process."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.at_s = self.cpu_s = 0.0
        self._write = selector_events._SelectorSocketTransport.write

    def __enter__(self) -> Self:
        wire, write = self, self._write

        def noting(transport: Any, data: Any) -> None:
            if bytes(data[: len(b"POST")]) == b"POST" and b"/fapi/v1/order" in bytes(data[:400]):
                wire.at_s, wire.cpu_s = time.perf_counter(), time.process_time()
                wire.left.set()
            write(transport, data)

        selector_events._SelectorSocketTransport.write = noting
        return self

    def __exit__(self, *_: object) -> None:
        selector_events._SelectorSocketTransport.write = self._write


def settings(venues: tuple[str, ...], coins: tuple[str, ...]) -> Settings:
    made = settings_model((EAGER,))
    risk = {"warmth_pct_min": 0.0, "day_notional_usd_max": 50_000_000.0, "positions_max": 5, "exposure_max": 5.0,
            "age_ms_max": 60_000, "lag_ms_max": 10_000}
    return made(mode="demo", venues=venues, coins=coins, trade_venue=VENUE, risk=risk,
                signals={"avoid_liquidity": {"density_percentile_max": 80.0}})


def blocks(roster: Roster, steps: int, seed: int) -> list[EventBlock]:
    """Seconds in which every venue trades every coin."""
    made = columns(steps, len(roster.venues), seed, coins=len(roster.coins), span_ms=SPAN_MS)
    times = sorted(set(made["bars"]["time_ms"].tolist()))
    return [
        EventBlock(**{kind: rows[rows["time_ms"] == at] for kind, rows in made.items()}, tick_ms=at) for at in times
    ]


class Case:
    """A house on a number of venues, running."""

    def __init__(self, venues: int, asked: argparse.Namespace) -> None:
        self.roster = Roster(VENUES[:venues], COINS[: asked.coins])
        self._asked, self.engine_ms, self.wall_ms, self.cpu_ms = asked, list[float](), list[float](), list[float]()
        self.bare_ms, self.bare_cpu_ms, self.lost = list[float](), list[float](), 0

    async def run(self, folder: Path) -> None:
        hub = loopback_market.hub_of(VENUE)
        opened(hub, VENUE)
        async with serving(hub, [spoken(hub, VENUE)]) as loop:
            hub.faults.next(ORDER, Kind.REFUSED, -2019, times=100_000)
            client = VenueClient(
                KNOWN[VENUE], credentials=credentials_of(VENUE), loopback=loop.url,
                budget=RequestBudget(units=10**9), options=trading_of(VENUE).options,
            )
            try:
                await client.open(self.roster.coins)
                await self._house(client, folder)
            finally:
                await client.close()

    async def _house(self, client: VenueClient, folder: Path) -> None:
        chosen, instruments = settings(self.roster.venues, self.roster.coins), client.instruments(self.roster.coins)
        made = blocks(self.roster, WARM + self._asked.ticks, self._asked.seed)
        now_ms = [made[0].tick_ms or 0]
        with Journal.open(folder / "journal.sqlite", mode="demo", account="x", roster=self.roster) as journal:
            engine = engine_of(chosen, self.roster, journal.stamp.journal_id, instruments)
            inbox = Inbox()
            edge = AccountEdge(
                client, trading_of(VENUE), instruments, facts_into(inbox), lambda: now_ms[0],
                journal.stamp.journal_id, period_s=3_600.0, since_ms=now_ms[0],
            )
            runtime, stop = Runtime(engine, journal, edge.broker, inbox), asyncio.Event()
            first = opening_facts(chosen, self.roster, journal.stamp.journal_id, instruments, now_ms[0])
            inbox.put(EventBlock(facts=first))
            tasks = [asyncio.create_task(edge.run()), asyncio.create_task(runtime.run([_Nothing()], stop))]
            try:
                await edge.ready()
                with Wire() as wire:
                    for number, block in enumerate(made):
                        now_ms[0] = block.tick_ms or 0
                        await self._tick(block, engine, inbox, wire, client, measure=number >= WARM)
            finally:
                stop.set()
                for task in reversed(tasks):
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await edge.close()

    async def _tick(
        self, block: EventBlock, engine: Engine, inbox: Inbox, wire: Wire, client: VenueClient, *, measure: bool
    ) -> None:
        wire.left.clear()
        answer, spent_s = engine.on_block, [0.0]

        def timed(given: EventBlock) -> Any:
            began_s = time.process_time()
            step = answer(given)
            spent_s[0] += time.process_time() - began_s
            return step

        engine.on_block = timed  # type: ignore[method-assign]
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        inbox.put(block)
        try:
            async with asyncio.timeout(WAIT_S if measure else 2.0):
                await wire.left.wait()
        except TimeoutError:
            self.lost += measure
        else:
            if measure:
                self.wall_ms.append((wire.at_s - began_s) * 1e3)
                self.cpu_ms.append((wire.cpu_s - began_cpu_s) * 1e3)
                self.engine_ms.append(spent_s[0] * 1e3)
        finally:
            engine.on_block = answer  # type: ignore[method-assign]
        await asyncio.sleep(0.05)  # the refusals come back
        if measure:
            await self._bare(wire, client)

    async def _bare(self, wire: Wire, client: VenueClient) -> None:
        wire.left.clear()
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        with_refusal = client.exchange.create_order("BTC/USDT:USDT", "market", "buy", 0.01)
        await asyncio.gather(with_refusal, return_exceptions=True)
        self.bare_ms.append((wire.at_s - began_s) * 1e3)
        self.bare_cpu_ms.append((wire.cpu_s - began_cpu_s) * 1e3)


class _Nothing:
    """A feed that has nothing."""

    async def run(self, inbox: Inbox) -> None:
        del inbox
        await asyncio.Event().wait()


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measured(asked: argparse.Namespace) -> Iterator[Figure]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    use_compiled()
    for venues in map(int, asked.venues.split(",")):
        case = Case(venues, asked)
        with tempfile.TemporaryDirectory(dir=".") as folder:
            gc.collect()
            asyncio.run(case.run(Path(folder)))
        name, goals = f"{venues} venues, {asked.coins} coins", (venues == 24 or None)
        note = f"{len(case.wall_ms)} ticks, {case.lost} without an order"
        if not case.wall_ms:
            raise RuntimeError(f"{name}: no tick ended in an order")
        for share, goal_ms in ((0.5, 1.0), (0.99, 3.0)):
            yield Figure(
                work=f"tick to order bytes, {name}, p{100 * share:.0f}", value=quantile(case.wall_ms, share),
                unit="ms by the clock", goal=goals and goal_ms, at_most=True, beside="the order through ccxt alone",
                beside_value=quantile(case.bare_ms, share), note=note,
            )
        yield Figure(
            work=f"tick to order bytes, {name}, p50", value=statistics.median(case.cpu_ms), unit="CPU ms",
            goal=goals and 1.0, at_most=True, beside="the order through ccxt alone",
            beside_value=statistics.median(case.bare_cpu_ms),
        )
        yield Figure(work=f"the engine's tick alone, {name}, p50", value=statistics.median(case.engine_ms),
                     unit="CPU ms", goal=goals and 0.3, at_most=True)


def reader() -> argparse.ArgumentParser:
    parser = arguments(__doc__, seed=7)
    parser.add_argument("--ticks", type=int, default=40)
    parser.add_argument("--venues", default="1,8,24")
    parser.add_argument("--coins", type=int, default=2)
    return parser


if __name__ == "__main__":
    sys.exit(main(reader(), measured))
