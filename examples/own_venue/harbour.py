"""Harbour, a made-up venue: linear perpetuals in USDT, read live, data only.

It lists and subscribes like the client it is dialled through; what it sends is its own:

    {"ch": "fills", "market": "BTCUSDT", "rows": [[1767225600000, "60000.5", "0.25", "buy"]]}
    {"ch": "closed", "market": "BTCUSDT", "at": 1767225600000, "was": "long", "price": "59000", "coins": "1.5"}
    {"ch": "state", "market": "BTCUSDT", "at": 1767225600000, "mark": "60000", "index": "60001", "rate": "0.0001",
     "every_h": 8, "open_coins": "1000"}
"""

from typing import Any

import msgspec

from liqbot.events import MarketEvent
from liqbot.instruments import Side
from liqbot.margin.formulas import MarginRule, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import WHOLE
from liqbot.venues.evidence import FeedEvidence, FeedName
from liqbot.venues.examples import MessageExample, ResponseExample, VenueExamples
from liqbot.venues.parsing import (
    AMOUNT_MAX,
    NOT_OURS,
    PRICE_MAX,
    TIME_MS_MAX,
    Parsed,
    WireBook,
    WireContract,
    decoded,
)
from liqbot.venues.spec import (
    LINEAR_ONE,
    NO_PRACTICE,
    NOT_TRADED,
    Contract,
    ContractMargin,
    Liquidations,
    VenueSpec,
    listings,
)
from liqbot.venues.streams import HistorySource, Poll, Stream, VenueWire

BAR_MS = 300_000


# --- messages ---------------------------------------------------------------------------------------------------------


class Fills(msgspec.Struct):
    market: str
    rows: list[tuple[int, float, float, str]]
    """(time, price, coins, side of the taker)."""


class Closed(msgspec.Struct):
    """A position that the venue closed; `was` is its side."""

    market: str
    at: int
    was: str
    price: float
    coins: float


class State(msgspec.Struct):
    market: str
    at: int
    mark: float
    index: float
    rate: float
    every_h: float
    open_coins: float


class Bars(msgspec.Struct):
    bars: list[tuple[int, float, float, float, float, float]]
    """(start, open, high, low, close, USD)."""


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message of any stream. MalformedMessage for a broken one, nothing else."""
    message = decoded(raw, book)
    channel = message.get("ch") if isinstance(message, dict) else None
    if channel == "fills":
        return fills(book.convert(message, Fills, "fills"), book)
    if channel == "closed":
        return closed(book.convert(message, Closed, "closed"), book)
    if channel == "state":
        return Parsed(facts=state(book.convert(message, State, "state"), book))
    return NOT_OURS


def fills(message: Fills, book: WireBook) -> Parsed:
    index = book.index_of.get(message.market)
    if index is None:
        return Parsed(ignored=len(message.rows))
    contract, trades = book.contracts[index], []
    for time_ms, price, coins, side in message.rows:
        if not (0 < time_ms < TIME_MS_MAX and 0 < price < PRICE_MAX and 0 < coins < AMOUNT_MAX):
            raise book.malformed("fills", (time_ms, price, coins))
        if side not in ("buy", "sell"):
            raise book.malformed("fills side", side)
        trades.append((index, time_ms, price, contract.usd(coins, price), side == "buy"))
    return Parsed(trades)


def closed(message: Closed, book: WireBook) -> Parsed:
    index = book.index_of.get(message.market)
    if index is None:
        return Parsed(ignored=1)
    if message.was not in ("long", "short"):
        raise book.malformed("closed was", message.was)
    side = Side.LONG if message.was == "long" else Side.SHORT
    return Parsed(facts=[book.liquidation(index, message.at, side, message.price, message.coins)])


def state(message: State, book: WireBook) -> list[MarketEvent]:
    index = book.index_of.get(message.market)
    if index is None:
        return []
    return (
        book.mark(index, message.at, message.mark, message.index)
        + book.funding(index, message.at, message.rate, message.every_h)
        + book.open_interest(index, message.at, message.open_coins)
    )


# --- answers to requests ----------------------------------------------------------------------------------------------


def states(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """The same as the stream's, for all markets."""
    del now_ms
    rows = book.convert(payload, dict[str, Any], "states").get("states")
    return [fact for row in book.convert(rows, list[State], "states") for fact in state(row, book)]


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = book.convert(payload, Bars, "bars").bars
    return [book.bar(index, start, BAR_MS, (opened, high, low, close), usd)
            for start, opened, high, low, close, usd in rows]


