"""Gate: USDT perpetuals and an inverse BTC one."""

from typing import Final

from liqbot.margin import steps
from liqbot.margin.formulas import MarginRule, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.venues.entry_stops import EntryProtection
from liqbot.venues.spec import (
    NOT_READ,
    NOT_TRADED,
    ClientIdRule,
    Contract,
    ContractMargin,
    Liquidations,
    PracticeAccess,
    RequestExpiry,
    VenueSpec,
    listings,
)

WITH_FEE: Final = MarginRule(basis="mark", fee_pct=0.06)
BTC_USDT: Final = tier_table(
    ((500_000, 200, 0.3), (1_000_000, 150, 0.35), (1_500_000, 125, 0.4), (2_000_000, 110, 0.45), (3_000_000, 100, 0.5),
     (10_000_000, 50, 1.0), (50_000_000, 20, 2.5), (100_000_000, 10, 5.0), (200_000_000, 5, 10.0)),
    source="first five tiers as returned by the venue, the rest assumed", as_of="2026-09-25",
    checked_to_usd=3_000_000.0,
)

VENUE: Final = VenueSpec(
    venue="gate",
    title="Gate",
    client="gate",
    contracts=(
        Contract(
            settle="USDT", listings=listings("{}/USDT:USDT", ("BTC", 0.0001)), trade_unit="contracts",
            open_interest_unit="usd",
            margin=ContractMargin(
                rule=WITH_FEE, cross_rule=None, ladder=steps.WHOLE, fees=Fees(0.02, 0.06), tables=(("BTC", BTC_USDT),)
            ),
            note="Open interest only as history, its USD value is right.",
        ),
        Contract(
            contract="coin", settle="coin", inverse=True,
            listings=listings("{}/USD:{}", ("BTC", 1.0), coins=("BTC",)), trade_unit="contracts",
        ),
    ),
    spellings=("gateio",),
    liquidations=Liquidations(source="REST liq_orders (`from` in seconds)", side="position"),
    lacks=(NOT_READ, NOT_TRADED),
    practice=(PracticeAccess(kind="testnet", switch="set_sandbox_mode"),),
    client_id=ClientIdRule(length_max=30, pattern=r"t-[A-Za-z0-9._-]+", note="t- and 28 characters"),
    protection=EntryProtection(
        attached=None,
        naked="from the fill until the stop sent after it rests; its tpsl_sl_trigger_price is not used yet, what it "
              "triggers on is not documented",
        source="futures order of 2026-06-02",
    ),
    expiry=RequestExpiry(
        name="x-gate-exptime", place="header", paths=(), source="futures order, batch and amend of 2026-06-02"
    ),
    tier_access="public",
    one_ticker=True,
    note="That the side of forced orders is the position's is not confirmed.",
)
