"""OKX's public messages: trades, mark price, index, funding, open interest, forced orders. Sizes are in contracts."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol, TypeVar

import msgspec

from liqbot.events import Liquidation, MarketEvent
from liqbot.instruments import Side
from liqbot.venues.parsing import (
    AMOUNT_MAX,
    NOT_OURS,
    PRICE_MAX,
    TIME_MS_MAX,
    Parsed,
    Trade,
    WireBook,
    decoded,
)
from liqbot.venues.rows import BROKEN, RowShape, each, typed_row


class _Named(Protocol):
    inst_id: str


Named = TypeVar("Named", bound=_Named)


class _Arg(msgspec.Struct, frozen=True, gc=False):
    channel: str = ""


class _Envelope(msgspec.Struct, gc=False):
    """`event` marks acknowledgements and errors."""

    arg: _Arg = _Arg()
    event: str | None = None


class _Trade(msgspec.Struct, gc=False):
    inst_id: str = msgspec.field(name="instId")
    price: float = msgspec.field(name="px")
    amount: float = msgspec.field(name="sz")
    side: str
    ts: int


class MarkMessage(msgspec.Struct, gc=False):
    inst_id: str = msgspec.field(name="instId")
    mark_price: float = msgspec.field(name="markPx")
    ts: int


class IndexMessage(msgspec.Struct, gc=False):
    inst_id: str = msgspec.field(name="instId")
    index_price: float = msgspec.field(name="idxPx")
    ts: int


class FundingMessage(msgspec.Struct, gc=False):
    """The interval is what lies between the next payment and the one after it. Without its own time, as in former
    years, a rate is of no use."""

    inst_id: str = msgspec.field(name="instId")
    funding_ms: int = msgspec.field(name="fundingTime")
    rate_ratio: float | None = msgspec.field(name="fundingRate", default=None)
    ts: int | None = None
    next_ms: int | str | None = msgspec.field(name="nextFundingTime", default=None)


class OpenInterestRow(msgspec.Struct, gc=False):
    """In contracts, in coin and, since some time, in USD."""

    inst_id: str = msgspec.field(name="instId")
    contract_units: float = msgspec.field(name="oi")
    ts: int
    usd: float | str | None = msgspec.field(name="oiUsd", default=None)


class _Detail(msgspec.Struct, gc=False):
    side: str
    bankruptcy_price: float = msgspec.field(name="bkPx")
    contracts: float = msgspec.field(name="sz")
    ts: int
    position_side: str = msgspec.field(name="posSide", default="")


class _Forced(msgspec.Struct, gc=False):
    """Of every swap there is: the details are decoded only of those that are watched."""

    inst_id: str = msgspec.field(name="instId")
    details: Any = None


_TRADE_HEAD: Final = '{"arg":{"channel":"trades","instId":"'
_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_TRADES: Final = RowShape("trades", _Trade, "instId")
_MARKS: Final = RowShape("mark-price", MarkMessage, "instId")
_INDEXES: Final = RowShape("index-tickers", IndexMessage, "instId", suffix="-SWAP")
_FUNDINGS: Final = RowShape("funding-rate", FundingMessage, "instId")
_OPEN_INTERESTS: Final = RowShape("open-interest", OpenInterestRow, "instId")
_FORCED: Final = RowShape("liquidation-orders", _Forced, "instId")


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else; of a frame of many rows the
    unreadable ones are left out and noted in the book."""
    if isinstance(raw, str) and raw.startswith(_TRADE_HEAD):
        return _trades(raw, book)
    try:
        envelope = _ENVELOPE.decode(raw)
    except BROKEN:
        decoded(raw, book)
        return NOT_OURS
    read = _CHANNELS.get(envelope.arg.channel)
    return NOT_OURS if read is None or envelope.event is not None else read(raw, book)


def _trades(raw: str | bytes, book: WireBook) -> Parsed:
    """Block trades come in a channel of their own, which is not read."""
    ignored = 0
    try:
        entries = _TRADES.decode(raw).data
    except BROKEN as error:
        entries, ignored = _TRADES.apart(raw, error, book)
    trades: list[Trade] = []
    for entry in entries:
        index = book.index_of.get(entry.inst_id)
        if index is None:
            ignored += 1
            continue
        price, amount, time_ms = entry.price, entry.amount, entry.ts
        if not (0.0 < price < PRICE_MAX and 0.0 < amount < AMOUNT_MAX and 0 < time_ms < TIME_MS_MAX):
            book.reject(book.malformed("trades", (time_ms, price, amount), entry))
            continue
        bought = entry.side == "buy"
        if not bought and entry.side != "sell":
            book.reject(book.malformed("trades side", entry.side, entry))
            continue
        per_price, flat = book.factors[index]
        trades.append((index, time_ms, price, amount * (per_price * price + flat), bought))
    return Parsed(trades, ignored=ignored)


