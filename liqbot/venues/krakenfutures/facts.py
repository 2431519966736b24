"""Kraken Futures: multi-collateral linear perpetuals (PF) and single-collateral inverse ones (PI)."""

from typing import Final

from liqbot.margin.formulas import MarginRule, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import LiquidationSteps
from liqbot.venues.entry_stops import EntryProtection
from liqbot.venues.evidence import FeedEvidence, FeedName
from liqbot.venues.examples import packaged
from liqbot.venues.krakenfutures.streams import WIRE
from liqbot.venues.market_states import EndpointEnd, MarketState
from liqbot.venues.spec import (
    NOT_TRADED,
    ClientIdRule,
    Contract,
    ContractMargin,
    Lack,
    Liquidations,
    RequestBudget,
    RequestExpiry,
    VenueSpec,
    listings,
)
from liqbot.venues.statements import Statement, stated

STEPS: Final = LiquidationSteps(kind="compliance", whole_up_to_tier=0, takers=("book", "assignees", "counterparties"))

ON_MARK: Final = MarginRule(basis="mark")

# Levels are taken as marginal: each rate on the part of the position inside its level. The levels are the venue's; that
# they are marginal is an assumption, so only the first one counts as checked.
CLASS_A: Final = tier_table(
    ((1_000_000, 50, 1.0), (2_000_000, 25, 2.0), (5_000_000, 20, 2.5), (10_000_000, 10, 5.0), (20_000_000, 5, 10.0),
     (60_000_000, 3.33, 15.0), (200_000_000, 2, 25.0)),
    source="margin schedule of multi-collateral derivatives, class A", as_of="undated", checked_to_usd=1_000_000.0,
)
BTC_COIN: Final = tier_table(
    ((500_000, 50, 1.0), (1_000_000, 25, 2.0), (3_000_000, 16.66, 3.0), (6_000_000, 10, 5.0), (12_000_000, 6.66, 7.5),
     (20_000_000, 4, 12.5), (50_000_000, 3.33, 15.0), (75_000_000, 2.5, 20.0)),
    source="margin levels of PI_XBTUSD as recorded from the instruments call", as_of="2021-07-22",
    checked_to_usd=500_000.0,
)
ETH_COIN: Final = tier_table(
    ((250_000, 50, 1.0), (500_000, 25, 2.0), (2_000_000, 16.66, 3.0), (5_000_000, 10, 5.0), (8_000_000, 6.66, 7.5),
     (15_000_000, 4, 12.5), (30_000_000, 3.33, 15.0), (45_000_000, 2.5, 20.0)),
    source="margin levels of PI_ETHUSD as recorded from the instruments call", as_of="2021-07-22",
    checked_to_usd=250_000.0,
)

_TARDIS: Final = "wire/tardis_raw_messages.jsonl"
_TARDIS_SHA256: Final = "3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82"
_CRYPTOFEED: Final = "wire/cryptofeed_sample_data.tgz, KRAKEN_FUTURES.ws.1.0"
_CRYPTOFEED_SHA256: Final = "67ca047b198aace47b4b5a56d8ce708a0de70cb27542ccc8b191a79769cdb687"


def _ticker(feed: FeedName, *fields: str) -> FeedEvidence:
    return FeedEvidence(feed=feed, endpoint="ws /ws/v1 ticker", grade="recorded", source=_TARDIS, as_of="2023-05-03",
                        sha256=_TARDIS_SHA256, fields=("product_id", "time", *fields))


EVIDENCE: Final = (
    FeedEvidence(feed="trades", endpoint="ws /ws/v1 trade", grade="recorded", source=_CRYPTOFEED, as_of="2021-07-22",
                 sha256=_CRYPTOFEED_SHA256, fields=("product_id", "side", "type", "time", "qty", "price")),
    # Two forced orders of 2020 are in the recordings, and are read right: too few and too old for more than this.
    FeedEvidence(feed="liquidation", endpoint="ws /ws/v1 trade", grade="documented",
                 source="docs.kraken.com api/docs/futures-api/websocket/trade", as_of="2026-11-30",
                 fields=("product_id", "side", "type", "time", "qty", "price")),
    _ticker("mark", "markPrice"), _ticker("index", "index"), _ticker("open_interest", "openInterest"),
    _ticker("funding", "relative_funding_rate", "next_funding_rate_time"),
)
_DOCS: Final = "docs.kraken.com exchange/"
STATEMENTS: Final = (
    Statement(topic="leverage_cap", text="50x at the smallest size (initial margin 2 %)", as_of="2023-02-14",
              source="ticker of PI_XBTUSD, wire/nautilus_test_data.tgz, kraken/test_data/ws_futures_ticker.json"),
    Statement(topic="fees", text="maker 0.02 %, taker 0.05 % at the lowest volume", as_of="2026-11-30",
              source="ccxt 4.5.90, krakenfutures"),
    Statement(topic="test_access", text="none: the demo environment was retired on 2026-07-14, its address redirects",
              as_of="2026-10-16", source="release notes of sieblyio/kraken-api v1.1.7"),
    # The funding features count it among US venues, as required (`us_regulated`): Kraken is one, this
    # venue of Kraken's is not.
    Statement(topic="regulation", text="not for customers who live in the United States; counted among US-regulated "
                                       "venues in funding features for Kraken's sake", as_of="2026-11-30",
              source="support.kraken.com article 360023786632, eligibility"),
    Statement(topic="change", text="REST v3 and websocket v1 end on 2027-03-01", as_of="2026-11-30",
              source=f"{_DOCS}api-reference/futures-rest"),
    Statement(topic="change", text="the unified websocket (uws.kraken.com/v2) takes their place; derivatives alone "
                                   "until spot joins in early 2027, no key for public channels",
              as_of="2026-11-30", source=f"{_DOCS}api-reference/unified-websocket"),
    Statement(topic="change", text="enums may say `unknown` where a value cannot be decoded", as_of="2026-05-18",
              source=f"{_DOCS}changelog"),
    Statement(topic="change", text="fee schedules of the futures interface no longer tell what is charged",
              as_of="2026-06-22", source=f"{_DOCS}changelog"),
    *stated(
        "support.kraken.com 360022835671, equity protection process", "2026-03-17",
        ("trigger", "mark price"),
        ("liquidation", "immediate-or-cancel, then assignment, then unwinding; partial since 2026-03-26"),
        ("deleveraging", "unwinding of opposite positions, when a position can neither be closed nor assigned"),
    ),
    *stated(
        "Kraken blog, liquidity pool for futures, looked up", "2026-11-30",
        ("insurance_fund", "a pool fed by liquidation fees, before positions are unwound"),
    ),
)