WIRE = VenueWire(
    venue="harbour",
    parse=parse,
    streams=(
        Stream(feeds=("trades",), method="watch_trades_for_symbols", silence_ms_max=30_000,
               arguments=lambda contracts: ([one.symbol for one in contracts],)),
        Stream(feeds=("liquidation",), method="watch_liquidations", each=True,
               arguments=lambda contracts: (contracts[0].symbol,)),
        Stream(feeds=("mark", "funding", "open_interest"), method="watch_tickers", silence_ms_max=10_000,
               arguments=lambda contracts: ([one.symbol for one in contracts],)),
    ),
    polls=(
        Poll(feed="mark", method="publicGetV5MarketTickers", parse=states, period_ms=60_000, each=False, resync=True,
             params=lambda _: {"category": "linear"}),
    ),
    histories=(
        HistorySource(kind="bars", method="publicGetV5MarketKline", parse=bars, span_ms=BAR_MS, rows_max=500,
                      params=lambda contract, since_ms, until_ms: {
                          "symbol": contract.symbol_id, "start": since_ms, "end": until_ms - 1}),
    ),
)


# --- examples: what the conformance suite checks the parsers with -----------------------------------------------------


def examples() -> VenueExamples:
    row = {"market": "BTCUSDT", "at": 1_767_225_600_000, "mark": "60000", "index": "60001", "rate": "0.0001",
           "every_h": 8, "open_coins": "1000"}
    return VenueExamples(
        contracts=(WireContract(symbol_id="BTCUSDT", symbol="BTC/USDT:USDT", venue_key="harbour", coin="BTC"),),
        messages=(
            MessageExample("trades", {"ch": "fills", "market": "BTCUSDT",
                                      "rows": [[1_767_225_600_000, "60000.5", "0.25", "buy"]]}),
            MessageExample("liquidation", {"ch": "closed", "market": "BTCUSDT", "at": 1_767_225_600_000, "was": "long",
                                           "price": "59000", "coins": "1.5"}),
            MessageExample("mark", {"ch": "state", **row}),
            MessageExample("", {"success": True, "op": "subscribe"}),
        ),
        responses=(
            ResponseExample("publicGetV5MarketTickers", {"retCode": 0, "states": [row]}),
            ResponseExample("publicGetV5MarketKline", {"retCode": 0, "bars": [
                [1_767_225_600_000, "60000", "60100", "59900", "60050", "2500000"]]}),
        ),
    )


def made_up(feed: FeedName, endpoint: str, *fields: str) -> FeedEvidence:
    """A real venue's evidence names the page, or the recording, that its messages were learnt from."""
    return FeedEvidence(feed=feed, endpoint=endpoint, grade="documented", source="the first lines of this file",
                        as_of="2026-11-30", fields=fields)


EVIDENCE = (
    made_up("trades", "ws fills", "market", "rows"),
    made_up("liquidation", "ws closed", "market", "at", "was", "price", "coins"),
    made_up("mark", "ws state", "market", "at", "mark"),
    made_up("index", "ws state", "market", "at", "index"),
    made_up("funding", "ws state", "market", "at", "rate", "every_h"),
    made_up("open_interest", "ws state", "market", "at", "open_coins"),
)
TIERS = tier_table(
    ((1_000_000, 50, 1.0), (10_000_000, 20, 2.5), (50_000_000, 10, 5.0)),
    source="made up", as_of="2026-11-29", checked_to_usd=50_000_000.0,
)
VENUE = VenueSpec(
    venue="harbour",
    title="Harbour",
    client="bybit",
    hosts=(("api.bybit.com", "api.harbour.example"), ("stream.bybit.com", "stream.harbour.example")),
    contracts=(
        Contract(
            settle="USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE), trade_unit="base", open_interest_unit="base",
            margin=ContractMargin(rule=MarginRule(basis="mark"), cross_rule=None, ladder=WHOLE, fees=Fees(0.02, 0.05),
                                  tables=(("BTC", TIERS),)),
        ),
    ),
    liquidations=Liquidations(source="stream closed", completeness="complete", side="position"),
    lacks=(NOT_TRADED, NO_PRACTICE),
    wire=WIRE,
    evidence=EVIDENCE,
    examples=examples,
    proof="loopback",
    market_types=("linear",),
    tier_access="rule",
    one_ticker=True,
    note="Made up.",
)