def _known(rows: Iterable[Named], book: WireBook, parsed: Parsed, suffix: str = "") -> Iterator[tuple[int, Named]]:
    for row in rows:
        index = book.index_of.get(f"{row.inst_id}{suffix}")
        if index is None:
            parsed.ignored += 1
        else:
            yield index, row


def _marks(raw: str | bytes, book: WireBook) -> Parsed:
    parsed = Parsed()
    return mark_facts(_MARKS.rows(raw, book, parsed), book, parsed)


def mark_facts(rows: list[MarkMessage], book: WireBook, parsed: Parsed) -> Parsed:
    known = _known(rows, book, parsed)
    parsed.facts += each(known, lambda one: book.mark(one[0], one[1].ts, one[1].mark_price, None), book)
    return parsed


def _indexes(raw: str | bytes, book: WireBook) -> Parsed:
    parsed = Parsed()
    return index_facts(_INDEXES.rows(raw, book, parsed), book, parsed)


def index_facts(rows: list[IndexMessage], book: WireBook, parsed: Parsed) -> Parsed:
    """An index (`BTC-USDT`) belongs to the swap on it (`BTC-USDT-SWAP`); it travels on with the next mark."""
    known = _known(rows, book, parsed, "-SWAP")
    parsed.facts += each(known, lambda one: book.mark(one[0], one[1].ts, None, one[1].index_price), book)
    return parsed


def _fundings(raw: str | bytes, book: WireBook) -> Parsed:
    parsed = Parsed()
    return funding_facts(_FUNDINGS.rows(raw, book, parsed), book, parsed)


def funding_facts(rows: list[FundingMessage], book: WireBook, parsed: Parsed) -> Parsed:
    known = list(_known(rows, book, parsed))
    timed = [(index, row) for index, row in known if row.ts is not None]
    parsed.ignored += len(known) - len(timed)
    parsed.facts += each(timed, lambda one: _funding(*one, book), book)
    return parsed


def _funding(index: int, row: FundingMessage, book: WireBook) -> list[MarketEvent]:
    interval_h = None
    if row.next_ms not in (None, ""):
        next_ms = book.convert(row.next_ms, int, "funding-rate nextFundingTime")
        interval_h = (next_ms - row.funding_ms) / 3_600_000.0
    return book.funding(index, row.ts or 0, row.rate_ratio, interval_h)


def _open_interests(raw: str | bytes, book: WireBook) -> Parsed:
    parsed = Parsed()
    return open_interest_facts(_OPEN_INTERESTS.rows(raw, book, parsed), book, parsed)


def open_interest_facts(rows: list[OpenInterestRow], book: WireBook, parsed: Parsed) -> Parsed:
    parsed.facts += each(_known(rows, book, parsed), lambda one: _interest(*one, book), book)
    return parsed


def _interest(index: int, row: OpenInterestRow, book: WireBook) -> list[MarketEvent]:
    usd = book.figure("open-interest oiUsd", row.usd, row)
    if usd is None:
        return book.open_interest(index, row.ts, row.contract_units)
    return book.open_interest_usd(index, row.ts, usd)


def _forced(raw: str | bytes, book: WireBook) -> Parsed:
    """All swaps come in one stream, several orders in `details`. The price is the bankruptcy price."""
    parsed = Parsed()
    for index, row in _known(_FORCED.rows(raw, book, parsed), book, parsed):
        if isinstance(row.details, list):
            parsed.facts += _forced_facts(index, row.details, book)
        else:
            book.reject(book.malformed("liquidation-orders details", row.details, row))
    return parsed


def _forced_facts(index: int, details: list[Any], book: WireBook) -> list[MarketEvent]:
    typed = (typed_row(detail, _Detail, "liquidation-orders", book) for detail in details)
    return each((one for one in typed if one is not None), lambda one: [_forced_fact(index, one, book)], book)


def _forced_fact(index: int, detail: _Detail, book: WireBook) -> Liquidation:
    side = _closed_side(detail, book)
    return book.liquidation(index, detail.ts, side, detail.bankruptcy_price, detail.contracts)


def _closed_side(detail: _Detail, book: WireBook) -> Side:
    """`posSide` where the account keeps both sides apart, else from the side of the order: a sell closed a long."""
    if detail.position_side in ("long", "short"):
        return Side.LONG if detail.position_side == "long" else Side.SHORT
    if detail.side not in ("sell", "buy"):
        raise book.malformed("liquidation-orders side", detail.side)
    return Side.LONG if detail.side == "sell" else Side.SHORT


_CHANNELS: Final[dict[str, Callable[[str | bytes, WireBook], Parsed]]] = {
    "trades": _trades,
    "trades-all": _trades,
    "mark-price": _marks,
    "index-tickers": _indexes,
    "funding-rate": _fundings,
    "open-interest": _open_interests,
    "liquidation-orders": _forced,
}
