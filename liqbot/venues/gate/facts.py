"""Gate: USDT perpetuals and an inverse BTC one."""

from typing import Final

from liqbot.margin import steps
from liqbot.margin.formulas import MarginRule, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.venues.entry_stops import EntryProtection
from liqbot.venues.evidence import FeedEvidence, FeedName
from liqbot.venues.examples import packaged
from liqbot.venues.gate.streams import WIRE
from liqbot.venues.market_states import MarketState
from liqbot.venues.spec import (
    NOT_TRADED,
    ClientIdRule,
    Contract,
    ContractMargin,
    Liquidations,
    PracticeAccess,
    RequestBudget,
    RequestExpiry,
    VenueSpec,
    listings,
)
from liqbot.venues.statements import stated

WITH_FEE: Final = MarginRule(basis="mark", fee_pct=0.06)
BTC_USDT: Final = tier_table(
    ((500_000, 200, 0.3), (1_000_000, 150, 0.35), (1_500_000, 125, 0.4), (2_000_000, 110, 0.45), (3_000_000, 100, 0.5),
     (10_000_000, 50, 1.0), (50_000_000, 20, 2.5), (100_000_000, 10, 5.0), (200_000_000, 5, 10.0)),
    source="first five tiers as returned by the venue, the rest assumed", as_of="2026-09-25",
    checked_to_usd=3_000_000.0,
)

_PAGE: Final = "https://www.gate.com/docs/developers/futures/ws/en/"
"""As archived on 12 March 2025 and later, see the endpoint."""
_TICKER: Final = ("time_ms", "contract", "mark_price", "index_price", "funding_rate", "total_size")


def _documented(feed: FeedName, channel: str, as_of: str, *fields: str) -> FeedEvidence:
    return FeedEvidence(
        feed=feed, endpoint=f"ws v4 {channel}", grade="documented", source=_PAGE, as_of=as_of, fields=fields
    )


EVIDENCE: Final = (
    FeedEvidence(
        feed="trades", endpoint="ws v4 futures.trades", grade="recorded",
        source="tardis_raw_messages.jsonl, gate-io-futures: ETH_USDT with sizes as decimal strings", as_of="2026-03-25",
        sha256="3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82",
    ),
    _documented("mark", "futures.tickers", "2025-03-12", *_TICKER),
    _documented("index", "futures.tickers", "2025-03-12", *_TICKER),
    _documented("funding", "futures.tickers", "2025-03-12", *_TICKER),
    _documented("open_interest", "futures.tickers", "2025-03-12", *_TICKER),
    _documented("liquidation", "futures.public_liquidates", "2026-10-08", "contract", "size", "price", "time_ms"),
)

STATEMENTS: Final = (
    *stated(
        "gate.tv help, futures 22159, 22081 and 22082, looked up", "2026-11-30",
        ("trigger", "mark price"),
        ("insurance_fund", "takes over what the market does not fill at the bankruptcy price"),
    ),
    *stated(
        "Gate blog 17786, tiered liquidation", "2026-02-05",
        ("liquidation", "in tiers, step by step; calculated here as closing whole"),
    ),
    *stated(
        "Gate announcement 28762", "2022-11-21",
        ("deleveraging", "by unrealised profit times leverage, when the insurance fund does not suffice"),
    ),
)

VENUE: Final = VenueSpec(
    venue="gate",
    title="Gate",
    client="gate",
    contracts=(
        Contract(
            settle="USDT", listings=listings("{}/USDT:USDT", ("BTC", 0.0001)), trade_unit="contracts",
            open_interest_unit="contracts", open_interest_two_sided=False,
            margin=ContractMargin(
                rule=WITH_FEE, cross_rule=None, ladder=steps.WHOLE, fees=Fees(0.02, 0.06), tables=(("BTC", BTC_USDT),)
            ),
            note="Open interest of the ticker in contracts; of its history the venue's value in USD, taken for one "
                 "side: others found it to count both (liquidvision.app, 2026-09-30).",
        ),
        Contract(
            contract="coin", settle="coin", inverse=True,
            listings=listings("{}/USD:{}", ("BTC", 1.0), coins=("BTC",)), trade_unit="contracts",
            open_interest_unit="contracts", open_interest_two_sided=False,
        ),
    ),
    spellings=("gateio",),
    liquidations=Liquidations(
        source="websocket futures.public_liquidates, at most one a second and contract", completeness="sampled",
        side="position",
    ),
    lacks=(NOT_TRADED,),
    wire=WIRE,
    evidence=EVIDENCE,
    statements=STATEMENTS,
    examples=packaged(__package__ or ""),
    states=(
        MarketState(field="status", open=("trading",), source="ccxt 4.5.90, gate", as_of="2026-12-01"),
    ),
    proof="loopback",
    market_types=("swap",),
    # 200 requests in 10 s for each endpoint and address (v4 API, rate limits of perpetual futures).
    public_budget=RequestBudget(units=10),
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
    note="That the side of forced orders is the position's is read from the documented example, whose short has a "
         "negative size; the venue does not say it in words.",
)
