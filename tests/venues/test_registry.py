"""The registry: every venue once, units only where stated, and mechanics for any key a tape may carry."""

import math

import pytest

from liqbot.instruments import CONTRACTS, Side, venue_key
from liqbot.venues.coinbaseinternational import close_out_margin_pct
from liqbot.venues.registry import ROWS, VENUES, mechanics_of

KEYS = [venue_key(row.venue, contract.contract) for row in ROWS for contract in row.contracts]


def test_every_venue_and_key_is_there_once():
    assert len(VENUES) == len(ROWS) == 27
    assert len(set(KEYS)) == len(KEYS)
    assert all(row.contracts[0].contract == "" for row in ROWS)
    assert all(contract.contract in ("", *CONTRACTS) for row in ROWS for contract in row.contracts)


def test_first_trading_venues():
    assert {row.venue for row in ROWS if row.tradable} == {
        "binance", "bybit", "okx", "bitget", "krakenfutures", "hyperliquid"
    }
    assert [row.venue for row in ROWS if not row.mapped] == ["cme"]


@pytest.mark.parametrize("key", KEYS)
def test_mechanics_agree_with_the_row(key: str):
    venue, _, name = key.partition(":")
    contract = VENUES[venue].contract(name)
    assert contract is not None
    for listing in contract.listings:
        book = mechanics_of(key, listing.coin)
        assert (book.venue_key, book.coin, book.inverse) == (key, listing.coin, contract.inverse)
        assert book.assumed == (contract.margin is None or listing.coin not in dict(contract.margin.tables))
        assert listing.contract_units is None or listing.contract_units > 0
        assert "{" not in listing.symbol


@pytest.mark.parametrize("venue", ["binance", "bybit", "okx", "bitget", "krakenfutures", "hyperliquid", "deribit",
                                   "coinbase", "coinbaseinternational", "cme"])
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_figures_of_the_large_venues_are_their_own(venue: str, coin: str):
    assert not mechanics_of(venue, coin).assumed


@pytest.mark.parametrize(
    ("key", "coin", "inverse"),
    [("nowhere", "BTC", False), ("nowhere:coin", "BTC", True), ("aggregate", "ETH", False), ("binance", "DOGE", False),
     ("bybit:usdc", "BTC", False), ("htx", "BTC", False), ("phemex:coin", "BTC", True)],
)
def test_anything_else_folds_with_the_stand_in(key: str, coin: str, inverse: bool):
    book = mechanics_of(key, coin)
    assert book.assumed
    assert book.inverse is inverse
    assert book.table.source.startswith("stand-in")
    assert not book.table.checked
    price = book.isolated_liquidation_price(Side.LONG, 100.0, 10.0, 10.0)
    assert 89.0 < price < 93.0
    assert not math.isnan(book.ratio(Side.SHORT, 10.0))


def test_stand_in_of_a_known_venue_keeps_its_rule():
    assert mechanics_of("bybit", "DOGE").rule == mechanics_of("bybit", "BTC").rule
    assert mechanics_of("okx", "DOGE").rule.fee_pct == 0.05


def test_sharp_leverages_end_at_the_venues_highest():
    assert mechanics_of("hyperliquid", "BTC").sharp_leverages == (3, 5, 10, 20, 25)
    assert mechanics_of("hyperliquid", "ETH").sharp_leverages == (3, 5, 10, 20, 25)
    assert mechanics_of("krakenfutures", "BTC").sharp_leverages[-1] == 50
    assert mechanics_of("binance", "BTC").sharp_leverages[-1] == 125
    assert mechanics_of("coinbaseinternational", "BTC").sharp_leverages == (3, 5, 10)


def test_close_out_margin_takes_the_larger_of_both():
    assert close_out_margin_pct(10.0) == pytest.approx(10.0 / 3.0)
    assert close_out_margin_pct(60.0) == pytest.approx(28.0)


def test_the_same_question_gets_the_same_object():
    assert mechanics_of("binance", "BTC") is mechanics_of("binance", "BTC")
