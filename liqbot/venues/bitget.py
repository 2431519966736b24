"""Bitget: USDT perpetuals; each tier's rate on the whole position, closing fee reserved."""

from typing import Final

from liqbot.margin.formulas import MarginRule, TierTable, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import LiquidationSteps
from liqbot.venues.examples import PositionExample, VenueExamples
from liqbot.venues.spec import (
    LINEAR_ONE,
    NOT_READ,
    NOT_TRADED,
    Contract,
    ContractMargin,
    Liquidations,
    PracticeAccess,
    VenueSpec,
    listings,
)

STEPS: Final = LiquidationSteps(kind="tiers_down")

WITH_FEE: Final = MarginRule(basis="mark", fee_pct=0.06)


def _announced(*rows: tuple[float, float, float]) -> TierTable:
    return tier_table(rows, source="announcement of the venue's tier adjustment", as_of="2025-09-26", progressive=False,
                      checked_to_usd=1_200_000_000.0)


BTC_USDT: Final = _announced(
    (200_000, 150, 0.4), (1_000_000, 100, 0.5), (5_000_000, 75, 0.7), (15_000_000, 50, 1.0), (50_000_000, 25, 2.0),
    (100_000_000, 20, 3.0), (150_000_000, 10, 6.0), (300_000_000, 5, 12.0), (500_000_000, 4, 15.0),
    (700_000_000, 3, 20.0), (900_000_000, 2, 30.0), (1_200_000_000, 1, 60.0),
)
ETH_USDT: Final = _announced(
    (200_000, 150, 0.4), (1_000_000, 100, 0.5), (3_000_000, 75, 1.0), (12_000_000, 50, 1.5), (40_000_000, 25, 2.0),
    (70_000_000, 20, 3.0), (100_000_000, 10, 5.0), (150_000_000, 8, 7.0), (200_000_000, 7, 8.0), (250_000_000, 6, 9.0),
    (300_000_000, 5, 12.0), (400_000_000, 4, 15.0), (500_000_000, 3, 20.0), (800_000_000, 2, 30.0),
    (1_200_000_000, 1, 60.0),
)

SAMPLE: Final = PositionExample(
    venue_key="bitget", coin="BTC", long=True, entry_price=25_000.0, quantity_base=0.01, margin_usd=9.6695050093373343,
    liquidation_price=24_144.1124161806977798, tolerance_price=1e-8,
    source="sample position of the venue's documentation",
)
VENUE: Final = VenueSpec(
    venue="bitget",
    title="Bitget",
    client="bitget",
    contracts=(
        Contract(
            settle="USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base",
            margin=ContractMargin(
                rule=WITH_FEE, cross_rule=None, ladder=STEPS, fees=Fees(0.02, 0.06),
                tables=(("BTC", BTC_USDT), ("ETH", ETH_USDT)),
            ),
            note="The formula agrees with the documentation's sample position to its last digit.",
        ),
        Contract(contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}"),
                 note="The unified `cost` of trades is wrong here."),
    ),
    symbols=(("{}USDT_UMCBL", ""), ("{}USD_DMCBL", "coin"), ("{}PERP_CMCBL", "usdc")),
    liquidations=Liquidations(source="raw websocket topic, not in the client", completeness="sampled"),
    lacks=(NOT_READ, NOT_TRADED),
    examples=lambda: VenueExamples(positions=(SAMPLE,)),
    practice=(PracticeAccess(kind="demo", switch="set_sandbox_mode", note="by the header PAPTRADING"),),
    credentials=("api_key", "secret", "password"),
    tier_access="public",
    one_ticker=True,
)
