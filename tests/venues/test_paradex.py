"""Paradex: what is easily read wrong of its binary frames."""

import struct

import pytest

from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest
from liqbot.instruments import Side
from liqbot.venues.paradex.messages import parse
from liqbot.venues.parsing import MalformedMessage, WireBook, WireContract

TIME_MS = 1_767_283_900_000
NOTHING = -(2**63)
MARKET = "BTC-USD-PERP"


def book_of(*ids: str) -> WireBook:
    return WireBook("paradex", [WireContract(symbol_id=one, symbol=one, venue_key="paradex", coin=one) for one in ids])


def frame(template: int, block: bytes, *, market: str = MARKET, version: int = 1, schema: int = 1) -> bytes:
    head = struct.pack("<4H", len(block), template, schema, version)
    return head + block + bytes([len(market)]) + market.encode()


def trade(*, side: int = 1, price: float = 50_000.0, size: float = 0.5, kind: int = 1) -> bytes:
    return struct.pack("<qqqBqqqB", TIME_MS * 1_000 + 700, 1, 1, side, round(price * 1e8), round(size * 1e8),
                       TIME_MS * 1_000, kind)


def summary(mark: int, index: int, interest: int, *, fields: int = 27) -> bytes:
    return struct.pack(f"<{fields}q", TIME_MS * 1_000, 0, mark, index, 0, 0, interest, 5, *[NOTHING] * (fields - 8))


def funding(rate: float, eight_hours: float, hours: int) -> bytes:
    return struct.pack("<qqqqqqqh", TIME_MS * 1_000, 1, round(rate * 1e8), 0, TIME_MS * 1_000, 0,
                       round(eight_hours * 1e8), hours)


def test_a_trade_is_in_coin_and_dated_by_the_engine() -> None:
    assert parse(frame(1, trade(side=2)), book_of(MARKET)).trades == [(0, TIME_MS, 50_000.0, 25_000.0, False)]


@pytest.mark.parametrize(("kind", "trades", "forced", "off_book"), [
    (1, 1, 0, 0), (2, 1, 1, 0), (3, 0, 0, 1), (4, 0, 0, 1), (5, 1, 0, 0), (6, 0, 0, 1), (254, 0, 0, 1),
])
def test_only_what_the_order_book_filled_is_a_trade(kind: int, trades: int, forced: int, off_book: int) -> None:
    book = book_of(MARKET)
    parsed = parse(frame(1, trade(kind=kind)), book)
    assert (len(parsed.trades), len(parsed.facts), book.off_book) == (trades, forced, off_book)


def test_a_forced_sell_closed_a_long() -> None:
    (fact,) = parse(frame(1, trade(side=2, size=2.0, kind=2)), book_of(MARKET)).facts
    assert fact == Liquidation(time_ms=TIME_MS, venue="paradex", coin=MARKET, side=Side.LONG, price=50_000.0,
                               size_usd=100_000.0)
    assert parse(frame(1, trade(side=1, kind=2)), book_of(MARKET)).facts[0].side is Side.SHORT  # type: ignore[union-attr]


@pytest.mark.parametrize(("version", "fields"), [(0, 27), (1, 30), (3, 31)])
def test_a_summary_of_any_version_is_read_by_the_length_of_its_block(version: int, fields: int) -> None:
    block = summary(round(50_001.5 * 1e8), round(50_010.25 * 1e8), round(1_234.5 * 1e8), fields=fields)
    facts = parse(frame(4, block, version=version), book_of(MARKET)).facts
    assert facts == [
        MarkPrice(time_ms=TIME_MS, venue="paradex", coin=MARKET, mark_price=50_001.5, index_price=50_010.25),
        OpenInterest(time_ms=TIME_MS, venue="paradex", coin=MARKET, oi_usd=pytest.approx(1_234.5 * 50_001.5)),
    ]


def test_a_figure_that_is_not_there_is_no_figure() -> None:
    book = book_of(MARKET)
    assert parse(frame(4, summary(NOTHING, NOTHING, NOTHING)), book).facts == []
    assert book.rejected == 0


@pytest.mark.parametrize(("told", "rate_pct", "interval_h"), [
    ((0.0001, 0.0008, 1), 0.01, 1.0), ((0.0001, 0.0002, 4), 0.01, 4.0), ((0.0001, 0.0008, 0), 0.08, 8.0),
])
def test_a_rate_is_of_its_own_period(told: tuple[float, float, int], rate_pct: float, interval_h: float) -> None:
    (rate,) = parse(frame(5, funding(*told)), book_of(MARKET)).facts
    assert isinstance(rate, FundingRate)
    assert (rate.rate_pct, rate.interval_h) == (pytest.approx(rate_pct), interval_h)


def test_templates_and_schemas_of_another_kind_are_left_alone() -> None:
    for raw in (frame(6, trade()), frame(3, trade()), frame(1, trade(), schema=2), b"{}", b"", b"x" * 7):
        assert not parse(raw, book_of(MARKET)).ours
    assert parse(frame(1, trade(), market="SOL-USD-PERP"), book_of(MARKET)).ignored == 1


def test_a_frame_that_is_cut_short_is_malformed_and_a_bad_figure_noted() -> None:
    whole = frame(1, trade())
    for end in range(8, len(whole)):
        with pytest.raises(MalformedMessage, match="TradeEvent length"):
            parse(whole[:end], book_of(MARKET))
    book = book_of(MARKET)
    for bad in (trade(price=0.0), trade(size=-1.0), trade(side=254)):
        assert parse(frame(1, bad), book).trades == []
    assert book.rejected == 3
