"""One table of spellings: what clients, archives and data vendors write has one name, or a clear refusal."""

from collections import Counter
from pathlib import Path

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given
from pyarrow import parquet

from liqbot.instruments import venue_key
from liqbot.venues.books import Book, SpellingError, book_of
from liqbot.venues.registry import VENUES

LISTED = Path("../shared/data/series/coinglass_20251114/market/api_futures_pairs_markets_BTC.parquet")
BOOKS = {
    Book(venue_key(spec.venue, contract.contract), listing.coin): listing.symbol
    for spec in VENUES.values() for contract in spec.contracts for listing in contract.listings
    if "/" in listing.symbol
}  # fmt: skip
SPELT = {
    "binance": "binance", "Binance": "binance", "BINANCE": "binance", "binanceusdm": "binance",
    "binance-futures": "binance", "binance_futures": "binance", "Binance USD-M": "binance",
    "OKX": "okx", "OKEx": "okx", "okex5": "okx", "okex-swap": "okx", "okx-perps": "okx",
    "Bybit": "bybit", "bybit-perps": "bybit", "Gate.io": "gate", "gateio": "gate", "gate-io-futures": "gate",
    "Huobi": "htx", "HTX": "htx", "huobi-dm-linear-swap": "htx", "Crypto.com": "cryptocom",
    "crypto-com-derivatives": "cryptocom", "Kraken": "krakenfutures", "kraken-futures": "krakenfutures",
    "cryptofacilities": "krakenfutures", "kucoinfutures": "kucoin", "KuCoin": "kucoin", "dYdX": "dydx",
    "dydx-v4": "dydx", "bitfinex-derivatives": "bitfinex", "coinbase-international": "coinbaseinternational",
    "ApeX Omni": "apex", "CME Group": "cme", "Hyperliquid": "hyperliquid", "MEXC": "mexc", "aggregate": "aggregate",
}  # fmt: skip
SYMBOLS = [
    ("binance", "BTC", "binance", "BTC"),
    ("binance", "btc", "binance", "BTC"),
    ("binance", "XBT", "binance", "BTC"),
    ("binance", "BTCUSDT", "binance", "BTC"),
    ("binance", "btcusdt", "binance", "BTC"),
    ("binance", "BTC/USDT:USDT", "binance", "BTC"),
    ("binance", "BTC_USDT_USDT", "binance", "BTC"),
    ("binance", "BTCUSDT_PERP.A", "binance", "BTC"),
    ("binance", "BTCUSDC", "binance:usdc", "BTC"),
    ("binance", "BTC/USDC:USDC", "binance:usdc", "BTC"),
    ("binance", "BNBUSD_PERP", "binance:coin", "BNB"),
    ("binance", "ETH/USD:ETH", "binance:coin", "ETH"),
    ("binancecoinm", "BTC", "binance:coin", "BTC"),
    ("binance-delivery", "BTCUSD_PERP", "binance:coin", "BTC"),
    ("binance", "1000PEPEUSDT", "binance", "1000PEPE"),
    ("hyperliquid", "kPEPE", "hyperliquid", "1000PEPE"),
    ("hyperliquid", "BTC-USD", "hyperliquid", "BTC"),
    ("okx", "BTC-USDT-SWAP", "okx", "BTC"),
    ("okx", "BTC-USD-SWAP", "okx:coin", "BTC"),
    ("okx", "DOGE-USDC-SWAP", "okx:usdc", "DOGE"),
    ("bybit", "BTCUSD", "bybit:coin", "BTC"),
    ("bybit", "BTCPERP", "bybit:usdc", "BTC"),
    ("krakenfutures", "PI_XBTUSD", "krakenfutures:coin", "BTC"),
    ("krakenfutures", "pf_xbtusd.K", "krakenfutures", "BTC"),
    ("krakenfutures", "PF_DOTUSD", "krakenfutures", "DOT"),
    ("deribit", "BTC-PERPETUAL", "deribit:coin", "BTC"),
    ("deribit", "BTC_USDC-PERPETUAL", "deribit", "BTC"),
    ("bitget", "BTCUSDT_UMCBL", "bitget", "BTC"),
    ("bitget", "BTCUSD_DMCBL", "bitget:coin", "BTC"),
    ("kucoin", "XBTUSDTM", "kucoin", "BTC"),
    ("kucoin", "XBTUSDM", "kucoin:coin", "BTC"),
    ("bitfinex", "tBTCF0:USTF0", "bitfinex", "BTC"),
    ("gate", "BTC_USDT", "gate", "BTC"),
    ("mexc", "BTC_USD", "mexc:coin", "BTC"),
    ("cryptocom", "BTCUSD-PERP", "cryptocom", "BTC"),
    ("huobi-dm-swap", "BTC-USD", "htx:coin", "BTC"),
    ("dydx", "ETH-USD", "dydx", "ETH"),
    ("coinbaseinternational", "BTC-PERP", "coinbaseinternational", "BTC"),
    ("woofipro", "PERP_BTC_USDC", "woofipro", "BTC"),
    ("paradex", "BTC-USD-PERP", "paradex", "BTC"),
    ("aggregate", "BTCUSDT", "aggregate", "BTC"),
]
REFUSED = [
    ("Binnance", "BTC", "", "venue", "did you mean 'binance'"),
    ("bitmex", "XBTUSD", "", "venue", "no such venue"),
    ("binance-spot", "BTCUSDT", "", "venue", "no such venue"),
    ("", "BTC", "", "venue", "no such venue"),
    ("binance:coin", "BTC", "", "venue", "'binance' and 'coin' are right"),
    ("binance", "", "", "coin", "such as 'BTC'"),
    ("binance", "BTC?", "", "coin", "such as 'BTC'"),
    ("binance", "BTC/USDT", "", "coin", "its perpetual is 'BTC/USDT:USDT'"),
    ("binance", "BTCUSDT_240628", "", "coin", "expires"),
    ("okx", "BTC-USDT-251226", "", "coin", "expires"),
    ("bybit", "BTCUSDZ25", "", "coin", "expires"),
    ("deribit", "BTC-26DEC25-60000-C", "", "coin", "expires"),
    ("binance", "BTC/USDT:USDT-240628", "", "coin", "expires"),
    ("binance", "BTC/EUR:EUR", "", "coin", "margined in EUR"),
    ("binance", "BTCFDUSD", "", "coin", "margined in FDUSD"),
    ("binance", "ARBUSD", "", "coin", "ARB in USD or AR in BUSD"),
    ("krakenfutures", "BTCUSD_PERP.K", "", "coin", "two contracts"),
    ("binance", "BTCUSDT", "coin", "contract", "'BTCUSDT' is 'usdt', 'coin' is 'coin'"),
    ("binance-delivery", "BTCUSDT", "", "coin", "'binance-delivery' is 'coin'"),
    ("binance", "BTC", "perp", "contract", "one of usdt, usdc, usd, coin"),
]


