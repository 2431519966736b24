"""Whether a position may be open, from the end of a journal alone: a False is certain as far as the journal goes."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from liqbot.blocks import Roster, block_of
from liqbot.events import ConfigLoaded, Event, Fill, PositionSnapshot
from liqbot.instruments import Side
from liqbot.journal import Journal, JournalReader
from liqbot.runtime.last_known import may_hold
from paper.sessions.listings import paper_instruments

ROSTER = Roster(("binance",), ("BTC",))
CONFIG = ConfigLoaded(time_ms=1, config_json="{}", digest="", instruments=paper_instruments("binance", ("BTC",)))


def fill(time_ms: int, fill_id: str, side: Side, base: str, *, reduces: bool = False, account: str = "") -> Fill:
    return Fill(
        time_ms=time_ms, venue="binance", coin="BTC", client_id="c", fill_id=fill_id, side=side, reduces=reduces,
        price=Decimal(100), quantity_base=Decimal(base), fee=Decimal(0), account=account,
    )  # fmt: skip


def stated(time_ms: int, side: Side, base: str) -> PositionSnapshot:
    return PositionSnapshot(
        time_ms=time_ms, venue="binance", coin="BTC", side=side, quantity_base=Decimal(base), entry_price=Decimal(100),
        leverage=1.0, isolated=True,
    )  # fmt: skip


LONG, SHORT = Side.LONG, Side.SHORT
ENTRY, EXIT = fill(1_000, "1", LONG, "2"), fill(2_000, "2", LONG, "2", reduces=True)
HALF = fill(2_000, "3", LONG, "1", reduces=True)


@pytest.mark.parametrize(("facts", "held"), [
    ((ENTRY,), True),
    ((ENTRY, EXIT), False),
    ((ENTRY, ENTRY, EXIT), False),
    ((ENTRY, HALF, HALF), True),
    ((ENTRY, fill(1_500, "4", SHORT, "2")), False),
    ((ENTRY, fill(1_500, "4", SHORT, "3")), True),
    ((ENTRY, EXIT, fill(1_500, "1", LONG, "1", account="another")), True),
    ((stated(1_000, SHORT, "1"),), True),
    ((ENTRY, stated(1_500, LONG, "0")), False),
    ((stated(1_000, SHORT, "1"), fill(2_000, "4", SHORT, "1", reduces=True)), False),
    ((stated(1_000, SHORT, "1"), fill(2_000, "4", LONG, "1")), False),
    ((HALF, stated(3_000, LONG, "1"), HALF), True),
    ((EXIT, stated(3_000, LONG, "0"), EXIT, fill(4_000, "4", LONG, "2")), True),
], ids=[
    "entered", "left", "an entry told twice", "a part of the exit told twice", "netted", "turned",
    "one id in two accounts", "stated", "stated flat", "stated and left", "stated and netted",
    "a close that was stated already is told again", "such a close, and an entry",
])
def test_what_is_open_is_counted_as_the_books_count_it(facts: Sequence[Event], held: bool, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal.open(path, mode="paper", account="a", roster=ROSTER) as journal:
        for number, fact in enumerate(facts, 1):
            journal.append(block_of([fact], ROSTER, tick_ms=number * 1_000), "test", number)
    with JournalReader(path) as reader:
        assert may_hold(reader, CONFIG) is held
