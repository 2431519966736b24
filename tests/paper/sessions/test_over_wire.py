"""A short session with everything over the wire: it trades, its books agree, its journal replays to the same bytes."""

import msgspec
import numpy as np
import pytest
from wired_session import WiredSession, in_process, wired_session

from liqbot import __version__, places
from liqbot.code_version import this_code
from liqbot.events import Balance, Fill, Reconciled
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import JournalReader
from liqbot.journal.rerun import Rerun
from liqbot.replay import Equality, replay
from liqbot.review.books_check import checked
from liqbot.review.ledger_reader import Ledger
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from liqbot.settings import load
from liqbot.venues.registry import wire_of
from paper.dialects.serving import traded
from paper.sessions.over_wire import spoken_only

pytestmark = pytest.mark.drawn(dear=True)
"""What they share costs the most of them."""

HEARD = ("bars", "marks", "liquidations", "open_interest", "funding")
SEED = 11


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> WiredSession:
    return wired_session(tmp_path_factory.mktemp("wire"), load("paper").settings.trade_venue, SEED)


def test_the_same_decisions_and_fills_as_in_process(session: WiredSession) -> None:
    told = in_process(session)
    assert len(session.told.fills) >= 2, "the market of this seed trades"
    assert session.told.decisions == told.decisions
    assert session.told.fills == told.fills


def test_a_trade_is_made_and_ended_over_the_wire(session: WiredSession) -> None:
    with Ledger(str(places.ledger_path(session.data))) as ledger:
        trades = ledger.rows("SELECT status FROM trade")
    assert [row for row in trades if row["status"] == "closed"], trades
    (account,) = session.hub.accounts.values()
    ours = {fact.fill_id: (fact.price, fact.quantity_base) for fact in session.told.facts if isinstance(fact, Fill)}
    theirs = [(one.fill.price, one.fill.quantity_base) for one in account.fills]
    assert sorted(ours.values()) == sorted(theirs)


def test_the_client_asked_for_nothing_that_is_not_modelled(session: WiredSession) -> None:
    assert session.hub.unknown == []


def test_the_books_explain_every_cent(session: WiredSession) -> None:
    found = checked(session.data)
    assert found["problems"] == []
    assert found["unexplained_usd"] == 0
    (account,) = session.hub.accounts.values()
    assert [fact for fact in session.told.facts if isinstance(fact, Balance)][-1].wallet_usd == account.wallet_usd
    assert any(isinstance(fact, Reconciled) for fact in session.told.facts)


def test_every_kind_of_public_data_came_from_every_venue(session: WiredSession) -> None:
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


def test_its_journal_replays_to_the_same_bytes(session: WiredSession) -> None:
    here = this_code(__version__, 0)
    answer = replay(places.journal_path(session.data), recorded_engine, here, snapshot_version=snapshot_version())
    assert answer.equality is Equality.IDENTICAL, answer.differences


def test_the_recorded_market_gives_the_same_map(session: WiredSession) -> None:
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
