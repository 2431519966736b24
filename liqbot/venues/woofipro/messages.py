"""Orderly's public messages: trades and mark price by contract, forced orders of all contracts in one topic."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.instruments import Side
from liqbot.venues.frames import frame_of, listed, typed_rows, word
from liqbot.venues.parsing import Parsed, WireBook
from liqbot.venues.rows import each, foreign
from liqbot.venues.woo_topics import read_topic

_FORCED: Final = "liquidation"


class _Liquidation(msgspec.Struct, gc=False):
    """An entry of the list of liquidations; it comes again when its state changes."""

    liquidation_id: int = msgspec.field(name="liquidationId")
    time_ms: int = msgspec.field(name="timestamp")
    kind: str = msgspec.field(name="type")
    positions: list[Any] = msgspec.field(name="positionsByPerp")


class _Position(msgspec.Struct, gc=False):
    """The quantity is signed: below zero it was a short."""

    symbol: str
    quantity: float = msgspec.field(name="positionQty")


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    frame = frame_of(raw, book)
    topic = word(frame, "topic")
    return _forced(frame, book) if topic == _FORCED else read_topic(frame, topic, book)


def _forced(frame: dict[str, Any], book: WireBook) -> Parsed:
    """Other types than `liquidated` tell that a claim was made or given up: they close nothing."""
    parsed = Parsed()
    entries = typed_rows(listed(frame, _FORCED, book, "data"), _Liquidation, _FORCED, book)
    for entry in entries:
        if entry.kind != "liquidated":
            parsed.ignored += 1
            continue
        own = [one for one in entry.positions if not foreign(one, "symbol", book)]
        parsed.ignored += len(entry.positions) - len(own)
        parsed.facts += _closed(entry, typed_rows(own, _Position, _FORCED, book), book)
    return parsed


def _closed(entry: _Liquidation, positions: list[_Position], book: WireBook) -> list[MarketEvent]:
    """No price is given: it is valued at the mark, and left out while there is none."""

    def closed(row: _Position) -> list[MarketEvent]:
        index = book.index_of[row.symbol]
        price = book.quotes[index].mark_price
        if price != price or not book.first_time((index, entry.liquidation_id, entry.time_ms)):
            return []
        side = Side.LONG if row.quantity > 0.0 else Side.SHORT
        return [book.liquidation(index, entry.time_ms, side, price, abs(row.quantity))]

    return each((row for row in positions if row.symbol in book.index_of), closed, book)
