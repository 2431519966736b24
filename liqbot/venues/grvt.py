"""GRVT: USDT perpetuals; units and margin rule not recorded."""

from typing import Final

from liqbot.venues.spec import Contract, Liquidations, VenueRow, listings

ROW: Final = VenueRow(
    venue="grvt",
    client="grvt",
    contracts=(Contract(settle="USDT", listings=listings("{}/USDT:USDT")),),
    liquidations=Liquidations(),
    one_ticker=True,
)
