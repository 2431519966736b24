"""One simulated market traded over the wire and, from the journal of that session, in process."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from liqbot import places
from liqbot.blocks import EventBlock
from liqbot.commands import Command
from liqbot.engine import Engine, Step
from liqbot.events import ConfigLoaded, Event, FeedDown, FeedUp, Fill, JournalOpened
from liqbot.journal import JournalReader
from liqbot.risk.account import ACCOUNT_FEED
from liqbot.risk.decision import Approved
from liqbot.runtime.assembly import recorded_engine
from liqbot.settings import Settings, load
from paper.dialects.hub import Hub
from paper.dialects.serving import traded
from paper.exchange import PaperExchange
from paper.exchange.exchange import React
from paper.sessions.assembly import exchange_of
from paper.sessions.markets import market_of
from paper.sessions.over_wire import run_wired, spoken_only
from paper.sessions.session import SessionMarket, fresh_storage
from paper.sessions.sim_loop import SimLoop

SHORT = (
    "paper.world.days=0.0068", "paper.world.backfill_days=2.5", "paper.world.backfill_step_ms=300000",
    "paper.world.shocks.first_wick_minute=2", "risk.warmth_pct_min=30", "journal.protective_wait_ms=10000",
)  # fmt: skip
"""The map is colder than trading wants it: not every venue tells the past of its open interest. A busy disk is waited
for: what it kept from leaving would be another trade than in process."""


class Told:
    """An observer: decisions and fills in words that can be compared, and every fact."""

    def __init__(self) -> None:
        self.decisions: list[tuple[Any, ...]] = []
        self.fills: list[tuple[Any, ...]] = []
        self.facts: list[Event] = []

    def __call__(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        del seq, engine
        self.facts.extend(block.facts)
        for decision in step.decisions:
            if isinstance(decision, Approved):
                target = decision.target
                prices = (target.quantity_base, target.stop_price, target.take_price)
                said: tuple[Any, ...] = (target.decision_id, target.strategy, target.side, *prices, target.leverage)
            else:
                said = (decision.decision_id, decision.code)
            self.decisions.append((step.time_ms, *said))
        for fact in block.facts:
            if isinstance(fact, Fill):
                self.fills.append((fact.client_id, fact.time_ms, fact.price, fact.quantity_base, fact.fee, fact.maker))


class WiredSession(NamedTuple):
    data: Path
    settings: Settings
    market: SessionMarket
    blocks: list[EventBlock]
    """What truly happened, as the exchange saw it."""
    told: Told
    hub: Hub
    engine: Engine


def wired_session(data: Path, venue: str, seed: int) -> WiredSession:
    """A session of some ten minutes on all venues whose protocol is spoken, traded at `venue`."""
    settings = load("paper", overrides=(*SHORT, f"venues={json.dumps(traded())}", f"trade_venue={venue}")).settings
    fitted, market = market_of("world", spoken_only(settings), seed)
    blocks: list[EventBlock] = []

    def kept() -> Iterator[EventBlock]:
        for block in market.live:
            blocks.append(block)
            yield block

    told = Told()
    with fresh_storage(data, fitted, market.roster) as storage:
        served = msgspec.structs.replace(market, live=kept())
        done = run_wired(served, fitted, data, storage, None, speed=0, for_s=None, checks=(told,))
    return WiredSession(data, fitted, market, blocks, told, done.hub, done.engine)


class TrueMarket:
    """The exchange walks what really happened, whatever the feeds made of it."""

    def __init__(self, exchange: PaperExchange, blocks: Iterable[EventBlock]) -> None:
        self._exchange, self._by_tick = exchange, {block.tick_ms: block for block in blocks}

    def submit(self, command: Command, time_ms: int) -> None:
        self._exchange.submit(command, time_ms)

    def advance(self, block: EventBlock, react: React) -> None:
        if block.tick_ms in self._by_tick:
            self._exchange.advance(self._by_tick[block.tick_ms], react)


def in_process(session: WiredSession) -> Told:
    """A fresh engine sees the market as the feeds told it, the simulated exchange the true one, without any wire."""
    told = Told()
    with JournalReader(places.journal_path(session.data)) as reader:
        opened, config = reader.first(JournalOpened), reader.first(ConfigLoaded)
        assert opened is not None
        assert config is not None
        exchange = exchange_of(session.settings, session.market.roster, config.instruments)
        house = SimLoop(recorded_engine(opened, config), TrueMarket(exchange, session.blocks), observers=(told,))
        house.open((opened, config, *exchange.facts_at_start(session.market.live_ms)))
        for record in reader.records():
            block = msgspec.structs.replace(record.block, facts=tuple(_public(record.block)))
            if block.tick_ms is not None:
                house.step(block)
            elif block.facts:
                house.tell(block.facts)
    return told


def _public(block: EventBlock) -> Iterator[FeedUp | FeedDown]:
    """Facts that are no word of the account."""
    for fact in block.facts:
        if isinstance(fact, FeedUp | FeedDown) and fact.feed != ACCOUNT_FEED:
            yield fact
