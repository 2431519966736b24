"""A quote that departs from the dollar: the map stays where the dollar is, nobody is put in quarantine, and nothing is
swept but what the quote's own fall reached."""

import numpy as np
import pytest
from market_rows import START_MS, blocks_of

from liqbot.blocks import DTYPES, Roster
from liqbot.events import FeedDown, FeedUp, MarketEvent, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import AGGREGATE, Side
from liqbot.market.market import Market
from liqbot.market.observed.outliers import OutlierFilter
from liqbot.market.params import MarketParams
from liqbot.market.view import MarketView
from liqbot.venues.registry import VENUES, quote_of
from tests.market.test_agreement import House, refusals

DOLLAR = ("krakenfutures", "bybit:coin")
TETHER = ("binance", "okx", "bybit")
PARAMS = MarketParams()
SPAN_MS = 5_000
STEPS, DEPEG_AT = 400, 300


def walk(depeg_pct: float, *, steps: int = 0, seed: int = 5) -> list[tuple[int, list[MarketEvent]]]:
    """A quiet market in dollars; from `DEPEG_AT` on a tether is worth less, at once or in so many steps."""
    chance, price, rate, found = np.random.default_rng(seed), 100.0, 1.0, []
    for number in range(STEPS):
        time_ms, before, rate_before = START_MS + number * SPAN_MS, price, rate
        price *= 1.0 + chance.normal(0, 4e-4 if number < DEPEG_AT else 2e-5)
        done = min(1.0, max(0.0, (number - DEPEG_AT + 1) / max(1, steps)))
        rate = 1.0 - depeg_pct / 100.0 * done
        happened: list[MarketEvent] = []
        for venue in (*TETHER, *DOLLAR):
            own, own_before = (rate, rate_before) if venue in TETHER else (1.0, 1.0)
            first, last = before / own_before, price / own
            at = {"time_ms": time_ms, "venue": venue, "coin": "BTC"}
            happened += [
                TradeBar(**at, span_ms=SPAN_MS, open=first, high=max(first, last), low=min(first, last), close=last,
                         volume_usd=1e6 / own, buy_usd=5e5 / own, sell_usd=5e5 / own),
                MarkPrice(**at, mark_price=last, index_price=last),
                OpenInterest(**at, oi_usd=1e9 * last / 100.0),
            ]
        found.append((time_ms, happened))
    return found


def folded(steps: list[tuple[int, list[MarketEvent]]], trade_venue: str = "binance") -> tuple[Market, list[MarketView]]:
    roster = Roster((*TETHER, *DOLLAR), ("BTC",))
    market, views = Market(PARAMS, roster, trade_venue), []
    for block in blocks_of(steps, roster):
        market.collect(block)
        views += market.on_tick(block.tick_ms or 0)
    return market, views


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize(
    "depeg_pct", [pytest.param(1.0, marks=pytest.mark.long), 3.0, pytest.param(10.0, marks=pytest.mark.long)]
)
@pytest.mark.parametrize("steps", [0, 60])
def test_the_map_is_in_dollars_and_only_what_the_quote_reached_is_gone(depeg_pct: float, steps: int) -> None:
    calm, calm_views = folded(walk(0.0))
    market, views = folded(walk(depeg_pct, steps=steps))
    now_ms = views[-1].time_ms
    news = market.take_feed_news()
    assert [one for one in news if one.feed == "price"] == []
    assert {one.accord for one in market.venue_health("BTC", now_ms)} == {""}
    rates = {one.venue: one.quote_ratio for one in market.venue_health("BTC", now_ms)}
    worth = 1.0 - depeg_pct / 100.0
    assert rates == pytest.approx({venue: worth if venue in TETHER else 1.0 for venue in rates}, rel=5e-4)
    # Drawn where the dollar is, within what is taken for the usual spread of venues.
    for view, other in zip(views, calm_views, strict=True):
        assert view.map.mark_price == pytest.approx(other.map.mark_price, rel=0.005)
    assert views[-1].map.mark_price == pytest.approx(calm_views[-1].map.mark_price, rel=1e-4)
    # Venues in dollars hold what they held, but for what is learnt of all together.
    for venue in DOLLAR:
        ours, theirs = (one.map_of("BTC", venues=[venue]) for one in (market, calm))
        assert ours.total_usd(Side.LONG) == pytest.approx(theirs.total_usd(Side.LONG), rel=1e-3)
        assert ours.total_usd(Side.SHORT) == pytest.approx(theirs.total_usd(Side.SHORT), rel=1e-3)
    # Of those in tether what lay within the depeg above their mark was really reached, and nothing of their longs.
    for venue in TETHER:
        ours, theirs = (one.map_of("BTC", venues=[venue]) for one in (market, calm))
        assert ours.total_usd(Side.LONG) == pytest.approx(theirs.total_usd(Side.LONG), rel=0.06 + depeg_pct / 100.0)
        near = ours.within_usd(Side.SHORT, 0.8 * depeg_pct)
        assert near < 0.5 * theirs.within_usd(Side.SHORT, 0.8 * depeg_pct) or depeg_pct == 1.0
    # The whole stays the sum of its venues.
    whole = market.map_of("BTC")
    parts = [market.map_of("BTC", venues=[venue]) for venue in (*TETHER, *DOLLAR)]
    for side in Side:
        assert np.allclose(sum(part.usd(side) for part in parts), whole.usd(side), rtol=1e-9, atol=1e-6)


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize("trade_venue", ["binance", pytest.param("krakenfutures", marks=pytest.mark.long)])
@pytest.mark.parametrize("steps", [pytest.param(0, marks=pytest.mark.long), 60])
def test_a_depeg_is_no_sweep_no_trend_and_no_range(trade_venue: str, steps: int) -> None:
    _, calm = folded(walk(0.0), trade_venue)
    _, views = folded(walk(10.0, steps=steps), trade_venue)
    for side in ("below", "above"):
        assert repr(getattr(views[-1], side).sweep) == repr(getattr(calm[-1], side).sweep) or (
            getattr(views[-1], side).sweep is None
        )
    assert views[-1].return_1h_pct != views[-1].return_1h_pct or views[-1].return_1h_pct == pytest.approx(
        calm[-1].return_1h_pct, abs=0.05
    )


