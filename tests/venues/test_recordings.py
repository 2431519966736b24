import hashlib
import json
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from wire_recordings import WIRE, milliseconds, recorded, sample

from liqbot.events import FundingRate, Liquidation, MarketEvent, MarkPrice, OpenInterest
from liqbot.instruments import Side
from liqbot.venues.binance import messages as binance
from liqbot.venues.bybit import messages as bybit
from liqbot.venues.bybit import responses as bybit_answers
from liqbot.venues.okx import messages as okx
from liqbot.venues.okx import responses as okx_answers
from liqbot.venues.parsing import Parsed, WireBook, WireContract
from liqbot.venues.registry import VENUES

Parse = Callable[[str | bytes, WireBook], Parsed]


def book_of(venue: str, ids: list[str]) -> WireBook:
    """Every id a contract of its own; sizes as these venues have them."""
    return WireBook(venue, [
        WireContract(symbol_id=name, symbol=name, venue_key=venue, coin=name, inverse=inverse(venue, name),
                     contract_units=units(venue, name), open_interest_two_sided=venue == "bybit" and "USDT" in name)
        for name in sorted(set(ids))
    ])


def inverse(venue: str, name: str) -> bool:
    if venue == "okx":
        return "-USD-" in name
    return "USDT" not in name and "BUSD" not in name and "PERP" not in name


def units(venue: str, name: str) -> float:
    if venue == "okx":
        return 100.0 if "-USD-" in name else 0.01
    return 100.0 if "_" in name and inverse(venue, name) else 1.0


def usd(book: WireBook, name: str, amount: float, price: float) -> float:
    contract = book.contracts[book.index_of[name]]
    return amount * contract.contract_units * (1.0 if contract.inverse else price)


CASES = [
    ("binance-futures", "binance", binance.parse),
    ("binance-delivery", "binance", binance.parse),
    ("bybit", "bybit", bybit.parse),
    ("okex-swap", "okx", okx.parse),
    ("okex-futures", "okx", okx.parse),
]


def current(raw: str, venue: str) -> bool:
    """Formats still on the wire, with Bybit's old forced orders: retired ones must be left alone, not misread."""
    message = json.loads(raw)
    if venue == "okx":
        return message.get("arg", {}).get("channel") in (
            "trades", "mark-price", "index-tickers", "funding-rate", "open-interest", "liquidation-orders"
        )
    if venue == "bybit":
        kind = str(message.get("topic", "")).split(".")[0]
        return kind in ("publicTrade", "tickers", "allLiquidation", "liquidation")
    return message.get("data", {}).get("e") in ("aggTrade", "markPriceUpdate", "forceOrder")


@pytest.mark.parametrize(("exchange", "venue", "parse"), CASES, ids=[case[0] for case in CASES])
def test_every_recorded_trade_and_forced_order_has_the_independent_price_amount_and_side(
    exchange: str, venue: str, parse: Parse
) -> None:
    messages = recorded(exchange)
    checked = 0
    for number, (raw, entries) in enumerate(messages):
        if not current(raw, venue):
            continue
        wanted = [entry for entry in entries if entry["type"] in ("trade", "liquidation")]
        book = book_of(venue, [entry["symbol"] for entry in wanted])
        parsed = parse(raw, book)
        trades = [entry for entry in wanted if entry["type"] == "trade"]
        assert [
            (time_ms, price, size_usd, bought) for _, time_ms, price, size_usd, bought in parsed.trades
        ] == [
            (milliseconds(entry["timestamp"]), entry["price"],
             pytest.approx(usd(book, entry["symbol"], entry["amount"], entry["price"])), entry["side"] == "buy")
            for entry in trades
        ], number
        forced = [fact for fact in parsed.facts if isinstance(fact, Liquidation)]
        closed = [entry for entry in wanted if entry["type"] == "liquidation"]
        assert [(fact.time_ms, fact.coin, fact.side, fact.price) for fact in forced] == [
            # A forced sell closed a long.
            (milliseconds(entry["timestamp"]), entry["symbol"],
             Side.LONG if entry["side"] == "sell" else Side.SHORT, entry["price"])
            for entry in closed
        ], number
        if venue != "binance":  # there the size is valued at the price of the fill, which the oracle does not give
            assert [fact.size_usd for fact in forced] == [
                pytest.approx(usd(book, entry["symbol"], entry["amount"], entry["price"])) for entry in closed
            ]
        checked += len(wanted)
    # The oracle has no aggregate trades, Binance's only kind read here: see the next test.
    least = {"binance-futures": 1, "binance-delivery": 1, "bybit": 13, "okex-swap": 1, "okex-futures": 2}
    assert checked >= least[exchange]


