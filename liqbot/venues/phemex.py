"""Phemex: USDT and inverse perpetuals; margin tiers not recorded."""

from typing import Final

from liqbot.venues.spec import LINEAR_ONE, Contract, Liquidations, VenueRow, listings

ROW: Final = VenueRow(
    venue="phemex",
    client="phemex",
    contracts=(
        Contract(settle="USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE), trade_unit="base"),
        Contract(contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}")),
    ),
    liquidations=Liquidations(completeness="none"),
    one_ticker=True,
    note="A stop by stopLossPrice becomes a plain market order. Open interest in the raw ticker, none for inverse.",
)