@pytest.mark.long
def test_open_interest_counts_in_dollars() -> None:
    calm, calm_views = folded(walk(0.0))
    market, views = folded(walk(10.0))
    for ours, theirs in zip(
        market.venue_health("BTC", views[-1].time_ms), calm.venue_health("BTC", calm_views[-1].time_ms), strict=True
    ):
        assert ours.oi_usd == pytest.approx(theirs.oi_usd, rel=1e-4)
    assert views[-1].oi_usd == pytest.approx(calm_views[-1].oi_usd, rel=1e-4)


@pytest.mark.drawn(singly=True)
def test_beyond_the_limit_entries_are_refused_and_it_is_said_once() -> None:
    names = {"binance": 100.0, "okx": 100.0, "krakenfutures": 100.0, "bybit_coin": 100.0}
    house = House(("binance", "okx", "krakenfutures", "bybit:coin")).run(30, **names)
    slight = names | {"binance": 101.5, "okx": 101.4}
    house.run(60, **slight)
    assert (refusals(house.view), house.news) == (set(), [])
    assert house.health("binance").quote_ratio == pytest.approx(1 / 1.014, rel=1e-9)
    house.run(60, **names | {"binance": 103.1, "okx": 103.0})
    assert refusals(house.view) == {"DEPEG"}
    (down,) = house.news
    assert isinstance(down, FeedDown)
    assert (down.venue, down.feed) == (AGGREGATE, "quote USDT")
    assert "a USDT is worth 0.97" in down.reason
    house.run(30, **names)
    assert refusals(house.view) == set()
    assert isinstance(house.news[-1], FeedUp)
    assert house.health("binance").quote_ratio == 1.0


def test_one_broken_venue_makes_no_depeg() -> None:
    names = {"binance": 100.0, "okx": 100.0, "bybit": 100.0, "krakenfutures": 100.0, "bybit_coin": 100.0}
    house = House(("binance", "okx", "bybit", "krakenfutures", "bybit:coin")).run(30, **names)
    house.run(60, **names | {"okx": 94.0})
    assert [one.venue for one in house.news] == ["okx"]
    assert {house.health(venue).quote_ratio for venue in ("binance", "okx", "krakenfutures")} == {1.0}


@pytest.mark.parametrize("index_price", [np.nan, 100.0])
def test_a_lone_venue_of_its_quote_speaks_for_it_only_with_its_index(index_price: float) -> None:
    """Two in tether, one in dollars: its own index says whether its mark or the tether moved."""
    outliers = OutlierFilter("BTC", ("binance", "okx", "krakenfutures"), -1, PARAMS)
    for number in range(100):
        now_ms = START_MS + number * 1_000
        tether = 100.0 if number < 30 else 107.0
        rows = [(now_ms, 0, 0, tether, np.nan), (now_ms, 1, 0, tether, np.nan), (now_ms, 2, 0, 100.0, index_price)]
        outliers.take({"marks": np.array(rows, DTYPES["marks"])}, now_ms)
    if index_price == index_price:
        assert outliers.quotes.rates() == {"USDT": pytest.approx(100.0 / 107.0)}
        assert [one.feed for one in outliers.take_news()] == ["quote USDT"]
    else:
        assert outliers.quotes.rates() == {"USDT": 1.0}
        assert [(one.venue, one.feed) for one in outliers.take_news()] == [("krakenfutures", "price")]


def test_a_wild_departure_is_a_wrong_price() -> None:
    names = {"binance": 100.0, "okx": 100.0, "krakenfutures": 100.0, "bybit_coin": 100.0}
    house = House(("binance", "okx", "krakenfutures", "bybit:coin")).run(30, **names)
    house.run(60, **names | {"binance": 200.0, "okx": 200.0})
    assert house.health("binance").quote_ratio == 1.0
    assert refusals(house.view) == {"PRICE_DISPUTED"}


def test_every_venue_that_is_read_says_what_it_is_quoted_in() -> None:
    quotes = {
        f"{venue}:{one.contract}".rstrip(":"): quote_of(f"{venue}:{one.contract}".rstrip(":"), "BTC")
        for venue, spec in VENUES.items() for one in spec.contracts
    }
    assert set(quotes.values()) <= {"USD", "USDT", "USDC"}
    assert (quotes["binance"], quotes["binance:coin"], quotes["hyperliquid"]) == ("USDT", "USD", "USDC")
    assert quote_of("nowhere", "BTC") == ""
    assert quote_of("nowhere:usdc", "BTC") == "USDC"