def test_a_recorded_aggregate_trade() -> None:
    raw = next(raw for raw, _ in recorded("binance-futures") if '"aggTrade"' in raw)
    bought = (0, 1_568_693_103_463, 10_223.74, pytest.approx(0.236 * 10_223.74), True)
    assert binance.parse(raw, book_of("binance", ["BTCUSDT"])).trades == [bought]


@pytest.mark.parametrize(("exchange", "venue", "parse"), CASES, ids=[case[0] for case in CASES])
def test_every_recorded_quote_agrees_with_the_independent_one(exchange: str, venue: str, parse: Parse) -> None:
    checked = 0
    for number, (raw, entries) in enumerate(recorded(exchange)):
        if not current(raw, venue):
            continue
        for entry in entries:
            if entry["type"] != "derivative_ticker":
                continue
            book = book_of(venue, [entry["symbol"]])
            fresh = parse(raw, book).facts
            for fact in fresh:
                # Of OKX the oracle gives the time of receipt.
                assert venue == "okx" or fact.time_ms == milliseconds(entry["timestamp"]), number
                checked += agrees(fact, entry, book)
    least = {"binance-futures": 5, "binance-delivery": 1, "bybit": 6, "okex-swap": 1, "okex-futures": 2}
    assert checked >= least[exchange]


def agrees(fact: MarketEvent, entry: dict[str, Any], book: WireBook) -> int:
    contract = book.contracts[0]
    match fact:
        case MarkPrice(mark_price=mark, index_price=index):
            assert mark == entry["markPrice"]
            assert index is None or index == entry["indexPrice"]
        case FundingRate(rate_pct=rate):
            assert rate == pytest.approx(entry["fundingRate"] * 100)
        case OpenInterest(oi_usd=value):
            one_sided = entry["openInterest"] * (0.5 if contract.open_interest_two_sided else 1.0)
            assert value == pytest.approx(usd(book, entry["symbol"], one_sided, entry["markPrice"]))
        case _:
            raise AssertionError(fact)
    return 1


@pytest.mark.parametrize(("exchange", "venue", "parse"), CASES, ids=[case[0] for case in CASES])
def test_what_is_not_read_is_left_to_the_client(exchange: str, venue: str, parse: Parse) -> None:
    left = 0
    for raw, _ in recorded(exchange):
        if not current(raw, venue):
            parsed = parse(raw, book_of(venue, []))
            assert (parsed.trades, parsed.facts, parsed.ours) == ([], [], False)
            left += 1
    assert left


def test_a_partial_ticker_completes_what_is_known() -> None:
    whole, change = [raw for raw, _ in recorded("bybit") if '"tickers.BTCUSD"' in raw]
    book = book_of("bybit", ["BTCUSD"])
    bybit.parse(whole, book)
    later = json.loads(change)
    later["ts"] += 10_000
    later["data"]["markPrice"] = "28561"
    facts = bybit.parse(json.dumps(later), book).facts
    time_ms = later["ts"]
    assert MarkPrice(time_ms=time_ms, venue="bybit", coin="BTCUSD", mark_price=28_561.0, index_price=28_566.94) in facts
    assert OpenInterest(time_ms=time_ms, venue="bybit", coin="BTCUSD", oi_usd=449_736_674.0) in facts


