"""Lighter: on-chain perpetuals settled in USDC; one margin fraction per market, positions are public."""

from typing import Final

from liqbot.margin.formulas import MarginRule, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import LiquidationSteps
from liqbot.venues.evidence import FeedEvidence
from liqbot.venues.examples import packaged
from liqbot.venues.lighter.responses import CAP_USD
from liqbot.venues.lighter.streams import WIRE
from liqbot.venues.market_states import MarketState
from liqbot.venues.spec import (
    LINEAR_ONE,
    NOT_TRADED,
    Contract,
    ContractMargin,
    Liquidations,
    PracticeAccess,
    RequestBudget,
    VenueSpec,
    listings,
)

_MARK: Final = MarginRule(basis="mark")
# docs.lighter.xyz/perpetual-futures/liquidations-and-insurance-fund (read 2026-11-30): below maintenance orders at the
# zero price until the account stands again; below the close-out fraction (.8 of 1.2 %) the fund takes everything over.
STEPS: Final = LiquidationSteps(
    kind="compliance", whole_up_to_tier=0, takers=("book", "vault", "counterparties"),
    vault_below_share_pct=200.0 / 3.0,
)
ETH: Final = tier_table(
    ((CAP_USD, 50, 1.2),), source="orderBookDetails of the ETH market", as_of="2026-05-05", checked_to_usd=CAP_USD,
)
BTC: Final = tier_table(
    ((CAP_USD, 50, 1.2),), source="maintenance taken from the ETH market; 2 % initial margin in recorded BTC trades",
    as_of="2026-04-20", checked_to_usd=0.0,
)

_ARCHIVE: Final = "raw messages in the tests of tardis-node (lighter)"
_ARCHIVE_SHA256: Final = "3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82"
_TRADE: Final = ("type", "market_id", "size", "price", "is_maker_ask", "timestamp")


def _recorded(feed: str, topic: str, *fields: str) -> FeedEvidence:
    return FeedEvidence(
        feed=feed, endpoint=f"ws {topic}", grade="recorded", source=_ARCHIVE,  # type: ignore[arg-type]
        as_of="2026-04-20", sha256=_ARCHIVE_SHA256, fields=fields,
    )


VENUE: Final = VenueSpec(
    venue="lighter",
    title="Lighter",
    client="lighter",
    contracts=(
        Contract(
            settle="USDC", listings=listings("{}/USDC:USDC", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="usd", open_interest_two_sided=False,
            margin=ContractMargin(
                rule=_MARK, cross_rule=_MARK, ladder=STEPS, fees=Fees(0.0, 0.0), tables=(("BTC", BTC), ("ETH", ETH)),
            ),
            note="Standard accounts trade without fees; a forced close costs up to 1 %.",
        ),
    ),
    spellings=("zklighter",),
    liquidations=Liquidations(
        source="websocket trade, beside the trades in liquidation_trades; the taker is liquidated",
        completeness="complete", side="order",
    ),
    wire=WIRE,
    evidence=(
        _recorded("trades", "trade/{market}", *_TRADE),
        _recorded("liquidation", "trade/{market}", *_TRADE),
        _recorded("mark", "market_stats/{market}", "market_id", "mark_price", "timestamp"),
        _recorded("index", "market_stats/{market}", "index_price"),
        _recorded("open_interest", "market_stats/{market}", "open_interest"),
        _recorded("funding", "market_stats/{market}", "current_funding_rate"),
        _recorded("position", "trade/{market}", "ask_account_id", "bid_account_id"),
        FeedEvidence(
            feed="position", endpoint="GET /api/v1/account?by=index", grade="documented", as_of="2026-12-01",
            source="apidocs.lighter.xyz account, as lighter-sdk 0.1.1 reads it (no auth); an example of 2026-07-02 in "
                   "nautilus_trader's tests",
            fields=("accounts", "positions.market_id", "positions.sign", "positions.position",
                    "positions.position_value", "positions.liquidation_price"),
        ),
    ),
    examples=packaged(__package__ or ""),
    states=(
        MarketState(field="status", open=("active",), source="ccxt 4.5.90, lighter", as_of="2026-12-01"),
    ),
    proof="loopback",
    lacks=(NOT_TRADED,),
    practice=(PracticeAccess(kind="testnet", switch="set_sandbox_mode"),),
    # 60 requests a minute from an address without an account of a higher tier.
    public_budget=RequestBudget(units=40, period_s=60.0),
    funding_interval_h=1.0,
    tier_access="public",
    one_ticker=True,
    note="Prints of deleveraging and of markets that close are off the order book: no bars, no forced orders. "
         "Positions of accounts that trade are read where the profile wants them (feeds.accounts), 20 a minute.",
)
