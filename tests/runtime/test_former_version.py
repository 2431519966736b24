"""Books that the version before wrote are read whole: what was open is known, with its stop."""

from decimal import Decimal
from pathlib import Path

import pytest
from former_books import recovered, unpacked

from liqbot import places
from liqbot.blocks import EventBlock, Roster
from liqbot.events import Halt, HaltCode
from liqbot.instruments import Side
from liqbot.journal import Journal, JournalReader
from liqbot.runtime.last_known import last_known


def test_a_start_knows_that_a_position_may_be_open(tmp_path: Path) -> None:
    known = last_known(unpacked(tmp_path), "any")
    assert known is not None
    assert known.may_hold
    assert known.contracts is None, "that version kept none: the venue is asked for them"


@pytest.mark.drawn(singly=True)
def test_recovery_knows_the_position_and_its_stop(tmp_path: Path) -> None:
    engine = recovered(unpacked(tmp_path)).engine
    (position,) = engine.account.positions
    assert (position.side, position.quantity_base) == (Side.SHORT, Decimal("0.032"))
    (stop,) = engine.order_manager.resting_stops(engine.account.positions)["BTC"]
    assert engine.order_manager.book("binance", "BTC").confirmed_base(Side.SHORT) == position.quantity_base
    assert stop.startswith("s")


@pytest.mark.drawn(singly=True)
def test_it_is_written_on(tmp_path: Path) -> None:
    path = places.journal_path(unpacked(tmp_path))
    with JournalReader(path) as reader:
        stamp, last_seq, (opened, _, _) = reader.stamp, reader.last_seq, reader.opening()
    assert opened is not None
    halt = Halt(time_ms=1_735_719_200_000, reason="a look", code=HaltCode.REPEATED_CRASHES)
    roster = Roster(opened.venues, opened.coins)
    with Journal.open(path, mode=stamp.mode, account=stamp.account, roster=roster) as journal:
        journal.append(EventBlock(facts=(halt,)), "inbox", 1)
    found = recovered(tmp_path)
    assert found.records == last_seq + 1
    assert found.engine.account.halt_code is HaltCode.REPEATED_CRASHES
    assert found.engine.account.positions
