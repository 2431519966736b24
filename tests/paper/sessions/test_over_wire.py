"""A short session with everything over the wire: it trades, its books agree, its journal replays to the same bytes."""

from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest

from liqbot import __version__, places
from liqbot.blocks import EventBlock
from liqbot.code_version import this_code
from liqbot.engine import Engine, Step
from liqbot.events import Balance, Event, Fill, Reconciled
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import JournalReader
from liqbot.journal.rerun import Rerun
from liqbot.replay import Equality, replay
from liqbot.review.books_check import checked
from liqbot.review.ledger_reader import Ledger
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from liqbot.settings import load
from liqbot.venues.registry import wire_of
from paper.dialects.hub import Hub
from paper.dialects.serving import traded
from paper.sessions.markets import market_of
from paper.sessions.over_wire import run_wired, spoken_only
from paper.sessions.session import fresh_storage

HEARD = ("bars", "marks", "liquidations", "open_interest", "funding")
SEED = 5
SHORT = (
    "paper.world.days=0.0068", "paper.world.backfill_days=2.5", "paper.world.backfill_step_ms=300000",
    "paper.world.shocks.first_wick_minute=2", "risk.warmth_pct_min=30",
)  # fmt: skip
"""The map is colder than trading wants it: not every venue tells the past of its open interest."""


class Session(NamedTuple):
    data: Path
    hub: Hub
    engine: Engine
    facts: list[Event]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    data = tmp_path_factory.mktemp("wire")
    settings, market = market_of("world", spoken_only(load("paper", overrides=SHORT).settings), SEED)
    facts: list[Event] = []

    def seen(seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        del seq, step, engine
        facts.extend(block.facts)

    with fresh_storage(data, settings, market.roster) as storage:
        wired = run_wired(market, settings, data, storage, None, speed=0, for_s=None, checks=(seen,))
    return Session(data, wired.hub, wired.engine, facts)


def test_a_trade_is_made_and_ended_over_the_wire(session: Session) -> None:
    with Ledger(str(places.ledger_path(session.data))) as ledger:
        trades = ledger.rows("SELECT status FROM trade")
    assert [row for row in trades if row["status"] == "closed"], trades
    (account,) = session.hub.accounts.values()
    ours = {fact.fill_id: (fact.price, fact.quantity_base) for fact in session.facts if isinstance(fact, Fill)}
    theirs = [(one.fill.price, one.fill.quantity_base) for one in account.fills]
    assert sorted(ours.values()) == sorted(theirs)


def test_the_client_asked_for_nothing_that_is_not_modelled(session: Session) -> None:
    assert session.hub.unknown == []


def test_the_books_explain_every_cent(session: Session) -> None:
    found = checked(session.data)
    assert found["problems"] == []
    assert found["unexplained_usd"] == 0
    (account,) = session.hub.accounts.values()
    assert [fact for fact in session.facts if isinstance(fact, Balance)][-1].wallet_usd == account.wallet_usd
    assert any(isinstance(fact, Reconciled) for fact in session.facts)


def test_every_kind_of_public_data_came_from_every_venue(session: Session) -> None:
    heard: dict[str, set[str]] = {name: set() for name in HEARD}
    with JournalReader(places.journal_path(session.data)) as reader:
        venues = reader.stamp.roster.venues
        for block in reader.blocks():
            if not block.backfilled:
                for name, found in heard.items():
                    found |= {venues[code] for code in block.rows(name)["venue"]}
    forced = {venue for venue in traded() if any("liquidation" in stream.feeds for stream in wire_of(venue).streams)}
    expected = {name: forced if name == "liquidations" else set(traded()) for name in HEARD}
    assert heard == expected


def test_its_journal_replays_to_the_same_bytes(session: Session) -> None:
    here = this_code(__version__, 0)
    answer = replay(places.journal_path(session.data), recorded_engine, here, snapshot_version=snapshot_version())
    assert answer.equality is Equality.IDENTICAL, answer.differences


def test_the_recorded_market_gives_the_same_map(session: Session) -> None:
    with JournalReader(places.journal_path(session.data)) as reader:
        rerun = Rerun(reader, recorded_engine, snapshot_version())
        for _ in rerun.answers():
            pass
    again, first = rerun.engine.market, session.engine.market
    assert msgspec.msgpack.encode(again.state()) == msgspec.msgpack.encode(first.state())
    here, there = again.map_of("BTC"), first.map_of("BTC")
    for name in here.__struct_fields__:
        assert np.array_equal(getattr(here, name), getattr(there, name)), name


def test_a_venue_whose_protocol_is_not_spoken_is_refused_in_one_line() -> None:
    settings = load("paper").settings.model_copy(update={"trade_venue": "cme"})
    with pytest.raises(ExpectedError, match=f"cme.*{', '.join(traded())}") as refused:
        spoken_only(settings)
    assert refused.value.exit_code == Exit.CONFIG
