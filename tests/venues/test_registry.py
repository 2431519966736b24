"""The registry: every venue once, units only where stated, and mechanics for any key a tape may carry."""

import math
import re
from pathlib import Path

import grimp
import msgspec
import pytest

import liqbot.venues
from liqbot.instruments import Side, venue_key
from liqbot.venues.registry import VENUES, access_refusal, mark_poll_of, mechanics_of, trading_of, wire_of

FOLDER = Path(liqbot.venues.__file__).parent
KEYS = [venue_key(spec.venue, contract.contract) for spec in VENUES.values() for contract in spec.contracts]


def source(path: Path) -> str:
    """Of a module, or of all modules of a package."""
    files = [path] if path.suffix == ".py" else sorted(path.glob("*.py"))
    return "\n".join(file.read_text() for file in files)


def test_every_venue_and_key_is_there_once_in_an_order_that_says_what_they_can_do():
    assert len(VENUES) >= 27
    assert len(set(KEYS)) == len(KEYS)
    able = [(spec.trading is not None, spec.wire is not None) for spec in VENUES.values()]
    assert able == sorted(able, reverse=True)
    for rank in set(able):
        names = [name for name, one in zip(VENUES, able, strict=True) if one == rank]
        assert names == sorted(names)
    assert [spec.venue for spec in VENUES.values() if not spec.mapped] == ["cme"]


def test_every_module_with_a_venue_is_found_and_named_like_it():
    assert {path.stem for path in FOLDER.iterdir() if "VENUE: Final = " in source(path)} == set(VENUES)


def test_venues_import_nothing_of_each_other():
    graph = grimp.build_graph("liqbot", cache_dir=None)
    for venue in VENUES:
        own = f"liqbot.venues.{venue}"
        for module in {own, *graph.find_descendants(own)}:
            others = {name.split(".")[2] for name in graph.find_modules_directly_imported_by(module)
                      if name.startswith("liqbot.venues.")}
            assert not (others & set(VENUES)) - {venue}, module


def test_a_venue_that_is_added_is_found_everywhere_until_it_is_removed():
    before = mechanics_of("pier", "BTC")
    VENUES.add(msgspec.structs.replace(VENUES["deribit"], venue="pier"))
    try:
        able = [(spec.trading is not None, spec.wire is not None, spec.venue) for spec in VENUES.values()]
        assert "pier" in VENUES
        assert able == sorted(able, key=lambda one: (not one[0], not one[1], one[2]))
        assert not mechanics_of("pier", "BTC").assumed
        VENUES.add(msgspec.structs.replace(VENUES["htx"], venue="pier"))
        assert mechanics_of("pier", "BTC").assumed
    finally:
        VENUES.remove("pier")
    assert "pier" not in VENUES
    assert mechanics_of("pier", "BTC") == before


@pytest.mark.parametrize(("name", "fault"), [
    ("binance", "is built in"), ("aggregate", "small letters"), ("My Venue", "small letters"),
    ("a:coin", "small letters"),
])
def test_a_name_that_cannot_be_added(name: str, fault: str):
    with pytest.raises(ValueError, match=fault):
        VENUES.add(msgspec.structs.replace(VENUES["bitget"], venue=name))


def test_what_cannot_be_done_is_said_with_the_reason_of_the_spec():
    for venue in (name for name, spec in VENUES.items() if spec.lack("orders")):
        with pytest.raises(ValueError, match=re.escape(VENUES[venue].lack("orders"))):
            trading_of(venue)
    for venue in (name for name, spec in VENUES.items() if spec.lack("market_data")):
        with pytest.raises(ValueError, match=re.escape(VENUES[venue].lack("market_data"))):
            wire_of(venue)
    with pytest.raises(ValueError, match="no such venue: 'binnance'; did you mean 'binance'"):
        wire_of("binnance")
    assert access_refusal("binance", "testnet") == "mode: binance offers no testnet access; it has live, demo"
    assert "(its demo environment ended on 2026-07-14); it has live" in access_refusal("krakenfutures", "demo")


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


def test_small_positions_end_at_the_venues_highest_leverage():
    highest = {"hyperliquid": 40, "krakenfutures": 50, "binance": 150, "coinbaseinternational": 10}
    for venue, leverage in highest.items():
        assert mechanics_of(venue, "BTC").leverage_max(10_000.0) == leverage
    assert mechanics_of("hyperliquid", "ETH").leverage_max(10_000.0) == 25


def test_the_same_question_gets_the_same_object():
    assert mechanics_of("binance", "BTC") is mechanics_of("binance", "BTC")


def test_a_test_market_can_be_compared_wherever_orders_are_taken() -> None:
    for venue, spec in VENUES.items():
        if spec.trading is not None and spec.practice:
            assert mark_poll_of(venue).feed == "mark"
    streamed = next(venue for venue, spec in VENUES.items() if spec.wire and not any(
        poll.feed == "mark" and poll.inverse is not True for poll in spec.wire.polls
    ))
    with pytest.raises(ValueError, match="has no request for its mark"):
        mark_poll_of(streamed)
