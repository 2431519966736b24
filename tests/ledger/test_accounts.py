"""Accounts by name: facts of another one reach nothing of ours, and several are refused in the configuration."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from ledger_story import VENUE, a_fill, balance, opening
from walk_tape import paper_settings

from liqbot.blocks import EventBlock, Roster
from liqbot.engine import Engine
from liqbot.events import Event, OrderAccepted
from liqbot.instruments import Instrument, Side
from liqbot.ledger import LedgerWriter
from liqbot.ledger.observation import observation_of
from liqbot.review.ledger_reader import Ledger
from liqbot.runtime.assembly import engine_of
from liqbot.settings import Settings

ROSTER = Roster((VENUE,), ("BTC",))
BTC = Instrument(VENUE, "BTC", "BTCUSDT", Decimal("0.1"), Decimal("0.001"))


def an_engine(account: str) -> Engine:
    """A copy of the settings is not validated: named accounts are refused until the edges can tell them apart."""
    named = {"accounts": (account,) if account else ()}
    return engine_of(paper_settings().model_copy(update=named), ROSTER, "abc123", [BTC])


def of(account: str, *facts: Event) -> tuple[Event, ...]:
    return tuple(msgspec.structs.replace(fact, account=account) for fact in facts)


@pytest.mark.parametrize(("ours", "theirs"), [("", "hedge"), ("main", "hedge"), ("main", "")])
def test_what_another_account_does_is_written_down_and_changes_nothing(ours: str, theirs: str, tmp_path: Path):
    engine, path = an_engine(ours), tmp_path / "ledger.sqlite"
    resting = OrderAccepted(time_ms=3, venue=VENUE, coin="BTC", client_id="somebody", venue_order_id="9")
    others = of(theirs, balance(2, "555"), a_fill(2, "a", Side.LONG, "100", "1"), resting)
    with LedgerWriter(f"sqlite:///{path}", "abc123") as ledger:
        for seq, facts in enumerate(((*opening(1), *of(ours, balance(1, "1000"))), others), 1):
            block = EventBlock(facts=facts)
            ledger.observe(observation_of(seq, block, engine.on_block(block), engine))
    assert (engine.account.equity_usd, engine.account.positions) == (1_000, ())
    assert engine.account.books.other_accounts == 3
    assert engine.order_manager.foreign_resting(VENUE, "BTC") == 0
    with Ledger(str(path)) as read:
        incidents = read.rows("SELECT severity, detail FROM v_incidents WHERE kind = 'OTHER_ACCOUNT'")
        assert read.rows("SELECT * FROM fill") == []
        assert [row["account"] for row in read.rows("SELECT account FROM transfer")] == [ours]
    assert len(incidents) == 3
    assert f"of account {theirs!r} is not ours" in incidents[0]["detail"]


def test_rows_carry_the_account(tmp_path: Path):
    engine, path = an_engine("main"), tmp_path / "ledger.sqlite"
    facts = of("main", balance(1, "1000"), a_fill(2, "a", Side.LONG, "100", "1"))
    with LedgerWriter(f"sqlite:///{path}", "abc123") as ledger:
        block = EventBlock(facts=(*opening(1), *facts))
        ledger.observe(observation_of(1, block, engine.on_block(block), engine))
    with Ledger(str(path)) as read:
        for table in ("fill", "trade", "transfer", "equity"):
            assert {row["account"] for row in read.rows(f"SELECT account FROM {table}")} == {"main"}, table


def test_named_accounts_are_refused_in_one_clear_line():
    assert engine_of(paper_settings(), ROSTER, "abc123", [BTC]).account.name == ""
    with pytest.raises(ValueError, match="'main', 'hedge': one account is traded") as refused:
        Settings(accounts=("main", "hedge"))
    assert "leave accounts empty" in str(refused.value)
