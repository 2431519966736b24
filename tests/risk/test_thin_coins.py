"""Coins other than BTC and ETH: named, halved, never with money."""

import pytest

from liqbot.exits import ExpectedError
from liqbot.risk.limits import RiskLimits
from liqbot.risk.thin_coins import limits_for, thin_trouble
from liqbot.settings import Settings
from liqbot.settings.tradable import require_tradable

LIMITS = RiskLimits(risk_per_trade_usd=80.0)


@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_thick_coins_keep_their_limits(coin: str) -> None:
    assert limits_for(coin, LIMITS) is LIMITS


def test_every_limit_on_how_much_is_halved_and_no_other() -> None:
    halved = limits_for("DOGE", LIMITS)
    changed = {
        name: (getattr(LIMITS, name), getattr(halved, name))
        for name in RiskLimits.model_fields if getattr(LIMITS, name) != getattr(halved, name)
    }
    assert changed.pop("leverage_max") == (5, 2)
    assert all(after == before / 2 for before, after in changed.values())
    assert {"risk_per_trade_pct", "risk_per_trade_usd", "exposure_max", "order_notional_usd_max"} <= set(changed)
    assert "stop_pct_max" not in changed
    assert limits_for("DOGE", RiskLimits(leverage_max=1)).leverage_max == 1


@pytest.mark.parametrize(
    ("mode", "allowed", "words"),
    [
        ("observe", False, ""), ("paper", False, "--allow-thin-coin"), ("paper", True, ""),
        ("demo", False, "--allow-thin-coin"), ("testnet", True, ""), ("live", False, "with money"),
        ("live", True, "with money"),
    ],
)  # fmt: skip
def test_where_they_may_be_traded(mode: str, allowed: bool, words: str) -> None:
    said = thin_trouble(("BTC", "DOGE", "SOL"), mode, allowed=allowed)
    assert (words in said) if words else not said
    assert not said or said.startswith("DOGE, SOL: ")
    assert not thin_trouble(("BTC", "ETH"), mode, allowed=allowed)
    settings = Settings(mode=mode, coins=("BTC", "DOGE"), allow_thin_coin=allowed)
    if words:
        with pytest.raises(ExpectedError, match=words):
            require_tradable(settings)
    else:
        assert require_tradable(settings) is settings


def test_with_money_every_core_venue_is_watched() -> None:
    two = Settings(mode="live", venues=("binance", "okx:coin", "gate"))
    with pytest.raises(ExpectedError, match=r"bybit of risk\.core_venues"):
        require_tradable(two)
    named = two.model_copy(update={"risk": RiskLimits(core_venues=("okx",))})
    assert require_tradable(named) is named
    demo = two.model_copy(update={"mode": "demo"})
    assert require_tradable(demo) is demo
