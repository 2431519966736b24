"""Recordings that others made of venues which are only read, against what an independent normaliser made of them."""

from datetime import datetime
from typing import Any

import pytest
from wire_recordings import recorded

from liqbot.events import FundingRate, MarkPrice, OpenInterest
from liqbot.venues.evidence import grades_of
from liqbot.venues.parsing import WireBook, WireContract
from liqbot.venues.registry import VENUES, wire_of

RECORDED = {
    # Venue: its name in the recording, contracts of it, feeds that are in it.
    "kucoin": ("kucoin-futures", ("XBTUSDTM", "SOLUSDTM"), {"trades", "mark", "index", "funding"}),
    "phemex": ("phemex", ("BTCUSDT", "XRPUSDT", "SOLUSDT"), {"trades", "mark", "index", "funding"}),
    "cryptocom": ("crypto-com", ("BTCUSD-PERP", "APEUSD-PERP"), {"trades", "open_interest"}),
}


def book_of(venue: str, ids: tuple[str, ...]) -> WireBook:
    book = WireBook(venue, [
        WireContract(symbol_id=name, symbol=name, venue_key=venue, coin=name, contract_units=1.0, inverse=False,
                     open_interest_two_sided=False) for name in ids
    ])
    for index in range(len(ids)):
        book.first_time(("trades", index))  # Crypto.com's first message of trades is of before the connection.
    return book


def ms(entry: dict[str, Any]) -> int:
    """Parts of a millisecond are cut off."""
    whole, _, _ = entry["timestamp"].rstrip("Z").partition(".")
    return round(datetime.fromisoformat(f"{whole}+00:00").timestamp()) * 1_000 + int(entry["timestamp"][20:23])


@pytest.mark.parametrize("venue", RECORDED)
def test_every_trade_and_figure_is_as_the_independent_normaliser_has_it(venue: str) -> None:
    exchange, ids, feeds = RECORDED[venue]
    book, found = book_of(venue, ids), set()
    for quote in book.quotes if "mark" not in feeds else ():
        quote.mark_price = 2.0
    for raw, entries in recorded(exchange):
        parsed = wire_of(venue).parse(raw, book)
        assert not book.rejected
        trades = [one for one in entries if one["type"] == "trade" and one["symbol"] in ids]
        wanted = [
            (ids.index(one["symbol"]), ms(one), one["price"], one["amount"] * one["price"], one["side"] == "buy")
            for one in trades
        ]
        assert sorted(parsed.trades) == [(*one[:3], pytest.approx(one[3]), one[4]) for one in sorted(wanted)]
        found |= {"trades"} if trades else set()
        quotes = {one["symbol"]: one for one in entries if one["type"] == "derivative_ticker"}
        for fact in parsed.facts:
            quote = quotes[fact.coin]
            match fact:
                case MarkPrice(mark_price=mark_price, index_price=index_price):
                    assert (mark_price, index_price) == (quote["markPrice"], quote["indexPrice"])
                    found |= {"mark", "index"}
                case FundingRate(rate_pct=rate_pct):
                    assert rate_pct == pytest.approx(quote["fundingRate"] * 100)
                    found.add("funding")
                case OpenInterest(oi_usd=oi_usd):
                    assert oi_usd == pytest.approx(quote["openInterest"] * (quote["markPrice"] or 2.0))
                    found |= {"open_interest"} if oi_usd else set()
    assert found == feeds


def test_only_what_was_recorded_is_graded_so() -> None:
    for venue, (_, _, feeds) in RECORDED.items():
        grades = grades_of(VENUES[venue].evidence)
        assert {feed for feed, grade in grades.items() if grade == "recorded"} == feeds
