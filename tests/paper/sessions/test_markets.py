"""The simulated market of a session has the coins that the profile names, or says that it has not."""

import pytest

from liqbot.exits import Exit, ExpectedError
from liqbot.settings import load
from paper.params import PaperSection
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