@pytest.mark.parametrize(("spelt", "venue"), SPELT.items())
def test_venues(spelt: str, venue: str):
    assert book_of(spelt, "BTC") == (venue, "BTC")


@pytest.mark.parametrize(("venue", "coin", "key", "ticker"), SYMBOLS)
def test_symbols(venue: str, coin: str, key: str, ticker: str):
    assert book_of(venue, coin) == (key, ticker)


@pytest.mark.parametrize(("venue", "coin", "contract", "column", "says"), REFUSED)
def test_what_names_no_book_is_refused_with_what_would_be_right(
    venue: str, coin: str, contract: str, column: str, says: str
):
    with pytest.raises(SpellingError) as caught:
        book_of(venue, coin, contract)
    assert caught.value.column == column
    assert says in str(caught.value)


@pytest.mark.parametrize(("book", "symbol"), BOOKS.items(), ids=str)
def test_a_listing_as_the_unified_client_writes_it_is_its_own_book(book: Book, symbol: str):
    venue, _, contract = book.venue_key.partition(":")
    assert book_of(venue, symbol) == book == book_of(venue, book.coin, contract)


def test_the_venues_own_names_of_their_contracts_are_known():
    for spec in VENUES.values():
        for contract in spec.contracts:
            if contract.market_id:
                assert book_of(spec.venue, contract.market_id.replace("{}", "SOL")) == (
                    venue_key(spec.venue, contract.contract), "SOL",
                )  # fmt: skip


