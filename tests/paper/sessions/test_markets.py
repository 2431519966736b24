"""The simulated market of a session has the coins that the profile names, or says that it has not."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.exits import Exit, ExpectedError
from liqbot.settings import load
from paper.params import PaperSection
from paper.sessions.assembly import instruments_of
from paper.sessions.listings import listed_or_assumed
from paper.sessions.markets import market_of

SHORT = ("paper.world.days=0.001", "paper.world.backfill_days=0.01", "paper.world.burn_in_days=0.01")


def test_coins_whose_market_is_known_are_simulated_when_they_are_named() -> None:
    settings = load("paper", overrides=('coins=["ETH","BTC"]', *SHORT)).settings
    fitted, market = market_of("world", settings, 7)
    assert fitted.coins == ("ETH", "BTC")
    assert {one.coin for one in market.instruments} == {"ETH", "BTC"}
    assert {one.coin for one in fitted.section(PaperSection).world.coins} == {"ETH", "BTC"}, "journaled as it is"
    heard = {market.roster.coins[code] for block in market.live for code in block.marks["coin"]}
    assert heard == {"ETH", "BTC"}


def test_a_coin_that_nobody_described_is_refused_by_name() -> None:
    settings = load("paper", overrides=('coins=["BTC","SOL"]', *SHORT)).settings
    with pytest.raises(ExpectedError, match="coins: SOL is not in the simulated market; it has BTC") as refused:
        market_of("world", settings, 7)
    assert refused.value.exit_code == Exit.CONFIG


@pytest.mark.parametrize("venue", ["binance", "okx"])
def test_a_coin_that_somebody_described_is_traded_on_a_fine_grid(venue: str) -> None:
    coin = '{"coin":"PEPE","start_price":0.00002,"ticks_per_usd":1e9,"oi_usd":2e8,"depth_usd":6e6}'
    chosen = ('coins=["PEPE"]', f"paper.world.coins=[{coin}]", f"trade_venue={venue}", "allow_thin_coin=true", *SHORT)
    fitted, market = market_of("world", load("paper", overrides=chosen).settings, 7)
    (contract,) = market.instruments
    assert (contract.venue, contract.coin, fitted.coins) == (venue, "PEPE", ("PEPE",))
    assert float(contract.price_tick) <= 1e-4 * 0.00002
    assert instruments_of(fitted, market.roster) == market.instruments


@given(price=st.floats(1e-5, 1e7))
def test_the_grid_of_a_contract_that_nobody_lists_is_fine_at_its_price(price: float) -> None:
    tick = listed_or_assumed("okx", "PEPE", price).price_tick
    assert float(tick) <= 1e-4 * price
    assert Decimal("1e-9") <= tick <= Decimal("1e-6"), "no finer than the ledger keeps prices"


def test_a_listed_contract_keeps_its_grid_at_any_price() -> None:
    assert listed_or_assumed("okx", "BTC", 1e-3) == listed_or_assumed("okx", "BTC")
