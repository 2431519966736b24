"""Kraken Futures (websocket v1): recordings against an independent reading of them, and what its fields do not say."""

import json
import re
import tarfile
from typing import Any

import msgspec
import pytest
from wire_recordings import WIRE as RECORDINGS
from wire_recordings import milliseconds, recorded, sample

from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest
from liqbot.instruments import FundingStage, Side
from liqbot.venues.krakenfutures import responses
from liqbot.venues.krakenfutures.messages import parse
from liqbot.venues.parsing import MalformedMessage, Parsed, WireBook, WireContract
from liqbot.venues.registry import VENUES

CONTRACTS = (
    WireContract(symbol_id="PF_XBTUSD", symbol="BTC/USD:USD", venue_key="krakenfutures", coin="BTC"),
    WireContract(symbol_id="PI_XBTUSD", symbol="BTC/USD:BTC", venue_key="krakenfutures:coin", coin="BTC", inverse=True),
)
TRADE = {"feed": "trade", "product_id": "PF_XBTUSD", "uid": "a", "side": "sell", "type": "fill", "seq": 1,
         "time": 1_767_283_801_200, "qty": 0.5, "price": 50_000.0}


def book_of(*ids: str) -> WireBook:
    return WireBook("krakenfutures", [
        WireContract(symbol_id=name, symbol=name, venue_key="krakenfutures", coin=name, inverse=name.startswith("PI_"))
        for name in sorted(set(ids))
    ])


def told(book: WireBook | None = None, **changes: Any) -> Parsed:
    return parse(json.dumps(TRADE | changes), book or WireBook("krakenfutures", CONTRACTS))


def test_every_recorded_trade_and_forced_order_has_the_independent_price_amount_and_side():
    trades = forced = 0
    for raw, entries in recorded("cryptofacilities"):
        wanted = [entry for entry in entries if entry["type"] == "trade" and entry["symbol"].startswith("P")]
        parsed = parse(raw, book_of(*(entry["symbol"] for entry in wanted)))
        assert [(time_ms, price, size_usd, bought) for _, time_ms, price, size_usd, bought in parsed.trades] == [
            (milliseconds(entry["timestamp"]), entry["price"], entry["amount"], entry["side"] == "buy")
            for entry in wanted
        ]
        closed = [entry for entry in entries if entry["type"] == "liquidation"]
        assert [(fact.coin, fact.side, fact.price, fact.size_usd) for fact in parsed.facts
                if isinstance(fact, Liquidation)] == [
            (entry["symbol"], Side.LONG if entry["side"] == "sell" else Side.SHORT, entry["price"], entry["amount"])
            for entry in closed
        ]
        trades, forced = trades + len(wanted), forced + len(closed)
    assert (trades, forced) == (2, 2)


def test_every_recorded_ticker_agrees_with_the_independent_one():
    checked = 0
    for raw, entries in recorded("cryptofacilities"):
        for entry in (one for one in entries if one["type"] == "derivative_ticker"):
            facts = parse(raw, book_of(entry["symbol"])).facts
            time_ms = milliseconds(entry["timestamp"])
            mark = next(fact for fact in facts if isinstance(fact, MarkPrice))
            assert (mark.time_ms, mark.mark_price, mark.index_price) == (
                time_ms, entry["markPrice"], entry["indexPrice"]
            )
            (interest,) = [fact.oi_usd for fact in facts if isinstance(fact, OpenInterest)]
            price = 1.0 if entry["symbol"].startswith("PI_") else entry["markPrice"]
            assert interest == pytest.approx(entry["openInterest"] * price)
            rates = [fact.rate_pct for fact in facts if isinstance(fact, FundingRate)]
            # Before its first hour a contract tells a rate of 0 that is due at 0.
            due = "PI_" in entry["symbol"]
            assert rates == ([pytest.approx(json.loads(raw)["relative_funding_rate"] * 100)] if due else [])
            checked += 1
    assert checked == 6


def test_a_recorded_connection_of_2021_is_read_without_a_fault():
    path = RECORDINGS / "cryptofeed_sample_data.tgz"
    if not path.exists():
        pytest.skip(f"no recordings at {path}")
    with tarfile.open(path) as archive:
        member = archive.extractfile("sample_data/KRAKEN_FUTURES.ws.1.0")
        assert member is not None
        text = member.read().decode()
    frames = [found[1] for found in re.finditer(r'^[\d.]+: (\{"feed":"trade.*\})$', text, re.MULTILINE)]
    book = book_of("PI_LTCUSD", "PI_ETHUSD", "PI_XBTUSD", "PI_XRPUSD")
    trades = [trade for frame in frames for trade in parse(frame, book).trades]
    assert trades
    assert (book.rejected, book.off_book) == (0, 0)
    # Of the trades before the subscription, which come in one frame per contract, none is counted.
    assert len(trades) == sum(frame.startswith('{"feed":"trade","product_id":"PI_') for frame in frames)


