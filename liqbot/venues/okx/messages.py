"""OKX's public messages: trades, mark price, index, funding, open interest, forced orders. Sizes are in contracts."""

from collections.abc import Callable
from typing import Final

import msgspec

from liqbot.events import MarketEvent
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


class _Trades(msgspec.Struct, gc=False):
    data: list[_Trade]


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
    inst_id: str = msgspec.field(name="instId")
    details: list[_Detail]


class _Marks(msgspec.Struct, gc=False):
    data: list[MarkMessage]


class _Indexes(msgspec.Struct, gc=False):
    data: list[IndexMessage]


class _Fundings(msgspec.Struct, gc=False):
    data: list[FundingMessage]


class _OpenInterests(msgspec.Struct, gc=False):
    data: list[OpenInterestRow]


class _ForcedOrders(msgspec.Struct, gc=False):
    data: list[_Forced]


_TRADE_HEAD: Final = '{"arg":{"channel":"trades","instId":"'
_BROKEN: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_TRADES: Final = msgspec.json.Decoder(_Trades, strict=False)
_MARKS: Final = msgspec.json.Decoder(_Marks, strict=False)
_INDEXES: Final = msgspec.json.Decoder(_Indexes, strict=False)
_FUNDINGS: Final = msgspec.json.Decoder(_Fundings, strict=False)
_OPEN_INTERESTS: Final = msgspec.json.Decoder(_OpenInterests, strict=False)
_FORCED: Final = msgspec.json.Decoder(_ForcedOrders, strict=False)


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    if isinstance(raw, str) and raw.startswith(_TRADE_HEAD):
        return _trades(raw, book)
    try:
        envelope = _ENVELOPE.decode(raw)
    except _BROKEN:
        decoded(raw, book)
        return NOT_OURS
    read = _CHANNELS.get(envelope.arg.channel)
    if read is None or envelope.event is not None:
        return NOT_OURS
    try:
        return read(raw, book)
    except _BROKEN as error:
        raise book.malformed(envelope.arg.channel, error) from None


def _trades(raw: str | bytes, book: WireBook) -> Parsed:
    try:
        entries = _TRADES.decode(raw).data
    except _BROKEN as error:
        raise book.malformed("trades", error) from None
    trades: list[Trade] = []
    ignored = 0
    for entry in entries:
        index = book.index_of.get(entry.inst_id)
        if index is None:
            ignored += 1
            continue
        price, amount, time_ms = entry.price, entry.amount, entry.ts
        if not (0.0 < price < PRICE_MAX and 0.0 < amount < AMOUNT_MAX and 0 < time_ms < TIME_MS_MAX):
            raise book.malformed("trades", (time_ms, price, amount))
        bought = entry.side == "buy"
        if not bought and entry.side != "sell":
            raise book.malformed("trades side", entry.side)
        per_price, flat = book.factors[index]
        trades.append((index, time_ms, price, amount * (per_price * price + flat), bought))
    return Parsed(trades, ignored=ignored)


def _marks(raw: str | bytes, book: WireBook) -> Parsed:
    return mark_facts(_MARKS.decode(raw).data, book)


def mark_facts(rows: list[MarkMessage], book: WireBook) -> Parsed:
    parsed = Parsed()
    for row in rows:
        index = book.index_of.get(row.inst_id)
        if index is None:
            parsed.ignored += 1
        else:
            parsed.facts += book.mark(index, row.ts, row.mark_price, None)
    return parsed


def _indexes(raw: str | bytes, book: WireBook) -> Parsed:
    return index_facts(_INDEXES.decode(raw).data, book)


def index_facts(rows: list[IndexMessage], book: WireBook) -> Parsed:
    """An index (`BTC-USDT`) belongs to the swap on it (`BTC-USDT-SWAP`); it travels on with the next mark."""
    parsed = Parsed()
    for row in rows:
        index = book.index_of.get(f"{row.inst_id}-SWAP")
        if index is None:
            parsed.ignored += 1
        else:
            parsed.facts += book.mark(index, row.ts, None, row.index_price)
    return parsed


def _fundings(raw: str | bytes, book: WireBook) -> Parsed:
    return funding_facts(_FUNDINGS.decode(raw).data, book)


def funding_facts(rows: list[FundingMessage], book: WireBook) -> Parsed:
    parsed = Parsed()
    for row in rows:
        index = book.index_of.get(row.inst_id)
        if index is None or row.ts is None:
            parsed.ignored += 1
            continue
        interval_h = None
        if row.next_ms not in (None, ""):
            next_ms = book.convert(row.next_ms, int, "funding-rate nextFundingTime")
            interval_h = (next_ms - row.funding_ms) / 3_600_000.0
        parsed.facts += book.funding(index, row.ts, row.rate_ratio, interval_h)
    return parsed


def _open_interests(raw: str | bytes, book: WireBook) -> Parsed:
    return open_interest_facts(_OPEN_INTERESTS.decode(raw).data, book)


def open_interest_facts(rows: list[OpenInterestRow], book: WireBook) -> Parsed:
    parsed = Parsed()
    for row in rows:
        index = book.index_of.get(row.inst_id)
        if index is None:
            parsed.ignored += 1
        elif row.usd in (None, ""):
            parsed.facts += book.open_interest(index, row.ts, row.contract_units)
        else:
            usd = book.convert(row.usd, float, "open-interest oiUsd")
            parsed.facts += book.open_interest_usd(index, row.ts, usd)
    return parsed


def _forced(raw: str | bytes, book: WireBook) -> Parsed:
    """All swaps come in one stream, several orders in `details`. The price is the bankruptcy price."""
    facts: list[MarketEvent] = []
    ignored = 0
    for row in _FORCED.decode(raw).data:
        index = book.index_of.get(row.inst_id)
        if index is None:
            ignored += len(row.details)
            continue
        for detail in row.details:
            side = _closed_side(detail, book)
            facts.append(book.liquidation(index, detail.ts, side, detail.bankruptcy_price, detail.contracts))
    return Parsed(facts=facts, ignored=ignored)


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
