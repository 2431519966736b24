"""Laws of the margin physics: equity meets maintenance there, order, bounds, duality, Decimal parity, bad input."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from liqbot.instruments import Side, venue_key
from liqbot.margin import steps
from liqbot.margin.formulas import MarginRule, TierTable, tier_table
from liqbot.margin.mechanics import Fees, Mechanics
from liqbot.venues.registry import VENUES, mechanics_of

KEYS = tuple(
    venue_key(spec.venue, contract.contract) for spec in VENUES.values() for contract in spec.contracts
)
PRICED = tuple(key for key in KEYS if mechanics_of(key, "BTC").priced)

keys = st.sampled_from(PRICED)
coins = st.sampled_from(("BTC", "ETH", "XYZ"))
sides = st.sampled_from(tuple(Side))
leverages = st.floats(1.5, 150.0)
prices = st.floats(0.01, 500_000.0)
notionals_usd = st.floats(10.0, 400_000_000.0)


def mark_value_usd(book: Mechanics, entry: float, quantity: float, mark: float) -> float:
    return quantity * (entry if book.inverse else mark)


def equity_usd(book: Mechanics, side: Side, entry: float, quantity: float, margin_usd: float, mark: float) -> float:
    kept = margin_usd * mark / entry if book.inverse else margin_usd
    return kept + side * quantity * (mark - entry)


def required_usd(book: Mechanics, entry: float, quantity: float, mark: float) -> float:
    if book.rule.basis == "entry":
        return book.maintenance_usd(quantity * entry, entry) * (mark / entry if book.inverse else 1.0)
    return book.maintenance_usd(mark_value_usd(book, entry, quantity, mark), mark)


def excess_usd(book: Mechanics, side: Side, entry: float, quantity: float, margin_usd: float, mark: float) -> float:
    return equity_usd(book, side, entry, quantity, margin_usd, mark) - required_usd(book, entry, quantity, mark)


@pytest.mark.drawn
@settings(max_examples=400, deadline=None)
@given(keys, coins, sides, prices, notionals_usd, leverages)
def test_equity_meets_maintenance_first_at_the_liquidation_price(
    key: str, coin: str, side: Side, entry: float, notional_usd: float, leverage: float
):
    book, quantity, margin_usd = mechanics_of(key, coin), notional_usd / entry, notional_usd / leverage
    assume(excess_usd(book, side, entry, quantity, margin_usd, entry) > 1e-6 * notional_usd)
    price = book.liquidation_price(side, entry, quantity, margin_usd)
    if price in (0.0, math.inf):
        far = entry * (1e-6 if side is Side.LONG else 1e6)
        assert excess_usd(book, side, entry, quantity, margin_usd, far) > 0
        return
    assert (price - entry) * side < 0
    hair = 1e-9 * price * side
    scale = notional_usd * max(1.0, price / entry)
    # On the far side of it the venue closes, on the near side it does not: also where a table jumps.
    assert excess_usd(book, side, entry, quantity, margin_usd, price - hair) <= 1e-8 * scale
    for share in (1e-9, 0.01, 0.3, 0.7, 1.0):
        between = price + hair + (entry - price) * share
        assert excess_usd(book, side, entry, quantity, margin_usd, between) > -1e-8 * scale
    if book.table.progressive:
        assert abs(excess_usd(book, side, entry, quantity, margin_usd, price)) <= 1e-8 * scale


@pytest.mark.drawn(singly=True)
@settings(max_examples=300, deadline=None)
@given(keys, coins, sides, prices, notionals_usd, leverages)
def test_liquidation_lies_between_bankruptcy_and_entry_and_the_naive_formula_is_too_far(
    key: str, coin: str, side: Side, entry: float, notional_usd: float, leverage: float
):
    book, quantity, margin_usd = mechanics_of(key, coin), notional_usd / entry, notional_usd / leverage
    assume(excess_usd(book, side, entry, quantity, margin_usd, entry) > 1e-6 * notional_usd)
    price = book.isolated_liquidation_price(side, entry, quantity, leverage)
    bankrupt = book.bankruptcy_price(side, entry, quantity, margin_usd)
    assert min(bankrupt, entry) * (1 - 1e-12) <= price <= max(bankrupt, entry) * (1 + 1e-12)
    if not book.inverse:
        naive = entry * (1.0 - side / leverage)
        assert (price - naive) * side >= -1e-9 * entry


@settings(max_examples=200, deadline=None)
@given(keys, sides, prices, notionals_usd, leverages, st.floats(1.01, 3.0))
def test_more_leverage_or_size_is_never_safer(
    key: str, side: Side, entry: float, notional_usd: float, leverage: float, factor: float
):
    book = mechanics_of(key, "BTC")
    quantity = notional_usd / entry
    price = book.isolated_liquidation_price(side, entry, quantity, leverage)
    bolder = book.isolated_liquidation_price(side, entry, quantity, leverage * factor)
    larger = book.isolated_liquidation_price(side, entry, quantity * factor, leverage)
    if math.isinf(price):
        return
    slack = 1e-9 * entry
    assert bolder * side >= price * side - slack
    assert larger * side >= price * side - slack


@settings(max_examples=200, deadline=None)
@given(keys, sides, prices, notionals_usd, leverages, st.floats(0.0, 0.5))
def test_added_margin_moves_it_away(
    key: str, side: Side, entry: float, notional_usd: float, leverage: float, added_share: float
):
    book, quantity, margin_usd = mechanics_of(key, "BTC"), notional_usd / entry, notional_usd / leverage
    price = book.liquidation_price(side, entry, quantity, margin_usd)
    safer = book.liquidation_price(side, entry, quantity, margin_usd + added_share * notional_usd)
    assert math.isinf(price) or safer * side <= price * side + 1e-9 * entry


TABLE_ROWS = ((50.0, 100.0, 0.5), (200.0, 50.0, 1.0), (1_000.0, 20.0, 2.5), (1e7, 5.0, 10.0))


@pytest.mark.drawn(singly=True)
@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(("mark", "entry")), st.sampled_from(("progressive", "whole")), st.sampled_from(("coin", "usd")),
    st.floats(0.0, 0.1), sides, st.floats(0.05, 20.0), st.floats(1.0, 5_000.0), leverages,
)
def test_inverse_is_linear_in_the_reciprocal_price(
    basis: str, kind: str, unit: str, fee_pct: float, side: Side, entry: float, face: float, leverage: float
):
    """An inverse position in USD is a linear one of the other side in 1 / price: sizes, margin and tiers in kind."""
    rule = MarginRule(basis=basis, fee_pct=fee_pct)

    def book(*, inverse: bool, coin_price_usd: float | None) -> Mechanics:
        table = tier_table(
            TABLE_ROWS, source="t", as_of="t", progressive=kind == "progressive", coin_price_usd=coin_price_usd
        )
        return Mechanics(venue_key="t", coin="BTC", rule=rule, cross_rule=None, table=table, inverse=inverse,
                         fees=Fees(0, 0), ladder=steps.WHOLE)

    # Tiers that follow the value here must follow the value there; coin at price 1 keeps the figures.
    inverse = book(inverse=True, coin_price_usd=1.0 if unit == "coin" else None)
    linear = book(inverse=False, coin_price_usd=None if unit == "coin" else 1.0)
    margin_coin = face / entry / leverage
    direct = inverse.liquidation_price(side, entry, face / entry, margin_coin * entry)
    mirrored = linear.liquidation_price(side.opposite, 1.0 / entry, face, margin_coin)
    reciprocal = math.inf if mirrored == 0 else 1.0 / mirrored
    assert direct == pytest.approx(reciprocal, rel=1e-12)


@pytest.mark.drawn(singly=True)
@settings(max_examples=400, deadline=None)
@given(
    keys, coins, sides, st.integers(1_000, 50_000_000), st.integers(1, 2_000_000), st.integers(2, 125),
)
def test_decimal_test_of_equity_agrees_within_a_tick(
    key: str, coin: str, side: Side, entry_ticks: int, quantity_steps: int, leverage: int
):
    book, tick = mechanics_of(key, coin), Decimal("0.01")
    entry, quantity = entry_ticks * tick, quantity_steps * Decimal("0.001")
    margin_usd = entry * quantity / leverage
    position = (side, entry, quantity, margin_usd)
    assume(not book.is_liquidated(*position, entry - int(side) * 2 * tick))
    price = book.liquidation_price(side, float(entry), float(quantity), float(margin_usd))
    assume(0.0 < price < 1e7)
    nearest = Decimal(str(price)).quantize(tick)
    assert not book.is_liquidated(*position, nearest + int(side) * tick)
    assert nearest <= tick or book.is_liquidated(*position, nearest - int(side) * tick)


@settings(max_examples=200, deadline=None)
@given(keys, coins, st.floats(1.0, 2e9), st.floats(10.0, 1e6))
def test_decimal_maintenance_equals_float(key: str, coin: str, notional_usd: float, price: float):
    book = mechanics_of(key, coin)
    exact = book.maintenance_usd_exact(Decimal(str(notional_usd)), Decimal(str(price)))
    assert float(exact) == pytest.approx(book.maintenance_usd(notional_usd, price), rel=1e-9)


@pytest.mark.parametrize("key", PRICED)
@pytest.mark.parametrize("side", list(Side))
def test_vectors_equal_scalars(key: str, side: Side):
    book = mechanics_of(key, "BTC")
    entries = np.array([55_000.0, 60_000.0, 70_123.4])
    quantities = np.array([0.01, 3.0, 4_000.0])[:, None]
    margins = entries * quantities / 8.0
    together = book.liquidation_prices(side, entries, quantities, margins)
    assert together.shape == (3, 3)
    for row in range(3):
        for column in range(3):
            alone = book.liquidation_price(
                side, float(entries[column]), float(quantities[row, 0]), float(margins[row, column])
            )
            assert together[row, column] == alone


@pytest.mark.parametrize("key", PRICED)
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_ratio_is_the_price_over_entry_for_small_positions_at_any_entry(key: str, coin: str):
    book = mechanics_of(key, coin)
    levers = (3.0, 10.0, 25.0, 50.0, 100.0, 1_000.0)
    ratios = book.ratios(levers)
    assert ratios.shape == (2, 6)
    assert np.isnan(ratios[:, 5]).all()
    for column, leverage in enumerate(levers):
        offered = leverage <= book.leverage_max(10_000.0)
        for row, side in enumerate((Side.LONG, Side.SHORT)):
            assert np.isnan(ratios[row, column]) == (not offered)
            assert not offered or book.ratio(side, leverage) == ratios[row, column]
            if not offered:
                continue
            for entry in (1_000.0, 3_456.7, 99_000.0):
                price = book.isolated_liquidation_price(side, entry, 500.0 / entry, leverage)
                assert price / entry == pytest.approx(ratios[row, column], rel=1e-12)
            assert book.distance_pct(side, leverage) == pytest.approx((1 - ratios[row, column]) * 100 * side)


def custom(table: TierTable, *, basis: str = "mark", inverse: bool = False) -> Mechanics:
    return Mechanics(venue_key="t", coin="BTC", rule=MarginRule(basis=basis), cross_rule=None, table=table,
                     inverse=inverse, fees=Fees(0, 0), ladder=steps.WHOLE)


def test_tier_is_the_one_at_the_notional_at_the_price():
    # 110 USD of notional at entry lie in the second tier; at the liquidation price they are back in the first.
    book = custom(tier_table(((100.0, 10.0, 1.0), (1_000.0, 5.0, 20.0)), source="t", as_of="t", progressive=False))
    assert book.liquidation_price(Side.LONG, 110.0, 1.0, 44.0) == pytest.approx(66.0 / 0.99)
    # And a short that climbs into the second tier is closed at the border, where the requirement jumps.
    assert book.liquidation_price(Side.SHORT, 90.0, 1.0, 25.0) == 100.0


def test_a_jump_on_the_winning_side_is_not_the_liquidation_price():
    book = custom(tier_table(((100.0, 10.0, 1.0), (1_000.0, 2.0, 40.0)), source="t", as_of="t", progressive=False))
    # Safe at entry; above 100 the second tier would ask for more than it has, but first the price must fall.
    assert book.liquidation_price(Side.LONG, 90.0, 1.0, 9.0) == pytest.approx(81.0 / 0.99)
    # Not safe at entry in the second tier: safe again above 150, although it also would be below 100.
    assert book.liquidation_price(Side.LONG, 110.0, 1.0, 20.0) == pytest.approx(150.0)


@pytest.mark.parametrize("side", list(Side))
def test_decimal_test_of_an_inverse_position_with_maintenance_at_entry(side: Side):
    book = custom(tier_table(((1e9, 100.0, 2.0),), source="t", as_of="t"), basis="entry", inverse=True)
    price = book.isolated_liquidation_price(side, 8_000.0, 1.25, 4.0)
    position = (side, Decimal(8_000), Decimal("1.25"), Decimal(2_500))
    nearest = Decimal(str(price)).quantize(Decimal("0.01"))
    assert not book.is_liquidated(*position, nearest + int(side) * Decimal("0.01"))
    assert book.is_liquidated(*position, nearest - int(side) * Decimal("0.01"))


def test_a_position_that_is_not_safe_at_entry_has_its_price_on_the_winning_side():
    # In cross margin the rest of the account may have lost more than the maintenance: it lives on this profit.
    book = mechanics_of("binance", "BTC")
    price = book.cross_liquidation_price(Side.LONG, 50_000.0, 1.0, wallet_usd=-4_000.0)
    assert price == pytest.approx((50_000.0 + 4_000.0) / 0.996)
    short = book.cross_liquidation_price(Side.SHORT, 50_000.0, 1.0, wallet_usd=-4_000.0)
    assert short == pytest.approx((50_000.0 - 4_000.0) / 1.004)


def test_unreachable_prices():
    assert mechanics_of("binance", "BTC").isolated_liquidation_price(Side.LONG, 60_000.0, 1.0, 1.0) == 0.0
    assert mechanics_of("binance:coin", "BTC").isolated_liquidation_price(Side.SHORT, 60_000.0, 1.0, 1.0) == math.inf
    cme = mechanics_of("cme", "BTC")
    assert math.isnan(cme.isolated_liquidation_price(Side.LONG, 60_000.0, 1.0, 3.0))
    assert np.isnan(cme.ratios((3.0,))).all()
    position = (Side.LONG, Decimal(60_000), Decimal(1), Decimal(20_000), Decimal(1))
    assert not cme.is_liquidated(*position)


@pytest.mark.parametrize("key", ["bybit", "bitget", "krakenfutures", "gate"])
def test_no_per_position_price_in_cross_margin_where_the_account_is_one(key: str):
    book = mechanics_of(key, "BTC")
    assert math.isnan(book.cross_liquidation_price(Side.LONG, 60_000.0, 1.0, wallet_usd=20_000.0))


def test_session_margin_moves_the_price():
    day = mechanics_of("coinbase", "BTC")
    night = day.in_session("overnight")
    assert (day.session, night.session) == ("intraday", "overnight")
    at_3x = [book.isolated_liquidation_price(Side.LONG, 60_000.0, 1.0, 3.0) for book in (day, night)]
    assert at_3x[1] > at_3x[0]
    assert night.leverage_max(10_000.0) < day.leverage_max(10_000.0)
    with pytest.raises(ValueError, match=r"session: 'noon' .* coinbase: intraday, overnight"):
        day.in_session("noon")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((60_000.0, 1.0, 0.0), "leverage: 0.0 must be a finite number above 0"),
     ((60_000.0, 1.0, math.nan), "leverage: nan must be"),
     ((60_000.0, -1.0, 5.0), "quantity_base: -1.0 must be"),
     ((0.0, 1.0, 5.0), "entry_price: 0.0 must be"),
     ((math.inf, 1.0, 5.0), "entry_price: inf must be")],
)
def test_bad_input_names_field_and_value(arguments: tuple[float, float, float], message: str):
    with pytest.raises(ValueError, match=message):
        mechanics_of("binance", "BTC").isolated_liquidation_price(Side.LONG, *arguments)


def test_bad_margin_names_field_and_value():
    book = mechanics_of("binance", "BTC")
    with pytest.raises(ValueError, match=r"margin_usd: -1.0 must be a finite number of at least 0"):
        book.liquidation_price(Side.LONG, 60_000.0, 1.0, -1.0)
    with pytest.raises(ValueError, match="notional_usd: nan"):
        book.leverage_max(math.nan)
    with pytest.raises(ValueError, match="must be finite"):
        book.cross_liquidation_price(Side.LONG, 60_000.0, 1.0, wallet_usd=math.nan)


def table_of(*rows: tuple[float, float, float], progressive: bool = True) -> TierTable:
    return tier_table(rows, source="t", as_of="t", progressive=progressive)


@settings(max_examples=200, deadline=None)
@given(keys, coins, st.floats(0.0, 1e8))
def test_kept_notional_is_the_largest_that_equity_covers(key: str, coin: str, equity: float):
    table = mechanics_of(key, coin).table
    kept = table.notional_usd_kept(equity)
    assert table.maintenance_usd(kept) <= equity * (1 + 1e-9) + 1e-6
    assert table.maintenance_usd(kept * 1.001 + 0.01) >= equity * (1 - 1e-9)