VENUE: Final = VenueSpec(
    venue="krakenfutures",
    title="Kraken Futures",
    client="krakenfutures",
    contracts=(
        Contract(
            settle="USD", listings=listings("{}/USD:USD", ("BTC", 1.0), ("ETH", 1.0)), trade_unit="base",
            open_interest_unit="base",
            margin=ContractMargin(
                rule=ON_MARK, cross_rule=None, ladder=STEPS, fees=Fees(0.02, 0.05),
                tables=(("BTC", CLASS_A), ("ETH", CLASS_A)),
            ),
            note="Cross margin is a portfolio of collateral: no per-position price.",
        ),
        Contract(
            contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}", ("BTC", 1.0), ("ETH", 1.0)),
            trade_unit="usd", open_interest_unit="usd",
            margin=ContractMargin(
                rule=ON_MARK, cross_rule=ON_MARK, ladder=STEPS, fees=Fees(0.02, 0.05),
                tables=(("BTC", BTC_COIN), ("ETH", ETH_COIN)),
            ),
        ),
    ),
    spellings=("kraken", "cryptofacilities"),
    symbols=(("PF_{}USD", ""), ("PI_{}USD", "coin")),
    # Positions that the order book cannot take go to others (assignment, unwinding): of these the stream tells at most
    # a trade of another type, which says nothing of the side.
    liquidations=Liquidations(
        source="websocket trade with type liquidation (v1)", completeness="complete", side="order"
    ),
    wire=WIRE,
    evidence=EVIDENCE,
    statements=STATEMENTS,
    examples=packaged(__package__ or ""),
    states=(
        MarketState(
            field="tradeable", open=("true",), words=(("false", "closed to orders"),),
            source="docs.kraken.com api-reference/instrument-details/get-instruments", as_of="2026-12-01",
        ),
        MarketState(
            field="postOnly", open=("false",), words=(("true", "only resting orders are taken"),),
            source="docs.kraken.com api-reference/instrument-details/get-instruments", as_of="2026-12-01",
        ),
    ),
    ends=(
        EndpointEnd(
            what="what is read of it (REST v3 and websocket v1)", on="2027-03-01",
            successor="the unified websocket that follows is not read yet", as_of="2026-12-01",
            source=f"{_DOCS}api-reference/futures-rest and futures-websocket",
        ),
    ),
    proof="loopback",
    # 500 cost units in 10 s for an account; of public requests no limit is documented.
    public_budget=RequestBudget(units=10),
    # sieblyio/kraken-api v1.1.7 of 2026-10-16: retired on 2026-07-14 without a replacement; its host redirects.
    lacks=(NOT_TRADED, Lack("test_access", "its demo environment ended on 2026-07-14"),),
    client_id=ClientIdRule(length_max=18),
    protection=EntryProtection(
        attached=None,
        naked="from the fill until the stop sent after it rests",
        source="send order and batch order of 2026-06-27: no field of an order brings a stop along",
    ),
    expiry=RequestExpiry(name="processBefore", place="body", paths=(), source="send order of 2026-06-27"),
    funding_interval_h=1.0,
    tier_access="public",
    one_ticker=True,
    note="Open interest comes with the tickers. Partial liquidation since March 2026. REST v3 and websocket v1, "
         "which are read here, end on 2027-03-01. The unified websocket follows (wss://uws.kraken.com/v2/public, no "
         "key, channels trade, ticker and instrument with asset_class derivatives); of its pages (docs.kraken.com "
         "exchange/api-reference/unified-ws, looked up 2026-12-01) the requests could be read, the fields of what it "
         "sends of derivatives could not, nor does the venue's own client that speaks it (kraken-api-sdk v0.2.0 of "
         "2026-11-13) lie open where it was looked for: it is not read yet.",
    us_regulated=True,
)
