"""News of large told positions on its way: from a block to the Step, the journal's bytes, log, console and ledger."""

from decimal import Decimal
from typing import Any

import msgspec
from structlog.testing import capture_logs

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.execution.params import ExecutionParams
from liqbot.instruments import Instrument
from liqbot.journal.steps import plain_step, speaks
from liqbot.ledger.fold import Fold, WriteLimits
from liqbot.ledger.observation import observation_of
from liqbot.ledger.state import LedgerState
from liqbot.market.params import MarketParams
from liqbot.observers.console import ConsoleObserver
from liqbot.observers.log import LogObserver
from liqbot.risk.limits import RiskLimits
from liqbot.signals.registry import signal_model
from liqbot.verbs.control import _reported_positions
from tests.builders.told_market import LONG, ROSTER, minute

SWAP = Instrument("hyperliquid", "BTC", "BTC/USDC:USDC", Decimal(1), Decimal("0.001"))
WORDS = "long 3,000,000 USD, liquidated at 98.5, 1.50 % away"


def house() -> Engine:
    return Engine(
        roster=ROSTER, journal_id="abcdef", instruments={"BTC": SWAP}, trade_venue="hyperliquid",
        market=MarketParams(), signals=signal_model(())(), limits=RiskLimits(), execution=ExecutionParams(),
    )  # fmt: skip


def answered(engine: Engine, *blocks: EventBlock) -> list[Step]:
    return [engine.on_block(block) for block in blocks]


def test_a_step_says_it_once_and_is_kept_for_it() -> None:
    steps = answered(house(), minute(0), minute(1, told=(LONG,)), minute(2))
    assert [len(step.whales) for step in steps] == [0, 1, 0]
    assert speaks(Step(1, 1, whales=steps[1].whales))
    (plain,) = plain_step(steps[1].encoded())["whales"]
    assert (plain["change"], plain["coin"], plain["whale"]["venue"]) == ("near", "BTC", "hyperliquid")


def test_history_makes_no_news() -> None:
    past = msgspec.structs.replace(minute(1, told=(LONG,)), backfilled=True)
    engine = house()
    assert not any(step.whales for step in answered(engine, minute(0), past, minute(2)))
    assert len(engine.views[0].whales) == 1


def test_log_console_and_ledger_show_it() -> None:
    engine = house()
    block = minute(1, told=(LONG,))
    step = answered(engine, minute(0), block)[1]
    printed: list[str] = []
    nothing: Any = None
    with capture_logs() as logged:
        LogObserver().on_step(2, block, step, engine)
    assert [(one["change"], one["position"]) for one in logged if one["event"] == "whale"] == [("near", WORDS)]
    ConsoleObserver(printed.append, nothing, map_every_s=3600.0).on_step(2, block, step, engine)
    assert any(f"near: BTC on hyperliquid, {WORDS}" in line for line in printed)
    fold = Fold(LedgerState(), WriteLimits())
    fold.observe(observation_of(2, block, step, engine))
    (row,) = fold.pending.new["incident"].values()
    assert (row["kind"], row["venue"], row["coin"], row["detail"]) == ("WHALE_NEAR", "hyperliquid", "BTC", WORDS)


def test_status_says_what_is_told_and_what_is_near() -> None:
    coin = {
        "coin": "BTC", "whales": [{"venue": "hyperliquid", "position": WORDS}],
        "told": [{"venue": "hyperliquid", "long_share": 0.31, "short_share": 0.2, "age_ms": 61_000}],
    }  # fmt: skip
    assert _reported_positions(coin) == [
        "told      hyperliquid: 31% of BTC longs, 20% of shorts, 61 s ago", f"whale     hyperliquid BTC {WORDS}"
    ]
    assert _reported_positions({"coin": "BTC"}) == []
