"""Worked examples that venues publish, or positions they returned: computed against published, to the last digit."""

import pytest

from liqbot.instruments import Side
from liqbot.margin import steps
from liqbot.margin.formulas import MarginRule, TierTable, tier_table
from liqbot.margin.mechanics import Fees, Mechanics
from liqbot.venues.registry import mechanics_of

ON_MARK = MarginRule(basis="mark")


def flat(maintenance_pct: float, leverage_max: float = 125.0) -> TierTable:
    return tier_table(((1e9, leverage_max, maintenance_pct),), source="test", as_of="test")


def mechanics(
    rule: MarginRule, table: TierTable, *, inverse: bool = False, cross: MarginRule | None = None
) -> Mechanics:
    return Mechanics(
        venue_key="test", coin="BTC", rule=rule, cross_rule=cross, table=table, inverse=inverse, fees=Fees(0.02, 0.05),
        ladder=steps.WHOLE,
    )


# Binance's tables at the time of its worked examples.
BINANCE_2021_ETH = tier_table(
    ((10_000, 100, 0.5), (100_000, 75, 0.65), (500_000, 50, 1.0), (1_000_000, 25, 2.0), (2_000_000, 10, 5.0),
     (5_000_000, 5, 10.0), (10_000_000, 4, 12.5), (20_000_000, 3, 15.0), (5e9, 2, 25.0)),
    source="gist of the published table", as_of="2021",
)
BINANCE_2021_BTC = tier_table(
    ((50_000, 125, 0.4), (250_000, 100, 0.5), (1_000_000, 50, 1.0), (5_000_000, 20, 2.5), (20_000_000, 10, 5.0),
     (50_000_000, 5, 10.0), (100_000_000, 4, 12.5), (200_000_000, 3, 15.0), (300_000_000, 2, 25.0), (5e8, 1, 50.0)),
    source="published table", as_of="2021",
)
WALLET_USD = 1_535_443.01
ETH_POSITION = (Side.LONG, 1456.84, 3683.979)
BTC_POSITION = (Side.LONG, 32481.98, 109.488)


def test_binance_deductions_are_the_published_maintenance_amounts():
    assert BINANCE_2021_ETH.tier_at(3_000_000).deduction_usd == 135_365.0
    assert BINANCE_2021_BTC.tier_at(3_000_000).deduction_usd == 16_300.0


def test_binance_coin_deductions_are_the_published_maintenance_amounts():
    table = tier_table(
        ((10, 125, 0.4), (20, 100, 0.5), (30, 50, 1.0), (50, 20, 2.5), (100, 10, 5.0), (200, 5, 10.0), (400, 4, 12.5)),
        source="published table", as_of="2021-02-05", coin_price_usd=1.0,
    )
    assert table.tiers[3].deduction_usd == pytest.approx(0.56, abs=1e-12)
    assert table.tiers[4].deduction_usd == pytest.approx(1.81, abs=1e-12)
    assert table.tiers[6].deduction_usd == pytest.approx(11.81, abs=1e-12)


@pytest.mark.parametrize(
    ("table", "position", "published"),
    [(BINANCE_2021_ETH, ETH_POSITION, 1114.78), (BINANCE_2021_BTC, BTC_POSITION, 18778.73)],
)
def test_binance_isolated(table: TierTable, position: tuple[Side, float, float], published: float):
    assert mechanics(ON_MARK, table).liquidation_price(*position, WALLET_USD) == pytest.approx(published, abs=0.0051)


def test_binance_cross_with_the_other_position():
    eth = mechanics(ON_MARK, BINANCE_2021_ETH, cross=ON_MARK).cross_liquidation_price(
        *ETH_POSITION, wallet_usd=WALLET_USD, others_maintenance_usd=71_200.81144, others_profit_usd=-56_354.57
    )
    btc = mechanics(ON_MARK, BINANCE_2021_BTC, cross=ON_MARK).cross_liquidation_price(
        *BTC_POSITION, wallet_usd=WALLET_USD, others_maintenance_usd=356_512.508, others_profit_usd=-448_192.89
    )
    assert eth == pytest.approx(1153.26, abs=0.0051)
    assert btc == pytest.approx(26316.89, abs=0.0051)


def test_binance_coin_margined_position_as_returned():
    face_usd, entry_price, mark_price = 200.0, 37643.10000021, 38103.05510455
    wallet_coin = 0.00274471 - 0.00006413  # isolated margin less unrealised profit
    price = mechanics_of("binance:coin", "BTC").liquidation_price(
        Side.LONG, entry_price, face_usd / entry_price, wallet_coin * entry_price
    )
    assert mark_price > price
    assert price == pytest.approx(25119.97445760, abs=0.02)  # the margin is given to eight digits only


def test_bybit_linear_isolated_position_as_returned():
    book = mechanics_of("bybit", "ETH")
    margin_usd = 119.845 / 4.2
    assert book.liquidation_price(Side.LONG, 1198.45, 0.1, margin_usd) == pytest.approx(919.10, abs=0.0051)
    # Published after rounding up to a tick of .05.
    assert book.bankruptcy_price(Side.LONG, 1198.45, 0.1, margin_usd) == pytest.approx(913.15, abs=0.05)


def test_bybit_inverse_cross_example():
    # 10,000 contracts at 8,000 with .5 BTC. This example is of the venue's older rule: maintenance at entry, and the
    # closing fee of .075 % at the bankruptcy price set aside.
    position = (Side.LONG, 8_000.0, 10_000 / 8_000)
    book = mechanics(MarginRule(basis="entry"), flat(0.5), inverse=True)
    bankruptcy = book.bankruptcy_price(*position, 0.5 * 8_000.0) * 1.00075
    assert bankruptcy == pytest.approx(5718.57, abs=0.0051)
    fee_coin = 10_000 * 0.00075 / bankruptcy
    price = book.liquidation_price(*position, (0.5 - fee_coin) * 8_000.0)
    assert price == pytest.approx(5739.08, abs=0.0051)
    assert price == pytest.approx(5739.50, abs=0.5)  # as published, on the venue's grid of .5