def test_samples_of_the_present_format():
    book = book_of("PI_XBTUSD")
    mark, rate, interest = parse(sample("kraken/test_data/ws_futures_ticker.json"), book).facts
    assert mark == MarkPrice(time_ms=1_676_393_235_406, venue="krakenfutures", coin="PI_XBTUSD",
                             mark_price=21_979.68641534714, index_price=21_984.54)
    assert rate == FundingRate(time_ms=mark.time_ms, venue="krakenfutures", coin="PI_XBTUSD",
                               rate_pct=pytest.approx(-1.380384722222e-4), interval_h=1.0,
                               rate_stage=FundingStage.FORECAST)
    assert isinstance(interest, OpenInterest)
    assert interest.oi_usd == 30_072_580.0
    answer = json.loads(sample("kraken/test_data/http_futures_tickers.json"))
    facts = responses.tickers(answer, book_of("PI_XBTUSD", "PF_ETHUSD"), 0)
    assert {type(fact) for fact in facts} == {MarkPrice, OpenInterest}
    assert {fact.time_ms for fact in facts} == {1_763_339_677_524}
    past = responses.past_funding(json.loads(sample("kraken/test_data/http_futures_historical_funding_rates.json")),
                                  book_of("PF_ETHUSD"), 0)
    assert [(fact.rate_pct, fact.interval_h) for fact in past] == [  # type: ignore[union-attr]
        (pytest.approx(0.015), 1.0), (pytest.approx(-0.005), 8.0), (pytest.approx(0.01), 8.0)
    ]
    instruments = json.loads(sample("kraken/test_data/http_futures_instruments.json"))
    tiers = responses.tiers(instruments, book_of("PI_XBTUSD"), 0)
    assert [(tier.cap_usd, tier.leverage_max, tier.maintenance_pct) for tier in tiers] == [
        (500_000.0, 50.0, 1.0), (75_000_000.0, 25.0, 2.0)
    ]
    assert responses.tiers(instruments, book_of("PF_ETHUSD"), 0)[-1].cap_usd == float("inf")


def test_amounts_are_coins_of_a_linear_contract_and_dollars_of_an_inverse_one():
    assert told().trades == [(0, TRADE["time"], 50_000.0, 25_000.0, False)]
    assert told(product_id="PI_XBTUSD", qty=5_000).trades == [(1, TRADE["time"], 50_000.0, 5_000.0, False)]


@pytest.mark.parametrize(("side", "closed"), [("sell", Side.LONG), ("buy", Side.SHORT)])
def test_a_forced_order_is_the_takers_and_a_trade_of_the_book_as_well(side: str, closed: Side):
    parsed = told(side=side, type="liquidation")
    assert len(parsed.trades) == 1
    (fact,) = parsed.facts
    assert isinstance(fact, Liquidation)
    assert (fact.side, fact.price, fact.size_usd) == (closed, 50_000.0, 25_000.0)


def test_a_rate_that_is_left_out_is_zero_and_does_not_leave_the_last_one_standing():
    book = WireBook("krakenfutures", CONTRACTS)
    time_ms = 1_767_283_801_200
    frame = {"feed": "ticker", "product_id": "PF_XBTUSD", "next_funding_rate_time": 1_767_286_800_000, "time": time_ms}
    (told_rate,) = parse(json.dumps(frame | {"relative_funding_rate": 1e-5}), book).facts
    (left_out,) = parse(json.dumps(frame | {"time": time_ms + 60_000}), book).facts
    assert isinstance(told_rate, FundingRate)
    assert isinstance(left_out, FundingRate)
    assert (told_rate.rate_pct, left_out.rate_pct) == (pytest.approx(1e-3), 0.0)
    # What expires has no next time, and no funding.
    later = {"time": time_ms + 120_000, "next_funding_rate_time": None}
    assert parse(json.dumps(frame | later), book).facts == []


@pytest.mark.parametrize("kind", ["assignment", "termination", "block", "unknown"])
def test_what_is_agreed_on_outside_the_book_makes_no_bar(kind: str):
    book = WireBook("krakenfutures", CONTRACTS)
    assert told(book, type=kind) == Parsed()
    assert book.off_book == 1


