"""Deribit: inverse perpetuals (the large book) and linear USDC ones; the rate grows steadily with the size in coin."""

from typing import Final

from liqbot.margin.formulas import MarginRule, TierTable, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import LiquidationSteps
from liqbot.venues.deribit.responses import STATUS_METHOD, closed
from liqbot.venues.deribit.streams import WIRE
from liqbot.venues.evidence import FeedEvidence, FeedName
from liqbot.venues.examples import packaged
from liqbot.venues.market_states import MarketState, VenueStatus
from liqbot.venues.spec import (
    NOT_TRADED,
    Contract,
    ContractMargin,
    Liquidations,
    PracticeAccess,
    RequestBudget,
    VenueSpec,
    listings,
)
from liqbot.venues.statements import Statement

# The venue publishes that its steps are small, not how small: a twentieth is an assumption.
STEPS: Final = LiquidationSteps(kind="small_steps", first_share_pct=5.0)

ON_MARK: Final = MarginRule(basis="mark")
_KNOTS: Final = (1.0, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0, 25.0, 37.5, 50.0, 75.0, 100.0, 150.0, 200.0, 275.0, 350.0, 500.0,
                 750.0, 1_000.0)


def growing(maintenance_pct: float, initial_pct: float, growth_pct: float, unit: float, coin_price_usd: float
            ) -> TierTable:
    """A requirement of (rate + growth x size) x size as straight pieces between sizes.

    Exact at `_KNOTS` x `unit`, a little too high between them (at most 1.3 bp of notional up to 25 units).
    Leverage of a piece is that of its lower end, so that the venue's highest leverage exists.
    """
    rows, below = [], 0.0
    for knot in (knot * unit for knot in _KNOTS):
        marginal_pct = maintenance_pct + growth_pct * (below + knot)
        rows.append((knot, 100.0 / (initial_pct + growth_pct * below), marginal_pct))
        below = knot
    return tier_table(tuple(rows), source="margin rule of the venue's perpetuals", as_of="2022-01-11",
                      checked_to_usd=1_000.0 * unit * coin_price_usd, coin_price_usd=coin_price_usd)


BTC: Final = growing(1.0, 2.0, 0.005, 1.0, 100_000.0)
ETH: Final = growing(1.0, 2.0, 0.0004, 10.0, 4_000.0)
_MARGIN: Final = ContractMargin(
    rule=ON_MARK, cross_rule=None, ladder=STEPS, fees=Fees(0.0, 0.05, 0.75),
    tables=(("BTC", BTC), ("ETH", ETH)),
)

_SAMPLES: Final = "wire/nautilus_test_data.tgz, deribit/test_data"
_SAMPLES_SHA256: Final = "ee56692e1c7ab202eaa508657c3a21d5de28e1cb155db802b0b9682ef6fce18b"


def _ticker(feed: FeedName, field: str) -> FeedEvidence:
    return FeedEvidence(
        feed=feed, endpoint="ws /ws/api/v2 ticker.(instrument_name).100ms", grade="recorded", as_of="2025-12-12",
        source=f"{_SAMPLES}/ws_ticker.json", sha256=_SAMPLES_SHA256, fields=("instrument_name", "timestamp", field),
    )


_TRADES: Final = "ws /ws/api/v2 trades.(instrument_name).100ms"
EVIDENCE: Final = (
    FeedEvidence(
        feed="trades", endpoint=_TRADES, grade="recorded", source=f"{_SAMPLES}/ws_trades.json", as_of="2025-12-12",
        sha256=_SAMPLES_SHA256, fields=("instrument_name", "timestamp", "direction", "price", "amount"),
    ),
    # Two forced orders of 2020 are in the recordings, and are read right: too few and too old for more than this.
    FeedEvidence(
        feed="liquidation", endpoint=_TRADES, grade="documented", as_of="2026-11-30",
        source="docs.deribit.com subscriptions/trades/tradesinstrument_nameinterval",
        fields=("liquidation", "direction"),
    ),
    _ticker("mark", "mark_price"), _ticker("index", "index_price"), _ticker("open_interest", "open_interest"),
    _ticker("funding", "current_funding"),
)
STATEMENTS: Final = (
    Statement(topic="leverage_cap", text="50x", as_of="2026-07-21",
              source="docs.cdp.coinbase.com coinbase-app/advanced-trade-apis/guides/derivatives/overview"),
    Statement(topic="fees", text="BTC-PERPETUAL: maker 0 %, taker 0.05 %; forced orders up to 0.75 %",
              as_of="2022-03-31", source="get_instruments of that day as ccxt 4.5.90 quotes it"),
    Statement(topic="test_access", text="a testnet of its own at test.deribit.com", as_of="2026-11-30",
              source="docs.deribit.com subscriptions/trades/tradesinstrument_nameinterval (servers)"),
    Statement(topic="change", text="Coinbase's international derivatives moved into its order books; announced for "
                                   "2026-09-09, carried out on 2026-10-01",
              as_of="2026-10-01", source="docs.cdp.coinbase.com coinbase-app/advanced-trade-apis/guides/derivatives/"
                                         "overview of 2026-07-21; coinbase-advanced-py for the date"),
)

VENUE: Final = VenueSpec(
    venue="deribit",
    title="Deribit",
    client="deribit",
    contracts=(
        Contract(
            settle="USDC", listings=listings("{}/USDC:USDC", ("BTC", 0.001)), trade_unit="base",
            open_interest_unit="base", margin=_MARGIN,
            note="The client puts the coins of open interest into its USD field. Margin is by account equity: "
                 "the price is that of an account with this position alone.",
        ),
        Contract(
            contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}", ("BTC", 10.0)),
            trade_unit="usd", open_interest_unit="usd", margin=_MARGIN,
        ),
    ),
    symbols=(("{}-PERPETUAL", "coin"),),
    liquidations=Liquidations(
        source="websocket trades with a liquidation flag: T the taker, M the maker, MT both", completeness="complete",
        side="order",
    ),
    wire=WIRE,
    evidence=EVIDENCE,
    statements=STATEMENTS,
    examples=packaged(__package__ or ""),
    states=(
        MarketState(
            field="is_active", open=("true",), source="docs.deribit.com public/get_instruments: is_active",
            as_of="2026-11-30",
        ),
    ),
    status=VenueStatus(
        method=STATUS_METHOD, endpoint="GET /public/status", read=closed,
        source="docs.deribit.com api-reference/supporting/public-status: locked, locked_indices", as_of="2026-12-01",
    ),
    proof="loopback",
    # With thousands of options among them reading the list takes near half a second. `kind`:
    # docs.deribit.com/api-reference/market-data/public-get_instruments, looked up 2026-11-30.
    listing_params=(("kind", "future"),),
    # Twenty requests a second are sustained; the list of instruments costs more.
    public_budget=RequestBudget(units=8),
    lacks=(NOT_TRADED,),
    practice=(PracticeAccess(kind="testnet", switch="set_sandbox_mode"),),
    tier_access="rule",
    one_ticker=True,
    note="Client order ids are sent as label. A stop by triggerPrice becomes a plain market order. Since 2026-10-01 "
         "Coinbase's international contracts are traded in its order books.",
)
