"""CME: bitcoin and ether futures, open interest alone; margin calls in hours, no mark price that liquidates."""

from typing import Final

from liqbot.margin import steps
from liqbot.margin.formulas import NO_PRICE, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.venues.cme import report
from liqbot.venues.spec import (
    NO_FORCED_ORDERS,
    NO_PRACTICE,
    NOT_TRADED,
    Contract,
    ContractMargin,
    Lack,
    Liquidations,
    Listing,
    VenueSpec,
)
from liqbot.venues.statements import Statement
from liqbot.venues.streams import ReportSource

# A performance bond of roughly this size; it sets leverage, never a liquidation price.
BOND: Final = tier_table(
    ((10_000_000_000, 3, 30.0),), source="order of magnitude of the performance bond", as_of="undated"
)

STATEMENTS: Final = (
    Statement(topic="regulation", text="open interest is published weekly by the CFTC", as_of="2026-08-04",
              source="Commitments of Traders, markets 133741, 133742, 146021, 146022"),
)

VENUE: Final = VenueSpec(
    venue="cme",
    title="CME",
    client=None,
    contracts=(
        Contract(
            settle="USD",
            listings=(Listing(coin="BTC", symbol="BTC.FUT", contract_units=5.0),
                      Listing(coin="ETH", symbol="ETH.FUT", contract_units=50.0)),
            trade_unit="contracts", open_interest_unit="contracts",
            margin=ContractMargin(rule=NO_PRICE, cross_rule=None, ladder=steps.WHOLE, fees=Fees(0.0, 0.0),
                                  tables=(("BTC", BOND), ("ETH", BOND))),
            note="Micro futures hold .1 coin.",
        ),
    ),
    spellings=("cmegroup",),
    liquidations=Liquidations(completeness="none"),
    report=ReportSource(
        what="the CFTC's weekly report, futures only, or Databento's statistics of GLBX.MDP3, as CSV",
        read=report.reported,
    ),
    lacks=(
        Lack("market_data", "no stream is read; open interest comes from a file that feeds.reports names"),
        NOT_TRADED, NO_FORCED_ORDERS, NO_PRACTICE,
    ),
    statements=STATEMENTS,
    mapped=False,
    note="Shown as open interest only: of the Tuesday before (CFTC), or of the day before (Databento, with a licence).",
    us_regulated=True,
    pays_funding=False,
)
