"""HTX: USDT and coin-margined perpetuals; margin tiers not recorded."""

from typing import Final

from liqbot.venues.evidence import graded
from liqbot.venues.examples import packaged
from liqbot.venues.htx.streams import WIRE
from liqbot.venues.market_states import MarketState
from liqbot.venues.spec import (
    NO_PRACTICE,
    NOT_TRADED,
    Contract,
    Liquidations,
    RequestBudget,
    VenueSpec,
    listings,
)
from liqbot.venues.statements import Statement

_PAGE: Final = "htx.com/en-us/opend/newApiPages/?id=8cb7"
_EXAMPLES: Final = "the documentation's example as JKorf/HTX.Net has it, Subscriptions/UsdtMarginSwap"
_AS_OF: Final = "2026-06-30"
"""Of the examples; the copies of pages bear no date."""

EVIDENCE: Final = (
    *graded(
        "documented", f"{_EXAMPLES}/Trades.txt", _AS_OF,
        ("trades", "ws market.$contract_code.trade.detail (/linear-swap-ws)", ("amount", "ts", "price", "direction")),
    ),
    *graded(
        "documented", f"{_PAGE}d626-77b5-11ed-9966-0242ac110003", _AS_OF,
        ("mark", "ws market.$contract_code.mark_price.1min (/ws_index)", ("ch", "ts", "tick.close")),
    ),
    *graded(
        "documented", f"{_EXAMPLES}/IndexKline.txt", _AS_OF,
        ("index", "ws market.$contract_code.index.1min (/ws_index)", ("ch", "ts", "tick.close")),
    ),
    *graded(
        "documented", f"{_PAGE}e25d-77b5-11ed-9966-0242ac110003", _AS_OF,
        ("liquidation", "ws public.$contract_code.liquidation_orders (/linear-swap-notification)",
         ("contract_code", "direction", "volume", "price", "created_at")),
    ),
    *graded(
        "documented", f"{_EXAMPLES}/Funding.txt", _AS_OF,
        ("funding", "ws public.$contract_code.funding_rate (/linear-swap-notification)",
         ("contract_code", "funding_rate")),
    ),
    *graded(
        # Its own words of amount and volume are one side; translations of pages about older requests say both sides.
        "documented", "HuobiRDCenter/huobi_java_contract (the venue's client), MarketOpenInterestResponse.java",
        "2026-08-22",
        ("open_interest", "GET /v5/market/open_interest", ("contract_code", "volume", "value", "ts")),
    ),
)

_STATEMENTS: Final = (
    Statement(
        topic="change", as_of="2026-05-26",
        source="htx.com/en-us/support/95034086350701",
        text="From 26 May 2026 all requests about USDT-margined accounts, orders and positions move to V5, "
             "market data excepted; the old ones end.",
    ),
    Statement(
        topic="change", as_of="2026-04-07",
        source="announcement of the upgrade and migration of the USDT-M futures trading system; htx.com/en-us/opend",
        text="From 7 April 2026 accounts move in batches to a new margin system; its tiers, each with a maximum "
             "leverage and a maintenance rate, are those of /v5/market/risk/limit.",
    ),
)

VENUE: Final = VenueSpec(
    venue="htx",
    title="HTX",
    client="htx",
    contracts=(
        Contract(
            settle="USDT", market_id="{}-USDT", listings=listings("{}/USDT:USDT", ("BTC", 0.001), ("ETH", 0.01)),
            trade_unit="contracts", open_interest_unit="contracts", open_interest_two_sided=False,
            note="Trades and candles count the buyer and the seller; open interest and forced orders count once.",
        ),
        Contract(
            contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}", ("BTC", 100.0)),
            trade_unit="contracts", open_interest_unit="contracts", open_interest_two_sided=False,
        ),
    ),
    spellings=("huobi", "huobipro", "huobidm", "huobidmswap:coin"),
    liquidations=Liquidations(source="websocket public.<contract>.liquidation_orders, without a key", side="order"),
    lacks=(NOT_TRADED, NO_PRACTICE),
    wire=WIRE,
    evidence=EVIDENCE,
    statements=_STATEMENTS,
    examples=packaged(__package__ or ""),
    states=(
        MarketState(
            field="contract_status", open=("1",),
            words=(
                ("0", "taken off the list"), ("2", "not opened yet"), ("3", "suspended"), ("4", "being suspended"),
                ("5", "being settled"), ("6", "being delivered"), ("7", "settled"), ("8", "delivered"),
                ("9", "its opening is suspended"),
            ),
            source="huobiapi.github.io docs/usdt_swap, contract status, as quoted by ExHuobi", as_of="2026-12-01",
        ),
    ),
    proof="loopback",
    market_types=("linear", "inverse"),
    market_switches=True,
    # Of what is not a price 240 requests in three seconds, of prices 800 a second, from one address (documentation of
    # its interfaces, rate limits).
    public_budget=RequestBudget(units=20),
    tier_access="public",
    # Its published tiers are adjustment factors by leverage: maintenance is that share of the initial margin, so it
    # depends on the leverage that a trader chose (`swap_adjustfactor`).
    note="Forced orders carry the bankruptcy price. Prices and forced orders are on sockets of their own.",
)
