"""CME: bitcoin and ether futures through Databento; margin calls in hours, no mark price that liquidates."""

from typing import Final

from liqbot.margin import steps
from liqbot.margin.formulas import NO_PRICE, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.venues.spec import (
    NO_FORCED_ORDERS,
    NO_PRACTICE,
    NOT_READ,
    NOT_TRADED,
    Contract,
    ContractMargin,
    Liquidations,
    Listing,
    VenueSpec,
)

# A performance bond of roughly this size; it sets leverage, never a liquidation price.
BOND: Final = tier_table(
    ((10_000_000_000, 3, 30.0),), source="order of magnitude of the performance bond", as_of="undated"
)

VENUE: Final = VenueSpec(
    venue="cme",
    title="CME",
    client=None,
    contracts=(
        Contract(
            settle="USD",
            listings=(Listing(coin="BTC", symbol="BTC.FUT", contract_units=5.0),
                      Listing(coin="ETH", symbol="ETH.FUT", contract_units=None)),
            trade_unit="contracts", open_interest_unit="contracts",
            margin=ContractMargin(rule=NO_PRICE, cross_rule=None, ladder=steps.WHOLE, fees=Fees(0.0, 0.0),
                                  tables=(("BTC", BOND), ("ETH", BOND))),
            note="MBT.FUT holds .1 BTC. Open interest is daily and revised.",
        ),
    ),
    spellings=("cmegroup",),
    liquidations=Liquidations(completeness="none"),
    lacks=(NOT_READ, NOT_TRADED, NO_FORCED_ORDERS, NO_PRACTICE),
    mapped=False,
    note="Shown as open interest only; Databento GLBX.MDP3 with a licence, or a file.",
    us_regulated=True,
    pays_funding=False,
)
