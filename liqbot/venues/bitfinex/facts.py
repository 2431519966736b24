"""Bitfinex: USDT perpetuals; margin rule not recorded."""

from typing import Final

from liqbot.venues.bitfinex.streams import WIRE
from liqbot.venues.evidence import graded
from liqbot.venues.examples import packaged
from liqbot.venues.spec import (
    LINEAR_ONE,
    NO_PRACTICE,
    NOT_TRADED,
    Contract,
    Liquidations,
    RequestBudget,
    VenueSpec,
    listings,
)
from liqbot.venues.statements import Statement

_REFERENCE: Final = "docs.bitfinex.com/reference"
_AS_OF: Final = "2024-01-27"
"""The newest time in answers that the unified client's source shows; the pages bear no date."""
_STATUS: Final = "ws status deriv:{symbol} (wss://api-pub.bitfinex.com/ws/2)"

EVIDENCE: Final = (
    *graded(
        "documented", f"{_REFERENCE}/ws-public-trades", _AS_OF,
        ("trades", "ws trades (wss://api-pub.bitfinex.com/ws/2)", ("[CHANNEL_ID, te, [ID, MTS, AMOUNT, PRICE]]",)),
    ),
    *graded(
        "documented", f"{_REFERENCE}/ws-public-status", _AS_OF,
        ("mark", _STATUS, ("TIME_MS", "MARK_PRICE")),
        ("funding", _STATUS, ("TIME_MS", "CURRENT_FUNDING")),
        ("open_interest", _STATUS, ("TIME_MS", "OPEN_INTEREST")),
        ("liquidation", "ws status liq:global",
         ("POS_ID", "TIME_MS", "SYMBOL", "AMOUNT", "IS_MATCH", "LIQUIDATION_PRICE")),
    ),
)

_STATEMENTS: Final = (
    Statement(
        topic="leverage_cap", as_of="2026-11-30",
        source="support.bitfinex.com/hc/en-us/articles/360035475374",
        text="100x, depending on the pair: at least 1 % of the value, allocated to each position alone.",
    ),
    Statement(
        topic="trigger", as_of="2020-07-29",
        source="bitfinex.com/legal/derivative/product",
        text="The mark price, which follows an index of its own spot market and up to three others.",
    ),
)

VENUE: Final = VenueSpec(
    venue="bitfinex",
    title="Bitfinex",
    client="bitfinex",
    contracts=(
        Contract(
            settle="USDT", market_id="t{}F0:USTF0", listings=listings("{}/USDT:USDT", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base",
        ),
    ),
    spellings=("bitfinex2",),
    symbols=(("t{}F0:USTF0", ""),),
    # What it sent of one on 28 January 2024: first the position without a price, then one or more executions with the
    # price that it was taken over at (github.com/ccxt/ccxt/pull/20989).
    liquidations=Liquidations(source="websocket status liq:global, without a key", side="position"),
    lacks=(NOT_TRADED, NO_PRACTICE),
    wire=WIRE,
    evidence=EVIDENCE,
    statements=_STATEMENTS,
    examples=packaged(__package__ or ""),
    proof="loopback",
    # Of the status it allows an address 90 requests a minute, of candles 30.
    public_budget=RequestBudget(units=10, period_s=10.0),
    note="The index is not published. The past has bars alone: how far apart rows of the past status lie is not "
         "documented.",
)
