"""Coinbase International: USDC perpetuals; maintenance is two thirds of the initial margin."""

from typing import Final

from liqbot.margin import steps
from liqbot.margin.formulas import MarginRule, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.venues.spec import (
    LINEAR_ONE,
    NO_FORCED_ORDERS,
    NO_PRACTICE,
    NOT_TRADED,
    Contract,
    ContractMargin,
    Lack,
    Liquidations,
    VenueSpec,
    listings,
)
from liqbot.venues.statements import Statement

# The initial margin grows with the square root of size over traded volume: only the base level is a constant.
BASE: Final = tier_table(
    ((50_000_000, 10, 6.666667),), source="leverage and margin policy: maintenance = 2/3 of initial", as_of="undated"
)

# Cut over on 2026-10-01 (announced for 2026-09-09): its own interfaces are read-only since. The gateway that followed,
# drb.coinbase.com, speaks Deribit's JSON-RPC, and the documentation says that order books are unified (international
# derivatives overview of 2026-07-21; coinbase-advanced-py on the date). Read beside Deribit, every position would count
# twice.
MOVED: Final = Lack(
    "market_data", "since 2026-10-01 its contracts are traded in Deribit's order books: read deribit instead"
)

STATEMENTS: Final = (
    Statement(topic="change", text="trading ended on 2026-10-01: orders were cancelled, positions settled and made "
                                   "anew on a platform powered by Deribit, with unified order books, JSON-RPC at "
                                   "drb.coinbase.com",
              as_of="2026-10-01", source="docs.cdp.coinbase.com coinbase-app/advanced-trade-apis/guides/derivatives/"
                                         "overview of 2026-07-21; coinbase-advanced-py for the date"),
)

VENUE: Final = VenueSpec(
    venue="coinbaseinternational",
    title="Coinbase International",
    client="coinbaseinternational",
    contracts=(
        Contract(
            settle="USDC", listings=listings("{}/USDC:USDC", *LINEAR_ONE),
            margin=ContractMargin(
                rule=MarginRule(basis="mark"), cross_rule=MarginRule(basis="mark"), ladder=steps.COINBASE,
                fees=Fees(0.02, 0.04), tables=(("BTC", BASE), ("ETH", BASE)),
            ),
        ),
    ),
    spellings=("coinbaseintx",),
    liquidations=Liquidations(completeness="none"),
    lacks=(MOVED, NOT_TRADED, NO_FORCED_ORDERS, NO_PRACTICE),
    funding_interval_h=1.0,
    tier_access="rule",
    statements=STATEMENTS,
    note="For tapes of before 2026-10-01, with the margin rule of that time.",
)