def test_the_main_contract_has_one_name_however_it_is_told():
    assert book_of("binance", "BTC", "usdt") == book_of("binance", "BTC") == ("binance", "BTC")
    assert book_of("hyperliquid", "BTC", "usdc") == ("hyperliquid", "BTC")
    assert book_of("krakenfutures", "BTC", "usd") == ("krakenfutures", "BTC")
    assert book_of("okx", "BTC", "usdc") == ("okx:usdc", "BTC")


def test_no_spelling_belongs_to_two_venues():
    said = Counter(
        name for spec in VENUES.values()
        for name in {
            "".join(letter for letter in spelling.partition(":")[0].lower() if letter.isalnum())
            for spelling in (spec.venue, spec.title, *spec.spellings)
        }
    )
    assert [name for name, count in said.items() if count > 1] == []


@pytest.mark.parametrize(("name", "read"), [("mine", "okx"), ("huobi", "huobi")])
def test_what_a_built_in_venue_is_called_stays_its_own_unless_a_venue_bears_that_name(name: str, read: str):
    like = msgspec.structs.replace(VENUES["htx"], venue=name, title="OKX swap", spellings=("okex", "pier"))
    VENUES.add(like)
    try:
        assert book_of("okex" if name == "mine" else "Huobi", "BTC") == (read, "BTC")
        assert book_of("Pier", "BTC") == (name, "BTC")
    finally:
        VENUES.remove(name)
    assert book_of("Huobi", "BTC") == ("htx", "BTC")


def test_other_venues_are_taken_only_when_the_caller_knows_them():
    assert book_of("harbour", "BTC", also={"harbour"}) == ("harbour", "BTC")
    assert book_of("harbour", "BTC", "coin", also={"harbour"}) == ("harbour:coin", "BTC")
    with pytest.raises(SpellingError):
        book_of("harbour", "BTC")


@given(book=st.sampled_from(sorted(BOOKS)), data=st.data())
def test_case_and_punctuation_of_a_venue_do_not_count(book: Book, data: st.DataObject):
    venue, _, contract = book.venue_key.partition(":")
    letters = [data.draw(st.sampled_from((letter, letter.upper()))) for letter in venue]
    joints = [data.draw(st.sampled_from(("", "-", "_", " ", "."))) for _ in venue]
    spelt = "".join(joint + letter for joint, letter in zip(joints, letters, strict=True))
    assert book_of(spelt, book.coin.lower(), contract) == book


@pytest.mark.skipif(not LISTED.exists(), reason="the recorded list of contracts is not beside this checkout")
def test_every_contract_of_a_vendors_list_is_read_or_refused_for_its_date_or_venue():
    listed = parquet.read_table(LISTED, columns=["exchange_name", "instrument_id"]).to_pylist()
    said = [outcome(row["exchange_name"], row["instrument_id"]) for row in listed]
    assert [one for one in said if not ("expires" in one or one.startswith("venue") or one == "BTC")] == []
    assert said.count("BTC") > 20


def outcome(venue: str, coin: str) -> str:
    """The coin, or what is wrong."""
    try:
        return book_of(venue, coin).coin
    except SpellingError as error:
        return f"{error.column}: {error}"