@pytest.mark.parametrize(("side", "sign"), [(Side.LONG, 1.0), (Side.SHORT, -1.0)])
def test_bybit_inverse_isolated_as_documented_now(side: Side, sign: float):
    size_usd, entry, leverage = 60_000.0, 50_000.0, 10.0
    documented = size_usd * (1 + sign * 0.005) / (size_usd / entry + sign * size_usd / entry / leverage)
    price = mechanics_of("bybit:coin", "BTC").isolated_liquidation_price(side, entry, size_usd / entry, leverage)
    assert price == pytest.approx(documented, rel=1e-13)


def test_okx_cross_position_as_returned():
    # Equity follows from the returned margin ratio 11.719278...; 15 contracts of .01 ETH.
    needed_usd = 1.9011960 + 0.0005 * 0.15 * 1584.33
    equity_usd = 11.719278420807477 * needed_usd
    book = mechanics(MarginRule(basis="mark", fee_pct=0.05), flat(0.8), cross=MarginRule(basis="mark", fee_pct=0.05))
    price = book.cross_liquidation_price(Side.LONG, 1597.74, 0.15, wallet_usd=equity_usd + 2.0115)
    assert price == pytest.approx(1438.7380360728976, abs=1e-6)


@pytest.mark.parametrize(("side", "leverage", "published"), [(Side.LONG, 5, 8.0857085), (Side.SHORT, 5, 11.8741342)])
def test_gate(side: Side, leverage: float, published: float):
    book = mechanics(MarginRule(basis="mark", fee_pct=0.06), flat(1.0))
    assert book.isolated_liquidation_price(side, 10.0, 1.0, leverage) == pytest.approx(published, abs=5.1e-8)


def test_bitget_isolated_sample_position():
    price = mechanics_of("bitget", "BTC").liquidation_price(Side.LONG, 25_000.0, 0.01, 9.6695050093373343)
    assert price == pytest.approx(24144.1124161806977798, abs=1e-8)


def test_kucoin_isolated_and_cross():
    book = mechanics_of("kucoin", "BTC")
    assert book.isolated_liquidation_price(Side.SHORT, 28_000.0, 1.0, 100.0) == pytest.approx(28168.0, abs=0.51)
    wallet_usd = 0.001 * (96976.8 - 52110.87)  # from the returned bankruptcy price
    cross = book.cross_liquidation_price(Side.LONG, 96976.8, 0.001, wallet_usd=wallet_usd)
    assert cross == pytest.approx(52351.69, abs=0.0051)


def test_kraken_inverse():
    book = mechanics_of("krakenfutures:coin", "BTC")
    position = (Side.LONG, 8_000.0, 10_000 / 8_000, 0.1 * 8_000.0)
    assert book.liquidation_price(*position) == pytest.approx(7481.0, abs=0.51)
    assert book.bankruptcy_price(*position) == pytest.approx(7407.0, abs=0.51)


@pytest.mark.parametrize(
    ("entry", "size", "raw_usd", "published", "tolerance"),
    [(2986.3, 0.0335, -95.059824, 2866.26936529, 2e-5), (2213.9, 0.2259, -475.23904, 2125.00856238, 2e-5)],
)
def test_hyperliquid_isolated(entry: float, size: float, raw_usd: float, published: float, tolerance: float):
    # Both from the days of 50x on ETH: maintenance 1 %.
    book = mechanics(ON_MARK, flat(1.0, 50.0))
    price = book.liquidation_price(Side.LONG, entry, size, raw_usd + size * entry)
    assert price == pytest.approx(published, abs=tolerance)  # the raw balance has six digits


@pytest.mark.parametrize(("size_base", "maintenance_base"), [(25.0, 0.28125), (350.0, 350.0 * 0.0275)])
def test_deribit_margin_rule(size_base: float, maintenance_base: float):
    table = mechanics_of("deribit", "BTC").table
    given_usd = table.maintenance_usd(size_base * 100_000.0, 100_000.0)
    assert given_usd == pytest.approx(maintenance_base * 100_000.0, rel=1e-12)
    # Between knots a little above the rule, never below, and at most 1.3 bp of notional for small positions.
    for size in (0.2, 1.7, 6.3, 12.0, 22.0, 300.0):
        exact = size * (0.01 + 0.00005 * size)
        given = table.maintenance_usd(size * 60_000.0, 60_000.0) / 60_000.0
        assert exact <= given <= exact * 1.02
        assert size > 25 or (given - exact) / size <= 1.3e-4


@pytest.mark.parametrize(
    ("venue", "expected_pct"),
    [("binance", {125: 0.40, 100: 0.60, 50: 1.61, 25: 3.61, 10: 9.64}),
     ("bybit", {125: 0.30, 100: 0.50, 50: 1.50, 25: 3.50, 10: 9.50}),
     ("okx", {125: 0.35, 100: 0.55, 50: 1.56, 25: 3.57, 10: 9.59}),
     ("hyperliquid", {25: 2.78, 10: 8.86})],
)
def test_distances_of_a_small_long(venue: str, expected_pct: dict[int, float]):
    book = mechanics_of(venue, "BTC")
    for leverage, expected in expected_pct.items():
        price = book.isolated_liquidation_price(Side.LONG, 60_000.0, 100_000 / 60_000, leverage)
        assert (1.0 - price / 60_000.0) * 100.0 == pytest.approx(expected, abs=0.0051), leverage
