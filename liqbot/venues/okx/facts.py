"""OKX: USDT-margined and coin-margined swaps; tiers by contracts, each rate on the whole position."""

from typing import Final

from liqbot.margin.formulas import MarginRule, TierTable, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import LiquidationSteps
from liqbot.margin.tiers import evenly_stepped
from liqbot.venues.entry_stops import AttachedStop, EntryProtection
from liqbot.venues.evidence import FeedEvidence, FeedName, graded
from liqbot.venues.examples import packaged
from liqbot.venues.market_states import MarketState, VenueStatus
from liqbot.venues.okx.marks import OkxMarks
from liqbot.venues.okx.orders import OkxAdapter
from liqbot.venues.okx.responses import STATUS_METHOD, closed
from liqbot.venues.okx.streams import WIRE
from liqbot.venues.spec import (
    ClientIdRule,
    Contract,
    ContractMargin,
    Liquidations,
    PracticeAccess,
    RefusalShape,
    RequestBudget,
    RequestExpiry,
    VenueSpec,
    listings,
)
from liqbot.venues.statements import stated

STEPS: Final = LiquidationSteps(kind="tiers_down", whole_up_to_tier=2, tiers_per_step=2)

WITH_FEE: Final = MarginRule(basis="mark", fee_pct=0.05)
_DATE: Final = "2026-09-18"
_FURTHER: Final = "; further tiers by the venue's rule (each adds the third tier's size and .5 %)"


def _swaps(first: float, second: float, third: float, *, source: str, checked_to_usd: float,
           coin_price_usd: float | None) -> TierTable:
    rows = evenly_stepped(
        ((first, 100, 0.4), (second, 66.66, 0.5), (third, 50, 0.75)), step=third, count=18, maintenance_pct_step=0.5,
        initial_pct=2.0, initial_pct_step=0.5,
    )
    return tier_table(rows, source=source + _FURTHER, as_of=_DATE, progressive=False, checked_to_usd=checked_to_usd,
                      coin_price_usd=coin_price_usd)


# In coin: the contracts of the table times .01 BTC or .1 ETH.
BTC_USDT: Final = _swaps(10, 50, 200, source="first three tiers as returned by the venue", checked_to_usd=20_000_000.0,
                         coin_price_usd=100_000.0)
ETH_USDT: Final = _swaps(500, 2_500, 10_000, source="first tier as returned by the venue, next two like BTC's",
                         checked_to_usd=2_000_000.0, coin_price_usd=4_000.0)
# Contracts of 100 USD and 10 USD: borders in USD.
BTC_COIN: Final = _swaps(200_000, 500_000, 2_000_000, source="first three tiers as returned by the venue",
                         checked_to_usd=2_000_000.0, coin_price_usd=None)
ETH_COIN: Final = _swaps(200_000, 500_000, 2_000_000, source="taken from the BTC contract, not recorded",
                         checked_to_usd=0.0, coin_price_usd=None)


def _margin(btc: TierTable, eth: TierTable) -> ContractMargin:
    return ContractMargin(
        rule=WITH_FEE, cross_rule=WITH_FEE, ladder=STEPS, fees=Fees(0.02, 0.05),
        tables=(("BTC", btc), ("ETH", eth)),
    )


_TARDIS: Final = "tardis_raw_messages.jsonl"
_SHA256: Final = "3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82"


def _recorded(feed: FeedName, channel: str, what: str, as_of: str, *fields: str) -> FeedEvidence:
    return FeedEvidence(
        feed=feed, endpoint=f"ws v5/public {channel}", grade="recorded", source=f"{_TARDIS} {what}", as_of=as_of,
        sha256=_SHA256, fields=fields,
    )


EVIDENCE: Final = (
    _recorded("trades", "trades", "okex-swap BTC-USDT-SWAP", "2021-12-22", "instId", "px", "sz", "side", "ts"),
    _recorded("mark", "mark-price", "okex-swap WNCG-USDT-SWAP", "2021-12-22", "instId", "markPx", "ts"),
    _recorded("funding", "funding-rate", "okex-futures BTC-USD_UM_XPERP-310404", "2026-08-04", "instId", "fundingRate",
              "fundingTime", "nextFundingTime", "ts"),
    _recorded("liquidation", "liquidation-orders", "okex-futures XRP-USD-230929", "2023-03-30", "instId",
              "details.side", "details.posSide", "details.sz", "details.bkPx", "details.ts"),
    *graded(
        "documented", "www.okx.com/docs-v5/en/#public-data-rest-api", "2026-06-15",
        ("open_interest", "GET /api/v5/public/open-interest", ("instId", "oi", "oiUsd", "ts")),
        ("index", "GET /api/v5/market/index-tickers", ("instId", "idxPx", "ts")),
    ),
)
"""How the shape of OKX's market data is known: recordings of its v5 channels, and its documentation of requests."""

