"""KuCoin: USDT perpetuals; isolated maintenance on the value at entry."""

from typing import Final

from liqbot.margin import steps
from liqbot.margin.formulas import MarginRule, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.venues.spec import (
    NO_FORCED_ORDERS,
    NO_PRACTICE,
    NOT_READ,
    NOT_TRADED,
    Contract,
    ContractMargin,
    Liquidations,
    VenueSpec,
    listings,
)

BTC_USDT: Final = tier_table(
    ((500_000, 125, 0.4), (1_000_000, 100, 0.5), (2_000_000, 75, 0.7), (10_000_000, 50, 1.0), (50_000_000, 20, 2.5),
     (100_000_000, 10, 5.0)),
    source="first three risk limits of the documentation's sample, the rest assumed", as_of="2024-10-17",
    progressive=False, checked_to_usd=2_000_000.0,
)

VENUE: Final = VenueSpec(
    venue="kucoin",
    title="KuCoin",
    client="kucoinfutures",
    contracts=(
        Contract(
            settle="USDT", listings=listings("{}/USDT:USDT", ("BTC", 0.001), ("ETH", 0.01)), trade_unit="contracts",
            open_interest_unit="contracts",
            margin=ContractMargin(
                rule=MarginRule(basis="entry"), cross_rule=MarginRule(basis="mark", fee_pct=0.06),
                ladder=steps.WHOLE, fees=Fees(0.02, 0.06), tables=(("BTC", BTC_USDT),),
            ),
        ),
    ),
    spellings=("kucoinfutures", "kumex"),
    symbols=(("{}USDTM", ""), ("{}USDCM", "usdc"), ("{}USDM", "coin")),
    liquidations=Liquidations(completeness="none"),
    lacks=(NOT_READ, NOT_TRADED, NO_FORCED_ORDERS, NO_PRACTICE),
    credentials=("api_key", "secret", "password"),
    tier_access="public",
    note="Sends leverage 1 with an order unless one is given.",
)
