"""MEXC: USDT and inverse perpetuals; margin tiers not recorded."""

from typing import Final

from liqbot.venues.spec import Contract, Liquidations, VenueRow, listings

ROW: Final = VenueRow(
    venue="mexc",
    client="mexc",
    contracts=(
        Contract(settle="USDT", listings=listings("{}/USDT:USDT", ("BTC", 0.0001)), trade_unit="contracts",
                 open_interest_unit="contracts"),
        Contract(contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}", ("BTC", 100.0)),
                 trade_unit="contracts"),
    ),
    liquidations=Liquidations(completeness="none"),
    tier_access="public",
    one_ticker=True,
    test_access="none",
    note="A stop by stopLossPrice becomes a plain market order. Open interest in the raw ticker.",
)
