"""ApeX's public trades; everything else is polled, since its stream of tickers has no mark price."""

from typing import Final

import msgspec

from liqbot.venues.frames import frame_of, listed, printed, prints, taker_bought, typed_rows, word
from liqbot.venues.parsing import NOT_OURS, Parsed, Trade, WireBook

_TOPIC: Final = "recentlyTrade.H."


class _Trade(msgspec.Struct, gc=False):
    """Amounts are in coin, whatever the unified client calls the size of a contract."""

    time_ms: int = msgspec.field(name="T")
    side: str = msgspec.field(name="S")
    amount: float = msgspec.field(name="v")
    price: float = msgspec.field(name="p")


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    frame = frame_of(raw, book)
    topic = word(frame, "topic")
    if not topic.startswith(_TOPIC):
        return NOT_OURS
    rows = listed(frame, "trades", book, "data")
    index = book.index_of.get(topic.removeprefix(_TOPIC))
    if index is None or word(frame, "type") == "snapshot":
        # A subscription begins with trades of before.
        return Parsed(ignored=len(rows))

    def trade(row: _Trade) -> Trade:
        return printed(book, index, row.time_ms, row.price, row.amount, bought=taker_bought(row.side, book))

    return Parsed(prints(typed_rows(rows, _Trade, "trades", book), trade, book))
