"""Drives the house over tapes and simulated markets for the golden digests: the one place there that imports it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from golden_lines import fact_lines, step_lines, text_of

from liqbot.blocks import EventBlock
from liqbot.code_version import this_code
from liqbot.journal import plain_step
from liqbot.settings import Settings, load
from paper.backtest.run import house_of
from paper.sessions.assembly import engine_of, exchange_of, opening_facts, seeded_journal_id
from paper.sessions.markets import world_market
from paper.sessions.sim_loop import SimLoop
from paper.sessions.tape_settings import fitted
from paper.tapes.reader import read_tape

ROOT: Final = Path(__file__).parents[2]
TAPES: Final = ROOT.parent / "shared" / "data" / "tapes"
PROFILES: Final = {"paper": ROOT / "config", "permissive": ROOT / "tests" / "golden" / "profiles"}
WORLD: Final = "world"
HOUR_MS: Final = 3_600_000


class Run(NamedTuple):
    """One market under one profile. `quick_h` is how much of it every test run looks at; None: all of it."""

    name: str
    market: str
    profile: str
    seed: int = 0
    overrides: tuple[str, ...] = ()
    quick_h: float | None = None

    @property
    def missing(self) -> str:
        """Why it cannot be run here; empty when it can."""
        return "" if self.market == WORLD or (TAPES / self.market).is_file() else f"no tape {self.market} beside here"


class Decided(NamedTuple):
    """What a run came to."""

    lines: list[str]
    blocks: int
    equity_usd: str


RUNS: Final = (
    Run("btc_2024_08_paper", "btc-2024-08-crash.parquet", "paper"),
    Run("btc_2024_08_permissive", "btc-2024-08-crash.parquet", "permissive", quick_h=500),
    Run("eth_2024_08_paper", "eth-2024-08-crash.parquet", "paper", quick_h=500),
    Run("eth_2024_08_permissive", "eth-2024-08-crash.parquet", "permissive", quick_h=600),
    Run("btc_2025_10_paper", "btc-2025-10-crash.parquet", "paper", quick_h=150),
    Run("btc_2025_10_permissive", "btc-2025-10-crash.parquet", "permissive", quick_h=100),
    Run("world_paper", WORLD, "paper", 1, (
        "paper.world.step_ms=5000", "paper.world.days=0.0236", "paper.world.backfill_step_ms=300000",
        "paper.world.burn_in_days=1",
    )),
    Run("world_permissive", WORLD, "permissive", 7, (
        "trade_venue=bybit", "paper.world.start_ms=1735716600000", "paper.world.step_ms=10000", "paper.world.days=0.05",
        "paper.world.backfill_days=1", "paper.world.backfill_step_ms=300000", "paper.world.burn_in_days=1",
    )),
)  # fmt: skip
"""The second world has two coins and begins half an hour before a funding."""


def decided(run: Run, *, hours: float | None = None) -> Decided:
    """The lines of a run, or of its first `hours` of market time."""
    settings = load(run.profile, config=PROFILES[run.profile], overrides=run.overrides, environment={}).settings
    lines: list[str] = []

    def observe(_seq: int, block: EventBlock, step: Any, _engine: Any) -> None:
        lines.extend(fact_lines(msgspec.to_builtins(fact) for fact in block.facts))
        lines.extend(step_lines(plain_step(step.encoded())))

    house, blocks = _world(run, settings, observe) if run.market == WORLD else _tape(run, settings, observe)
    count = 0
    for block in _first(blocks, hours):
        house.step(block)
        count += 1
    return Decided(lines, count, text_of(str(house.engine.account.equity_usd)))


def numeric_platform() -> str:
    """Interpreter, numpy, processor and what numpy uses of it: on another one the last digits may differ."""
    return this_code("", 0).platform


def _tape(run: Run, settings: Settings, observe: Any) -> tuple[SimLoop, Iterable[EventBlock]]:
    tape = read_tape(TAPES / run.market)
    return house_of(fitted(settings, tape), tape, observers=(observe,)), tape.blocks()


def _world(run: Run, settings: Settings, observe: Any) -> tuple[SimLoop, Iterable[EventBlock]]:
    fits, market = world_market(settings, run.seed)
    exchange, journal_id = exchange_of(fits, market.roster, market.instruments), seeded_journal_id(run.seed)
    engine = engine_of(fits, market.roster, journal_id, market.instruments)
    house = SimLoop(engine, exchange, observers=(observe,))
    house.open(
        opening_facts(
            fits, market.roster, exchange, journal_id=journal_id, time_ms=market.start_ms,
            instruments=market.instruments,
        )
    )  # fmt: skip
    return house, _joined(market.history, market.live)


def _joined(*parts: Iterable[EventBlock]) -> Iterator[EventBlock]:
    for part in parts:
        yield from part


def _first(blocks: Iterable[EventBlock], hours: float | None) -> Iterator[EventBlock]:
    end_ms = None
    for block in blocks:
        if hours is not None and block.tick_ms is not None:
            end_ms = block.tick_ms + int(hours * HOUR_MS) if end_ms is None else end_ms
            if block.tick_ms > end_ms:
                return
        yield block