def told_before(*rows: dict[str, Any]) -> str:
    frame = {"feed": "trade_snapshot", "product_id": "PF_XBTUSD", "trades": [TRADE | row for row in rows]}
    return json.dumps(frame)


def test_trades_from_before_we_listened_are_not_counted():
    book = WireBook("krakenfutures", CONTRACTS)
    assert parse(told_before({"seq": 8, "type": "liquidation"}, {"seq": 7}), book) == Parsed(ignored=2)
    # Nor told again by a second subscription in which nothing was missed.
    assert parse(told_before({"seq": 8, "type": "liquidation"}, {"seq": 7}), book) == Parsed(ignored=2)


def test_what_fell_into_a_gap_of_the_connection_is_taken_once_oldest_first():
    book = WireBook("krakenfutures", CONTRACTS)
    assert told(book, seq=8).trades
    book.forget([0])
    missed = told_before({"seq": 11, "price": 50_300.0}, {"seq": 10, "price": 50_200.0, "type": "liquidation"},
                         {"seq": 9, "qty": "x"}, {"seq": 8}, {"seq": 7})
    parsed = parse(missed, book)
    assert [price for _, _, price, _, _ in parsed.trades] == [50_200.0, 50_300.0]
    assert [type(fact) for fact in parsed.facts] == [Liquidation]
    assert (parsed.ignored, book.rejected) == (2, 1)
    assert parse(missed, book).trades == []


def test_a_venue_that_counts_anew_is_followed():
    book = WireBook("krakenfutures", CONTRACTS)
    told(book, seq=5_000)
    assert len(told(book, seq=1).trades) == 1
    assert len(parse(told_before({"seq": 3}, {"seq": 2}, {"seq": 1}), book).trades) == 2


@pytest.mark.parametrize("change", [{"trades": None}, {"product_id": None}, {"product_id": 7}])
def test_a_snapshot_without_rows_or_contract_is_refused(change: dict[str, Any]):
    with pytest.raises(MalformedMessage, match="krakenfutures trade_snapshot"):
        parse(json.dumps(json.loads(told_before({})) | change), WireBook("krakenfutures", CONTRACTS))


def test_the_rate_in_money_is_never_taken_for_a_share():
    """63 cents a contract would be 63 %."""
    answer = {"tickers": [{"symbol": "PF_XBTUSD", "markPrice": 50_000.0, "fundingRate": 0.63}]}
    facts = responses.tickers(answer, WireBook("krakenfutures", CONTRACTS), 1_767_283_801_200)
    assert [type(fact) for fact in facts] == [MarkPrice]


def test_figures_that_cannot_be_read_cost_themselves_alone():
    book = WireBook("krakenfutures", CONTRACTS)
    frame = {"feed": "ticker", "product_id": "PF_XBTUSD", "time": TRADE["time"], "markPrice": 50_000.0, "index": {},
             "openInterest": "many", "relative_funding_rate": True, "next_funding_rate_time": 1}
    assert [type(fact) for fact in parse(json.dumps(frame), book).facts] == [MarkPrice]
    assert book.rejected == 3


@pytest.mark.parametrize("change", [{"qty": 0}, {"price": -1}, {"side": "both"}, {"time": 0}, {"qty": "x"}])
def test_a_trade_that_cannot_be_is_refused(change: dict[str, Any]):
    with pytest.raises(MalformedMessage, match=r"krakenfutures (trade|trade qty)"):
        told(**change)


def test_acknowledgements_are_left_to_the_client_and_strangers_unread():
    book = WireBook("krakenfutures", CONTRACTS)
    for frame in ({"event": "subscribed", "feed": "trade", "product_ids": ["PF_XBTUSD"]}, {"feed": "heartbeat"}):
        assert not parse(json.dumps(frame), book).ours
    assert told(book, product_id="FF_XBTUSD_260327", qty="x") == Parsed(ignored=1)
    assert book.rejected == 0


def test_it_offers_no_practice_and_says_when_it_ends():
    spec = VENUES["krakenfutures"]
    assert spec.practice == ()
    assert "2026-07-14" in spec.lack("test_access")
    assert "2027-03-01" in spec.note


def test_a_moment_without_a_zone_is_no_time():
    book = WireBook("krakenfutures", CONTRACTS)
    assert book.iso_time("t", "2026-01-01T16:10:01.406999Z") == 1_767_283_801_406
    for text in ("2026-01-01T16:10:01", "yesterday", ""):
        with pytest.raises(MalformedMessage):
            book.iso_time("t", text)
    assert msgspec.json.encode(book.iso_time("t", "1970-01-01T00:00:01+00:00")) == b"1000"
