"""The loop around the engine when its journal cannot be written: no new risk, no reduction held back."""

from decimal import Decimal

import pytest

from liqbot.blocks import EventBlock
from liqbot.commands import (
    CancelOrder,
    Command,
    OrderKind,
    PlaceOrder,
    Purpose,
    QueryOrder,
    SetLeverage,
    adds_risk,
)
from liqbot.engine import Step
from liqbot.instruments import Side
from liqbot.journal.errors import JournalStuckError
from liqbot.runtime.step import NOT_JOURNALED
from paper.sessions.sim_loop import SimLoop
from paper.simulate.journal import MemoryJournal

WHERE = ("binance", "BTC")


def order(purpose: Purpose) -> PlaceOrder:
    return PlaceOrder(
        client_id=purpose.value, venue=WHERE[0], coin=WHERE[1], decision_id=1, purpose=purpose, kind=OrderKind.MARKET,
        side=Side.LONG, quantity_base=Decimal(1), reduce_only=purpose is not Purpose.ENTRY,
    )


COMMANDS = (
    SetLeverage(*WHERE, 5), order(Purpose.ENTRY), order(Purpose.STOP), order(Purpose.TAKE), order(Purpose.EXIT),
    CancelOrder("x", *WHERE), QueryOrder("x", *WHERE),
)


class Speaker:
    """An engine that always wants everything."""

    def __init__(self) -> None:
        self.facts: list[object] = []

    def on_block(self, block: EventBlock) -> Step:
        self.facts += block.facts
        return Step(1, 1, commands=COMMANDS)

    def leave_unrecorded(self, block: EventBlock, step: Step) -> None:
        """Nobody asks."""

    def snapshot(self) -> bytes:
        return b""


class FullJournal(MemoryJournal):
    """No room for anything."""

    def append(self, block: EventBlock, source: str, source_seq: int) -> int:
        del block, source, source_seq
        raise JournalStuckError("journal: full")


class Counter:
    def __init__(self) -> None:
        self.sent: list[Command] = []

    def submit(self, command: Command, time_ms: int) -> None:
        del time_ms
        self.sent.append(command)

    def advance(self, block: EventBlock, react: object) -> None:
        """Nothing happens here."""


@pytest.mark.parametrize("stuck", [False, True])
def test_with_a_stuck_journal_only_what_adds_risk_stays(stuck):
    journal, venue = MemoryJournal("abcdef"), Counter()
    journal.stuck = stuck
    SimLoop(Speaker(), venue, journal=journal).step(EventBlock(tick_ms=1))
    expected = [command for command in COMMANDS if not (stuck and adds_risk(command))]
    assert venue.sent == expected
    assert len(expected) == (5 if stuck else 7)


def test_with_a_full_journal_the_exit_leaves_and_nobody_observes():
    """As it is live: the block is decided on although nothing will remember it."""
    venue, observed, engine = Counter(), [], Speaker()
    loop = SimLoop(engine, venue, journal=FullJournal("abcdef"), observers=(lambda *seen: observed.append(seen),))
    loop.step(EventBlock(tick_ms=1))
    assert venue.sent == [command for command in COMMANDS if not adds_risk(command)]
    assert observed == []
    loop.step(EventBlock(tick_ms=2))
    assert [(fact.client_id, fact.code) for fact in engine.facts] == [("entry", NOT_JOURNALED)]
