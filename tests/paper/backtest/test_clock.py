"""Rows that carry nothing new change nothing that the house does: over random markets, and on recorded ones."""

import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from golden_house import PROFILES, RUNS, TAPES
from golden_lines import fact_lines, step_lines
from idle_blocks import with_idle_blocks
from pyarrow import parquet
from random_market import ROSTER, eager_settings, random_market

from liqbot.blocks import EventBlock
from liqbot.journal import plain_step
from liqbot.settings import Settings, load
from paper.backtest.run import house_of
from paper.sessions.assembly import engine_of, exchange_of, opening_facts
from paper.sessions.listings import paper_instruments
from paper.sessions.sim_loop import SimLoop
from paper.sessions.tape_settings import fitted
from paper.tapes.reader import Tape, read_tape

HOURS = {"btc-2024-08-crash.parquet": 200, "eth-2024-08-crash.parquet": 200, "btc-2025-10-crash.parquet": 30}
"""How much of each tape is gone through here."""


class Watch:
    """An observer that keeps what was done as lines: what was decided, sent and came of it."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, _seq: int, block: EventBlock, step: object, _engine: object) -> None:
        self.lines += fact_lines(msgspec.to_builtins(fact) for fact in block.facts)
        self.lines += step_lines(plain_step(step.encoded()))

    @property
    def deeds(self) -> list[str]:
        """Without the verdicts."""
        return [line for line in self.lines if " verdict " not in line]


def on_random_market(seed: int, blocks: Iterable[EventBlock]) -> Watch:
    settings, listed, watch = eager_settings(seed), paper_instruments("binance", ("BTC",)), Watch()
    exchange = exchange_of(settings, ROSTER, listed)
    house = SimLoop(engine_of(settings, ROSTER, "abcdef", listed), exchange, observers=(watch,))
    house.open(
        opening_facts(settings, ROSTER, exchange, journal_id="abcdef", time_ms=1, instruments=listed, mode="paper")
    )
    for block in blocks:
        house.step(block)
    return watch


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize("seed", range(4))
def test_idle_rows_change_nothing_on_a_random_market(seed: int) -> None:
    blocks = random_market(seed, 250)
    plain, idle = on_random_market(seed, blocks), on_random_market(seed, with_idle_blocks(blocks, seed))
    assert plain.lines == idle.lines
    assert any(" fact Fill " in line for line in plain.lines), seed


def on_tape(tape: Tape, settings: Settings, blocks: Iterable[EventBlock]) -> Watch:
    watch = Watch()
    house = house_of(fitted(settings, tape), tape, observers=(watch,))
    for block in blocks:
        house.step(block)
    return watch


def recorded(name: str, profile: str = "permissive") -> tuple[Tape, Settings]:
    """A tape and a configuration that it was recorded for."""
    if not (TAPES / name).is_file():
        pytest.skip(f"no tape {name} beside here")
    run = next(run for run in RUNS if run.market == name and run.profile == profile)
    settings = load(run.profile, config=PROFILES[run.profile], overrides=run.overrides, environment={}).settings
    return read_tape(TAPES / name), settings


def first_part(tape: Tape, hours: int) -> list[EventBlock]:
    end_ms = tape.first_ms + hours * 3_600_000
    return list(itertools.takewhile(lambda block: (block.tick_ms or 0) <= end_ms, tape.blocks()))


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize("name", HOURS)
def test_idle_rows_change_nothing_on_a_recorded_market(name: str) -> None:
    tape, settings = recorded(name)
    blocks = first_part(tape, HOURS[name])
    plain = on_tape(tape, settings, blocks)
    assert plain.lines == on_tape(tape, settings, with_idle_blocks(blocks, 1)).lines
    assert plain.lines


def funded(source: Path, target: Path, before_ms: int) -> Tape:
    """The tape with a constant rate, of a venue that tells nothing else, this long before each bar but the first."""
    told = parquet.read_table(source)
    times = np.unique(told.filter(pc.equal(told["kind"], "trades"))["time_ms"].to_numpy())[1:] - before_ms
    rate = {"time_ms": times, "venue": "okx", "coin": told["coin"][0].as_py(), "kind": "funding", "rate_pct": 0.01,
            "interval_h": 8.0}
    columns = [
        pa.array(np.broadcast_to(rate[one.name], len(times)), one.type) if one.name in rate
        else pa.nulls(len(times), one.type) for one in told.schema
    ]
    both = pa.concat_tables([told, pa.table(columns, schema=told.schema)])
    order = np.argsort(both["time_ms"].to_numpy(), kind="stable")
    parquet.write_table(both.take(pa.array(order)), target)
    return read_tape(target)


def eased(settings: Settings) -> Settings:
    """With a cascade that enters often, and costs that refuse nothing."""
    cascade = settings.signals.cascade.model_copy(update={
        "size_ratio_min": 0.0, "volume_ratio_min": 0.0, "break_age_min_max": 20_160.0,
        "acceleration_ratio_min": -100.0, "flow_min": None,
    })
    signals = settings.signals.model_copy(update={"cascade": cascade})
    risk = settings.risk.model_copy(update={"edge_needed_pct_max": 100.0})
    return settings.model_copy(update={"signals": signals, "risk": risk})


def without_costs(deeds: Sequence[str]) -> list[str]:
    """What a rate costs is known with it: that one figure is another."""
    return [re.sub(r" edge_needed_pct:\S+", "", line) for line in deeds]


@pytest.mark.long
def test_a_constant_funding_rate_before_each_bar_changes_no_trade(tmp_path: Path) -> None:
    name = "btc-2024-08-crash.parquet"
    tape, settings = recorded(name, "paper")
    settings = eased(settings)
    other = funded(TAPES / name, tmp_path / name, 1_000)
    plain, rated = (on_tape(one, settings, first_part(one, 370)) for one in (tape, other))
    assert without_costs(plain.deeds) == without_costs(rated.deeds)
    assert sum(" fact Fill " in line for line in plain.deeds) >= 6
