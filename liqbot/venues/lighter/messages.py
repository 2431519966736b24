"""Lighter's public messages: trades with the forced ones among them, and market stats with mark, index, open interest
and funding."""

from typing import Any, Final

import msgspec

from liqbot.events import Liquidation, MarketEvent
from liqbot.venues.frames import closed_side, frame_of, printed, prints, typed_rows, within, word
from liqbot.venues.parsing import NOT_OURS, Parsed, Trade, WireBook
from liqbot.venues.rows import each, figures, foreign

INTERVAL_H: Final = 1.0
"""Funding is paid at every full hour."""
_ON_BOOK: Final = ("trade", "liquidation")
"""The other kinds (deleveraging, settlement of a market that closes) are agreed on outside the order book."""


class _Print(msgspec.Struct, gc=False):
    kind: str = msgspec.field(name="type")
    market_id: int
    price: float
    amount: float = msgspec.field(name="size")
    maker_sold: bool = msgspec.field(name="is_maker_ask")
    time_ms: int = msgspec.field(name="timestamp")
    seller: Any = msgspec.field(name="ask_account_id", default=None)
    buyer: Any = msgspec.field(name="bid_account_id", default=None)
    """Numbers of accounts."""


class _Stats(msgspec.Struct, gc=False):
    """Open interest in USD, one side; rates in percent an hour: `current_funding_rate` is the one that the next hour is
    expected to end with, `funding_rate` what was paid last."""

    market_id: int
    mark_price: float
    index_price: float | str | None = None
    open_interest: float | str | None = None
    current_funding_rate: float | str | None = None


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    frame = frame_of(raw, book)
    kind = word(frame, "type")
    if kind in ("update/trade", "subscribed/trade"):
        return _trades(frame, book, fresh=kind == "update/trade")
    if kind in ("update/market_stats", "subscribed/market_stats"):
        return _stats(frame, book)
    return NOT_OURS


def _trades(frame: dict[str, Any], book: WireBook, *, fresh: bool) -> Parsed:
    """The first frame of a subscription tells trades of before, which are left out. Go's empty lists come as null."""
    if foreign({"id": word(frame, "channel").partition(":")[2]}, "id", book):
        return Parsed(ignored=1)
    lists = [frame.get(name) or [] for name in ("trades", "liquidation_trades")]
    for rows in lists:
        if not isinstance(rows, list):
            raise book.malformed("trade trades", rows, frame)
    if not fresh:
        return Parsed(ignored=sum(len(rows) for rows in lists))
    parsed = Parsed()
    rows = [row for row in typed_rows(lists[0] + lists[1], _Print, "trade", book) if _known(row, book, parsed)]
    on_book = [row for row in rows if row.kind in _ON_BOOK]
    book.off_book += len(rows) - len(on_book)
    parsed.trades = prints(on_book, lambda row: _trade(row, book), book)
    # Prints of the order book they are too: a forced order takes from it.
    parsed.facts = each((row for row in on_book if row.kind == "liquidation"), lambda row: [_forced(row, book)], book)
    if book.wants_parties:
        parsed.parties = [
            (book.index_of[str(row.market_id)], row.time_ms, str(account), row.price * row.amount)
            for row in on_book for account in (row.buyer, row.seller) if type(account) is int and account >= 0
        ]
    return parsed


def _known(row: _Print, book: WireBook, parsed: Parsed) -> bool:
    known = str(row.market_id) in book.index_of
    parsed.ignored += not known
    return known


def _trade(row: _Print, book: WireBook) -> Trade:
    """The taker bought when the maker sold."""
    index = book.index_of[str(row.market_id)]
    return printed(book, index, row.time_ms, row.price, row.amount, bought=row.maker_sold)


def _forced(row: _Print, book: WireBook) -> Liquidation:
    """The liquidated account is the taker."""
    index = book.index_of[str(row.market_id)]
    return book.liquidation(index, row.time_ms, closed_side(bought=row.maker_sold), row.price, row.amount)


def _stats(frame: dict[str, Any], book: WireBook) -> Parsed:
    """Of one market, or of all of them by their number."""
    stats, time_ms = within(frame, "market_stats"), frame.get("timestamp")
    if not isinstance(stats, dict) or type(time_ms) is not int:
        raise book.malformed("market_stats", (type(stats).__name__, time_ms), frame)
    rows = [stats] if "market_id" in stats else list(stats.values())
    own = [row for row in rows if not _foreign(row, book)]
    facts: list[MarketEvent] = []
    for row in typed_rows(own, _Stats, "market_stats", book):
        index = book.index_of.get(str(row.market_id))
        if index is not None:
            facts += figures(row, index, time_ms, _FIGURES, book)
    return Parsed(facts=facts, ignored=len(rows) - len(own))


def _foreign(row: Any, book: WireBook) -> bool:
    """Left out before it is looked at; a market under a number that is none is looked at, and noted."""
    named = within(row, "market_id")
    return type(named) is int and str(named) not in book.index_of


def _marked(row: _Stats, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    index_price = book.figure("market_stats index_price", row.index_price, row)
    return book.mark(index, time_ms, row.mark_price, index_price)


def _interest(row: _Stats, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    usd = book.figure("market_stats open_interest", row.open_interest, row)
    return [] if usd is None else book.open_interest_usd(index, time_ms, usd)


def _funded(row: _Stats, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    rate_pct = book.figure("market_stats current_funding_rate", row.current_funding_rate, row)
    return [] if rate_pct is None else book.funding(index, time_ms, rate_pct / 100.0, INTERVAL_H)


_FIGURES: Final = (_marked, _interest, _funded)
