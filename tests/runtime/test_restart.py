"""A restart on the live path: the journal of a house that trades is recovered from and taken up by the live loop."""

from pathlib import Path

import pytest
from law_four import Sink
from random_market import ROSTER, eager_settings, random_market

from liqbot.blocks import EventBlock
from liqbot.commands import CancelOrder, PlaceOrder, Purpose
from liqbot.engine import Engine, Step
from liqbot.events import Event, Flatten, OrderAccepted, OrderCancelled, Reconciled
from liqbot.execution.order_lifecycle import OrderState
from liqbot.journal import Journal
from liqbot.journal.rerun import SNAPSHOT_NAME
from liqbot.runtime import assembly
from liqbot.runtime.assembly import snapshot_version
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.live_loop import Runtime
from liqbot.runtime.recovery import recover
from paper.exchange import PaperExchange
from paper.sessions.assembly import engine_of, exchange_of, opening_facts
from paper.sessions.listings import paper_instruments
from paper.sessions.sim_loop import SimLoop

KEY = ("binance", "BTC")
SEED = 3
SETTINGS = eager_settings(SEED)
LISTED = paper_instruments("binance", ("BTC",))


def at_rest(engine: Engine) -> bool:
    """A position under a confirmed stop, and nothing on its way."""
    position = engine.account.position(*KEY)
    live = engine.order_manager.book(*KEY).live()
    return position is not None and bool(live) and all(order.state is OrderState.WORKING for order in live)


def traded(path: Path, *, snapshot_at: int) -> tuple[PaperExchange, set[str], int]:
    """A journal whose house ended in a trade; the exchange as it goes on without it, the ids it used, the time."""
    used: set[str] = set()
    exchange = exchange_of(SETTINGS, ROSTER, LISTED)
    with Journal.open(path, mode="paper", account="x", roster=ROSTER) as journal:

        def observe(seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
            del block
            used.update(one.client_id for one in step.commands if isinstance(one, PlaceOrder))
            if seq == snapshot_at:
                journal.save_snapshot(SNAPSHOT_NAME, seq, snapshot_version(), engine.snapshot())

        journal_id = journal.stamp.journal_id
        house = SimLoop(
            engine_of(SETTINGS, ROSTER, journal_id, LISTED), exchange, journal=journal, observers=(observe,)
        )
        house.open(opening_facts(SETTINGS, ROSTER, exchange, journal_id=journal_id, time_ms=1, instruments=LISTED))
        for block in random_market(SEED, 500):
            house.step(block)
            if at_rest(house.engine):
                return exchange, used, block.tick_ms or 0
    raise AssertionError("this market never traded")


def reading(exchange: PaperExchange, now_ms: int) -> tuple[Event, ...]:
    """The account read in full, as after every start."""
    here = {"time_ms": now_ms, "venue": KEY[0], "coin": KEY[1]}
    resting = exchange.accounts.resting(KEY)
    named = [OrderAccepted(**here, client_id=one.command.client_id, venue_order_id="1") for one in resting]
    facts = [fact for fact in exchange.facts_at_start(now_ms) if not isinstance(fact, Reconciled)]
    return *facts, *named, Reconciled(**here)


@pytest.mark.parametrize("snapshot_at", [0, 1, 120])
async def test_what_was_sent_before_a_restart_is_not_sent_again(tmp_path: Path, snapshot_at: int) -> None:
    path, sink = tmp_path / "journal.sqlite", Sink()
    exchange, used, now_ms = traded(path, snapshot_at=snapshot_at)
    found = recover(path, SETTINGS, ROSTER, LISTED, lambda *_: None)
    with Journal.open(path, mode="paper", account="x", roster=ROSTER) as journal:
        live = Runtime(found.engine, journal, sink, Inbox())
        opening = assembly.opening_facts(SETTINGS, ROSTER, journal.stamp.journal_id, LISTED, now_ms + 1_000)
        await live.process(EventBlock(facts=opening))
        await live.process(EventBlock(facts=reading(exchange, now_ms + 2_000)))
        assert found.engine.account.position(*KEY) is not None
        assert [one for one in sink.sent if isinstance(one, PlaceOrder)] == []

        await live.process(EventBlock(facts=(Flatten(time_ms=now_ms + 3_000, reason="test"),)))
        takes = [one.client_id for one in sink.sent if isinstance(one, CancelOrder)]
        here = {"time_ms": now_ms + 3_100, "venue": KEY[0], "coin": KEY[1]}
        await live.process(EventBlock(facts=tuple(OrderCancelled(**here, client_id=one) for one in takes)))
        exits = [one for one in sink.sent if isinstance(one, PlaceOrder)]
        assert [one.purpose for one in exits] == [Purpose.EXIT]
        assert not used & {one.client_id for one in exits}, "ids go on from beyond those before"
