"""What a journal knows before anything is run again: whose it is, under which configuration, and whether a position
may be open. Read from its end in a moment, however long it is."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from liqbot import places
from liqbot.accounting.dedupe import RecentIds, identity_of
from liqbot.accounting.positions import Holding
from liqbot.commands import Purpose
from liqbot.events import (
    ConfigLoaded,
    Fill,
    JournalOpened,
    JournalRepaired,
    OrderCancelled,
    OrderMissing,
    OrderRejected,
    PositionSnapshot,
)
from liqbot.journal import JournalReader, Record, plain_step
from liqbot.runtime.recovery import configuration_at

CONTRACTS_NAME: Final = "contracts"
"""Of the snapshot that keeps the traded contracts as the venue listed them, in the unified client's words."""
READ_AT_ONCE: Final = 2_000
ENTRY_RESTS_MS_MAX: Final = 3_600_000
"""Older entries are over: their targets expire long before."""
ENTRY_ENDS: Final = OrderCancelled | OrderMissing | OrderRejected | Fill


class LastKnown(NamedTuple):
    """How a journal ends."""

    account: str
    opened: JournalOpened
    config: ConfigLoaded
    last_ms: int
    """Time of the newest record."""
    may_hold: bool
    """A position was open, or an entry was sent of which nothing was received. False is certain as far as the journal
    goes."""
    contracts: bytes | None
    """None when none of this version of the unified client were kept."""


def last_known(data: Path, contracts_version: str) -> LastKnown | None:
    """None where there is no journal yet. ExpectedError when there is one that cannot be read."""
    path = places.journal_path(data)
    if not path.is_file():
        return None
    with JournalReader(path) as reader:
        if not reader.last_seq:
            return None
        opened, config = configuration_at(reader, reader.last_seq)
        newest = next(iter(reader.records(reader.last_seq, facts_only=True)))
        kept, _ = reader.newest_snapshot(CONTRACTS_NAME, contracts_version)
        contracts = kept.data if kept is not None else None
        return LastKnown(
            reader.stamp.account, opened, config, newest.time_ms, may_hold(reader, config), contracts
        )


def may_hold(reader: JournalReader, config: ConfigLoaded) -> bool:
    """Whether anything is open by the newest statement on each traded contract and the fills since, or an entry was
    sent whose end nobody reported."""
    unanswered: dict[tuple[str, str], list[Fill]] = {(one.venue, one.coin): [] for one in config.instruments}
    ended: set[str] = set()
    counted = RecentIds()
    first_seq, newest_ms = 1, 0
    for record in _from_the_end(reader):
        newest_ms = max(newest_ms, record.time_ms)
        for fact in reversed(record.block.facts):
            if isinstance(fact, ENTRY_ENDS):
                ended.add(fact.client_id)
            if isinstance(fact, JournalRepaired) and unanswered:
                return True  # what the lost records said is not known
            if not isinstance(fact, PositionSnapshot | Fill) or (fact.venue, fact.coin) not in unanswered:
                continue
            if isinstance(fact, PositionSnapshot):
                if _is_open(unanswered.pop((fact.venue, fact.coin)), fact):
                    return True
            elif not counted.is_repeat(identity_of(fact)):
                unanswered[fact.venue, fact.coin].append(fact)
        if not unanswered and record.time_ms < newest_ms - ENTRY_RESTS_MS_MAX:
            first_seq = record.seq
            break
    return any(_is_open(fills) for fills in unanswered.values()) or any(
        command.get("purpose") == Purpose.ENTRY and command["client_id"] not in ended
        for step in reader.steps(first_seq) if step.step is not None
        for command in plain_step(step.step)["commands"]
    )


def _is_open(newest_first: Sequence[Fill], stated: PositionSnapshot | None = None) -> bool:
    """By the books' own rule, from what was stated on. A close from before that may be counted in it already: it closes
    nothing more."""
    holding = Holding("", "")
    if stated is not None and stated.quantity_base:
        holding.fill(
            stated.side, reduces=False, price=stated.entry_price, quantity_base=stated.quantity_base,
            time_ms=stated.time_ms,
        )
    for fill in reversed(newest_first):
        if stated is None or not fill.reduces or fill.time_ms >= stated.time_ms:
            holding.fill(
                fill.side, reduces=fill.reduces, price=fill.price, quantity_base=fill.quantity_base,
                time_ms=fill.time_ms,
            )
    return holding.open_side is not None


def _from_the_end(reader: JournalReader) -> Iterator[Record]:
    for last in range(reader.last_seq, 0, -READ_AT_ONCE):
        yield from reversed(list(reader.records(max(1, last - READ_AT_ONCE + 1), last, facts_only=True)))
