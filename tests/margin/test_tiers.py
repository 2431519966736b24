"""Tier tables: what is refused, where a border belongs, and that the shipped ones are the recorded ones."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from liqbot.margin.tiers import LeverageTier, TierTable, evenly_stepped, tier_table
from liqbot.venues.mechanics import STAND_IN_MAJOR, STAND_IN_MINOR
from liqbot.venues.registry import VENUES, mechanics_of

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "brackets"
TIERS = (LeverageTier(0.0, 100.0, 50.0, 1.0), LeverageTier(100.0, 1_000.0, 10.0, 5.0, 4.0))


def table(tiers: tuple[LeverageTier, ...] = TIERS, *, progressive: bool = True) -> TierTable:
    return TierTable(tiers=tiers, progressive=progressive, source="t", as_of="t")


def test_border_belongs_to_the_lower_tier_and_the_requirement_is_continuous():
    found = table()
    assert found.tier_at(100.0) is TIERS[0]
    assert found.tier_at(100.01) is TIERS[1]
    assert found.tier_at(1e9) is TIERS[1]
    assert found.maintenance_usd(100.0) == pytest.approx(1.0)
    assert found.maintenance_usd(200.0) == pytest.approx(6.0)
    assert found.leverage_max(1_000.0) == 10.0
    assert found.leverage_max(1_000.01) == 0.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"notional_usd_floor": 101.0}, "notional_usd_floor: 101.0 must be 100.0"),
     ({"leverage_max": 51.0}, "leverage_max: 51.0 must not rise above 50.0"),
     ({"maintenance_pct": 0.5}, "maintenance_pct: 0.5 must not fall below 1.0"),
     ({"deduction_usd": 3.0}, "deduction_usd: 3.0 must be 4.0")],
)
def test_a_table_that_is_not_monotone_and_continuous_is_refused(changes: dict[str, float], message: str):
    with pytest.raises(ValueError, match=message):
        table((TIERS[0], msgspec.structs.replace(TIERS[1], **changes)))


def test_a_whole_position_table_has_no_deductions():
    with pytest.raises(ValueError, match=r"deduction_usd: 4\.0 must be 0\.0"):
        table(progressive=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0.0, 0.0, 10.0, 1.0), "notional_usd_cap: 0.0"), ((0.0, 1.0, 0.5, 1.0), "leverage_max: 0.5"),
     ((0.0, 1.0, 10.0, 0.0), "maintenance_pct: 0.0"), ((0.0, 1.0, 10.0, float("nan")), "maintenance_pct: nan"),
     ((0.0, 1.0, 10.0, 1.0, -1.0), "deduction_usd: -1.0")],
)
def test_a_bad_tier_names_field_and_value(arguments: tuple[float, ...], message: str):
    with pytest.raises(ValueError, match=message):
        LeverageTier(*arguments)


def test_no_tiers_no_table():
    with pytest.raises(ValueError, match="at least one tier"):
        table(())
    with pytest.raises(ValueError, match="must be 0"):
        table((TIERS[1],))


def test_even_steps_follow_the_rule_each_tier_adds():
    rows = evenly_stepped(((10, 100, 0.4),), step=5, count=2, maintenance_pct_step=0.5, initial_pct=1.0,
                          initial_pct_step=0.5)
    assert rows == ((10, 100, 0.4), (15, 66.66, 0.9), (20, 50.0, 1.4))


@pytest.mark.parametrize("price", [61_234.7, 99_999.9, 3.3])
def test_ten_coins_are_ten_coins_at_any_price(price: float):
    book = mechanics_of("okx", "BTC")
    assert book.leverage_max(10.0 * price, price) == 100.0
    assert book.leverage_max(10.001 * price, price) == 66.66


def test_borders_in_coin_move_with_the_price():
    found = tier_table(((10, 100, 0.4), (50, 50, 1.0)), source="t", as_of="t", coin_price_usd=100.0)
    assert found.tier_at(999.0).maintenance_pct == 0.4
    assert found.tier_at(999.0, price=50.0).maintenance_pct == 1.0
    assert found.maintenance_usd(1_000.0, price=50.0) == pytest.approx(10.0 - 10 * 0.006 * 50.0)


@pytest.mark.parametrize(
    ("key", "coin", "symbol"),
    [("binance", "BTC", "BTC/USDT:USDT"), ("binance", "ETH", "ETH/USDT:USDT"),
     ("binance:usdc", "BTC", "BTC/USDC:USDC"), ("binance:usdc", "ETH", "ETH/USDC:USDC")],
)
def test_binance_tiers_are_the_recorded_ones(key: str, coin: str, symbol: str):
    path = RECORDED / "binance_leverage_tiers.json"
    if not path.exists():
        pytest.skip(f"recorded brackets are not here: {path}")
    recorded = [
        (float(info["notionalCap"]), info["initialLeverage"], info["maintMarginRatio"] * 100, info["cum"])
        for info in (tier["info"] for tier in json.loads(path.read_text())[symbol])
    ]
    shipped = [
        (tier.notional_usd_cap, tier.leverage_max, tier.maintenance_pct, tier.deduction_usd)
        for tier in mechanics_of(key, coin).table.tiers
    ]
    assert len(shipped) == len(recorded)
    for ours, theirs in zip(shipped, recorded, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize(("key", "coin", "symbol"), [("krakenfutures:coin", "BTC", "pi_xbtusd"),
                                                     ("krakenfutures:coin", "ETH", "pi_ethusd")])
def test_kraken_levels_are_the_recorded_ones(key: str, coin: str, symbol: str):
    path = RECORDED / "kraken_futures_instruments_2021.txt"
    if not path.exists():
        pytest.skip(f"recorded brackets are not here: {path}")
    text = path.read_text()
    payload, _ = json.JSONDecoder().raw_decode(text[text.index("{"):])
    levels = next(item["marginLevels"] for item in payload["instruments"] if item["symbol"] == symbol)
    shipped = mechanics_of(key, coin).table.tiers
    assert [tier.notional_usd_floor for tier in shipped] == [level["contracts"] for level in levels]
    rates_pct = [level["maintenanceMargin"] * 100 for level in levels]
    assert [tier.maintenance_pct for tier in shipped] == pytest.approx(rates_pct)
    leverages = [1 / level["initialMargin"] for level in levels]
    assert [tier.leverage_max for tier in shipped] == pytest.approx(leverages, abs=0.01)


def test_bybit_deductions_are_the_published_ones():
    published = [0, 1_200, 3_020, 4_300, 5_820, 8_460, 15_460, 20_500, 46_000, 66_000, 80_000, 160_000, 300_000,
                 452_000, 502_000, 777_000, 837_000, 967_000, 1_107_000, 1_482_000]
    assert [tier.deduction_usd for tier in mechanics_of("bybit", "BTC").table.tiers] == pytest.approx(published)


def test_gate_deductions_are_the_returned_ones():
    returned = [0, 250, 750, 1_500, 2_500]
    assert [tier.deduction_usd for tier in mechanics_of("gate", "BTC").table.tiers[:5]] == pytest.approx(returned)


def test_every_shipped_table_says_where_it_comes_from():
    shipped = [margin.tables for spec in VENUES.values() for contract in spec.contracts if (margin := contract.margin)]
    tables = [found for by_coin in shipped for _, found in by_coin] + [STAND_IN_MAJOR, STAND_IN_MINOR]
    assert len(tables) > 20
    for found in tables:
        assert len(found.source) > 10
        assert re.fullmatch(r"20\d\d(-\d\d){0,2}|undated", found.as_of)
        assert found.checked == (found.checked_to_usd > 0)