STATEMENTS: Final = (
    *stated(
        "OKX help, early liquidation mechanism, looked up", "2026-11-30",
        ("insurance_fund", "one; a fall by 30 % of its peak within 8 hours triggers deleveraging as well"),
        ("deleveraging", "counterparties of the highest rank, at the mark price, instead of orders in the market"),
    ),
    *stated(
        "amorrr.com/14966.html, a copy of OKX's forced partial liquidation rules, looked up", "2026-11-30",
        ("liquidation", "whole in tiers 1 and 2; from tier 3 on by two tiers at a time"),
    ),
)

VENUE: Final = VenueSpec(
    venue="okx",
    title="OKX swap",
    client="okx",
    contracts=(
        Contract(
            settle="USDT", market_id="{}-USDT-SWAP",
            listings=listings("{}/USDT:USDT", ("BTC", 0.01), ("ETH", 0.1)), trade_unit="contracts",
            open_interest_unit="contracts", margin=_margin(BTC_USDT, ETH_USDT),
            note="The USD value of open interest is right; one call returns all instruments.",
        ),
        Contract(
            contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}", ("BTC", 100.0), ("ETH", 10.0)),
            trade_unit="contracts", open_interest_unit="contracts", margin=_margin(BTC_COIN, ETH_COIN),
        ),
    ),
    spellings=("okex", "okex5"),
    liquidations=Liquidations(
        source="websocket liquidation-orders, all swaps in one stream, at most one a second and contract",
        completeness="sampled", side="order",
    ),
    wire=WIRE,
    trading=OkxAdapter(),
    marks=OkxMarks(),
    evidence=EVIDENCE,
    statements=STATEMENTS,
    examples=packaged(__package__ or ""),
    states=(
        MarketState(
            field="state", open=("live",),
            words=(("suspend", "trading is suspended"), ("preopen", "not opened yet"), ("test", "a test pair")),
            source="okx.com/docs-v5 public data, instruments: state, as quoted by OKX.Net", as_of="2026-12-01",
        ),
    ),
    status=VenueStatus(
        method=STATUS_METHOD, endpoint="GET /api/v5/system/status", read=closed,
        source="okx.com/docs-v5 status, as quoted by rust-okx 0.6.4: state, serviceType, env", as_of="2026-12-01",
    ),
    proof="loopback",
    market_types=("swap",),
    public_budget=RequestBudget(units=10),
    refusal=RefusalShape(code=("data.0.sCode", "code"), reason=("data.0.sMsg", "msg")),
    practice=(PracticeAccess(kind="demo", switch="set_sandbox_mode", note="by the header x-simulated-trading"),),
    credentials=("api_key", "secret", "password"),
    # no position in this direction to reduce (of orders; of stops it is not documented)
    flat_stop_refusals=("51169", "51205"),
    client_id=ClientIdRule(length_max=32, pattern=r"[A-Za-z0-9]+", note="letters and digits only"),
    protection=EntryProtection(
        attached=AttachedStop(scope="order", own_id=True, covers_partial_fills=False, outlives_position=True),
        naked="nothing once the entry has ended; what fills before it ends waits for that, so entries never rest",
        source="v5 place order (attachAlgoOrds) of 2026-06-27; announcement on partly filled parents, in force since "
               "2026-07-01",
        lost_stop_ms=31_000,
    ),
    expiry=RequestExpiry(
        name="expTime", place="header",
        paths=("trade/order", "trade/batch-orders", "trade/amend-order", "trade/amend-batch-orders"),
        source="v5 overview, transaction timeouts, of 2026-06-27",
    ),
    funding_interval_h=8.0,
    tier_access="public",
    one_ticker=False,
    # It cancels or shrinks the less favourable ones instead (okx.com/help, position-closing feature, 19 June 2023, of
    # hedge mode).
    reduce_only_counts_open_orders=False,
    note="Forced orders carry the bankruptcy price. Mark and funding by their own streams, open interest by REST.",
)