def test_samples_of_the_current_formats() -> None:
    book = book_of("binance", ["BTCUSDT"])
    assert binance.parse(sample("binance/test_data/futures/market_data_json/agg_trade_stream.json"), book).trades == [
        (0, 123_456_785, 0.001, pytest.approx(0.1), False)
    ]
    forced = binance.parse(sample("binance/test_data/futures/market_data_json/liquidation_stream.json"), book).facts
    assert forced == [Liquidation(time_ms=1_568_014_460_893, venue="binance", coin="BTCUSDT", side=Side.LONG,
                                  price=9_910.0, size_usd=pytest.approx(0.014 * 9910.12345678))]
    quote = sample("binance/test_data/futures/market_data_json/mark_price_stream.json")
    mark, funding = binance.parse(quote, book).facts
    assert mark == MarkPrice(time_ms=1_562_305_380_000, venue="binance", coin="BTCUSDT", mark_price=11_794.15,
                             index_price=11_784.62659091)
    assert isinstance(funding, FundingRate)
    assert (funding.rate_pct, funding.interval_h) == (pytest.approx(0.038167), 8.0)

    book = book_of("bybit", ["BTCUSDT"])
    assert bybit.parse(sample("bybit/test_data/ws_public_trade.json"), book).trades == [
        (0, 1_709_891_679_000, 27_451.0, pytest.approx(274.51), True)
    ]
    facts = bybit.parse(sample("bybit/test_data/ws_ticker_linear.json"), book).facts
    assert [type(fact) for fact in facts] == [MarkPrice, FundingRate, OpenInterest]
    assert facts[2].oi_usd == pytest.approx(68_744.761 / 2 * 17_217.33)  # type: ignore[union-attr]

    book = book_of("okx", ["BTC-USDT-SWAP"])
    (rate,) = okx.parse(sample("okx/test_data/ws_funding_rate.json"), book).facts
    assert isinstance(rate, FundingRate)
    assert (rate.time_ms, rate.rate_pct, rate.interval_h) == (1_744_590_349_506, pytest.approx(0.01), 8.0)


def test_the_single_sided_open_interest_is_taken_where_it_is_told() -> None:
    message = json.loads(sample("bybit/test_data/ws_ticker_linear.json"))
    message["data"]["singleOpenInterest"] = "34372.3"
    facts = bybit.parse(json.dumps(message), book_of("bybit", ["BTCUSDT"])).facts
    assert facts[2].oi_usd == pytest.approx(34_372.3 * 17_217.33)  # type: ignore[union-attr]


def test_samples_of_answers() -> None:
    book = book_of("okx", ["BTC-USDT-SWAP"])
    payload = json.loads(sample("okx/test_data/http_get_mark_price.json"))
    assert okx_answers.marks(payload, book, 0) == [
        MarkPrice(time_ms=1_744_590_349_506, venue="okx", coin="BTC-USDT-SWAP", mark_price=84_660.1)
    ]
    assert okx_answers.indexes(json.loads(sample("okx/test_data/http_get_index_price.json")), book, 0) == []
    assert book.quotes[0].index_price == 103_895.0
    past = okx_answers.past_funding(json.loads(sample("okx/test_data/http_get_funding_rate_history.json")), book, 0)
    assert [(fact.time_ms, fact.rate_pct, fact.interval_h) for fact in past] == [  # type: ignore[union-attr]
        (1_704_038_400_000, pytest.approx(-0.002), 8.0), (1_704_067_200_000, pytest.approx(0.015), 8.0),
    ]
    tiers = okx_answers.tiers(json.loads(sample("okx/test_data/http_get_position_tiers.json")), book, 0)
    assert [(tier.cap_usd, tier.leverage_max, tier.maintenance_pct) for tier in tiers] == [(0.5, 10.0, 3.0)]
    book = book_of("bybit", ["BTCUSDT"])
    past = bybit_answers.past_funding(json.loads(sample("bybit/test_data/http_get_funding_history.json")), book, 0)
    assert [fact.time_ms for fact in past] == [1_709_856_000_000, 1_709_884_800_000]


def test_what_counts_as_recorded_is_there_under_its_sum() -> None:
    """Sums of the files, and of what archives hold."""
    if not WIRE.is_dir():
        pytest.skip(f"no recordings at {WIRE}")
    sums = set()
    for path in (one for one in WIRE.parent.rglob("*") if one.is_file() and one.stat().st_size < 16_000_000):
        sums.add(hashlib.sha256(path.read_bytes()).hexdigest())
        if path.suffix == ".tgz":
            with tarfile.open(path) as archive:
                sums |= {hashlib.sha256(member.read()).hexdigest() for one in archive
                         if (member := archive.extractfile(one)) is not None}
    recordings = [(spec.venue, one) for spec in VENUES.values() for one in spec.evidence if one.grade == "recorded"]
    assert recordings
    assert [(venue, one.feed, one.source) for venue, one in recordings if one.sha256 not in sums] == []
