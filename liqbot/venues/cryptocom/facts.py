"""Crypto.com: USD perpetuals; margin rule not recorded."""

from typing import Final

from liqbot.venues.cryptocom.streams import WIRE
from liqbot.venues.evidence import FeedEvidence, graded
from liqbot.venues.examples import packaged
from liqbot.venues.market_states import MarketState
from liqbot.venues.spec import (
    LINEAR_ONE,
    NO_FORCED_ORDERS,
    NOT_TRADED,
    PRACTICE_UNKNOWN,
    Contract,
    Liquidations,
    RequestBudget,
    VenueSpec,
    listings,
)
from liqbot.venues.statements import Statement

_PAGE: Final = "exchange-docs.crypto.com/exchange/v1/rest-ws; messages in bmoscon/cryptofeed, exchanges/crypto_com.py"
_AS_OF: Final = "2026-08-11"
"""Newest time in the messages that the recorder's source shows."""

_RECORDED: Final = "3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82"
_RECORDING: Final = "wire/tardis_raw_messages.jsonl"

EVIDENCE: Final = (
    FeedEvidence(
        feed="trades", endpoint="ws trade.{instrument_name}", grade="recorded", source=_RECORDING, as_of="2022-11-01",
        sha256=_RECORDED, fields=("instrument_name", "channel", "data[d, t, p, q, s]"),
    ),
    FeedEvidence(
        feed="open_interest", endpoint="ws ticker.{instrument_name}", grade="recorded", source=_RECORDING,
        as_of="2022-11-01", sha256=_RECORDED, fields=("instrument_name", "channel", "data[oi, t]"),
    ),
    *graded(
        "documented", _PAGE, _AS_OF,
        ("trades", "ws trade.{instrument_name}", ("instrument_name", "channel", "data[d, t, p, q, s, m]")),
        ("mark", "ws mark.{instrument_name}", ("instrument_name", "channel", "data[v, t]")),
        ("index", "ws index.{index_name}", ("instrument_name", "channel", "data[v, t]")),
        ("funding", "ws funding.{instrument_name}", ("instrument_name", "channel", "data[v, t]")),
        ("open_interest", "ws ticker.{instrument_name}", ("instrument_name", "channel", "data[oi, t]")),
    ),
)

_STATEMENTS: Final = (
    Statement(
        topic="leverage_cap", as_of="2025-11-13",
        source="exchange-docs.crypto.com, public/get-risk-parameters, example; help.crypto.com/en/articles/4894436",
        text="50x on BTC perpetuals, 100x for an account. The margin rate grows with size: .5 % for each BTC held.",
    ),
    Statement(
        topic="liquidation", as_of="2026-11-30",
        source="help.crypto.com/en/articles/4894437",
        text="A forced liquidation costs .5 % more.",
    ),
    Statement(
        topic="insurance_fund", as_of="2026-11-30",
        source="help.crypto.com/en/articles/4894437",
        text="It takes the fee of forced liquidations.",
    ),
)

VENUE: Final = VenueSpec(
    venue="cryptocom",
    title="Crypto.com",
    client="cryptocom",
    contracts=(
        Contract(
            settle="USD", market_id="{}USD-PERP", listings=listings("{}/USD:USD", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base",
        ),
    ),
    liquidations=Liquidations(completeness="none"),
    lacks=(NOT_TRADED, NO_FORCED_ORDERS, PRACTICE_UNKNOWN),
    wire=WIRE,
    evidence=EVIDENCE,
    statements=_STATEMENTS,
    examples=packaged(__package__ or ""),
    states=(
        MarketState(field="tradable", open=("true",), source="ccxt 4.5.90, cryptocom", as_of="2026-12-01"),
    ),
    proof="loopback",
    # It allows an address 100 of each kind a second (REST API, rate limits).
    public_budget=RequestBudget(units=20, period_s=10.0),
    funding_interval_h=1.0,
    tier_access="rule",
    note="Client order ids are sent as client_oid.",
)
