import msgspec
from hypothesis import given
from hypothesis import strategies as st

from liqbot.margin.tiers import TierTable
from liqbot.market.feeds.tier_check import differences
from liqbot.venues.registry import mechanics_of
from liqbot.venues.streams import TierRow

TABLES = [mechanics_of(venue, coin).table for venue in ("binance", "bybit", "okx") for coin in ("BTC", "ETH")]


def published(table: TierTable) -> list[TierRow]:
    unit = table.coin_price_usd or 1.0
    return [TierRow(tier.notional_usd_cap / unit, tier.leverage_max, tier.maintenance_pct) for tier in table.tiers]


@given(
    table=st.sampled_from(TABLES), number=st.integers(0, 5), factor=st.sampled_from([0.5, 0.99, 1.001]),
    field=st.sampled_from(["cap_usd", "leverage_max", "maintenance_pct"]),
)
def test_what_agrees_is_silent_and_any_change_is_named(
    table: TierTable, number: int, field: str, factor: float
) -> None:
    rows = published(table)
    assert differences(table, rows) == []
    rows[number] = msgspec.structs.replace(rows[number], **{field: getattr(rows[number], field) * factor})
    (told,) = differences(table, rows)
    assert told.startswith(f"tier {number + 1} ")


def test_fewer_tiers_are_a_difference_and_more_are_not() -> None:
    rows = published(TABLES[0])
    assert differences(TABLES[0], rows[:3])[0].startswith("3 tiers published")
    assert differences(TABLES[0], [*rows, TierRow(9e12, 1.0, 99.0)]) == []
