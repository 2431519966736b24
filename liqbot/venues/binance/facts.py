"""Binance: USD-margined (the main book), USDC-margined and coin-margined perpetuals."""

from typing import Final

from liqbot.margin.formulas import MarginRule, TierTable, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import LiquidationSteps
from liqbot.venues.binance.marks import BinanceMarks
from liqbot.venues.binance.orders import BinanceAdapter
from liqbot.venues.binance.streams import WIRE
from liqbot.venues.entry_stops import EntryProtection
from liqbot.venues.evidence import graded
from liqbot.venues.examples import packaged
from liqbot.venues.market_states import MarketState
from liqbot.venues.spec import (
    LINEAR_ONE,
    ClientIdRule,
    Contract,
    ContractMargin,
    Liquidations,
    PracticeAccess,
    RequestBudget,
    VenueSpec,
    listings,
)
from liqbot.venues.statements import stated

STEPS: Final = LiquidationSteps(kind="compliance")

ON_MARK: Final = MarginRule(basis="mark")
EVERYWHERE: Final = 1e12
_DATE: Final = "2026-09-29"


def _recorded(*rows: tuple[float, float, float]) -> TierTable:
    return tier_table(rows, source="recorded leverage brackets, deductions included", as_of=_DATE,
                      checked_to_usd=EVERYWHERE)


BTC_USDT: Final = _recorded(
    (300_000, 150, 0.4), (800_000, 100, 0.5), (3_000_000, 75, 0.65), (12_000_000, 50, 1.0), (70_000_000, 25, 2.0),
    (100_000_000, 20, 2.5), (230_000_000, 10, 5.0), (480_000_000, 5, 10.0), (600_000_000, 4, 12.5),
    (800_000_000, 3, 15.0), (1_200_000_000, 2, 25.0), (1_800_000_000, 1, 50.0),
)
ETH_USDT: Final = _recorded(
    (300_000, 150, 0.4), (800_000, 100, 0.5), (3_000_000, 75, 0.65), (12_000_000, 50, 1.0), (50_000_000, 25, 2.0),
    (65_000_000, 20, 2.5), (150_000_000, 10, 5.0), (320_000_000, 5, 10.0), (400_000_000, 4, 12.5),
    (530_000_000, 3, 15.0), (800_000_000, 2, 25.0), (1_200_000_000, 1, 50.0),
)
BTC_USDC: Final = _recorded(
    (50_000, 125, 0.4), (500_000, 100, 0.5), (10_000_000, 50, 1.0), (80_000_000, 20, 2.5), (150_000_000, 10, 5.0),
    (300_000_000, 5, 10.0), (450_000_000, 4, 12.5), (600_000_000, 3, 15.0), (800_000_000, 2, 25.0),
    (1_000_000_000, 1, 50.0),
)
ETH_USDC: Final = _recorded(
    (50_000, 125, 0.4), (500_000, 100, 0.5), (1_000_000, 75, 0.65), (5_000_000, 50, 1.0), (50_000_000, 20, 2.0),
    (100_000_000, 10, 5.0), (150_000_000, 5, 10.0), (300_000_000, 4, 12.5), (400_000_000, 3, 15.0),
    (500_000_000, 2, 25.0), (800_000_000, 1, 50.0),
)
_COIN_SOURCE: Final = "support article: leverage and margin in coin-margined futures contracts"
# Positions above 1,000 BTC may have leverage 2 or 1; where the border between the two lies is not published there.
BTC_COIN: Final = tier_table(
    ((5, 125, 0.4), (10, 100, 0.5), (20, 50, 1.0), (50, 20, 2.5), (100, 10, 5.0), (200, 5, 10.0), (400, 4, 12.5),
     (1_000, 3, 15.0), (1_500, 2, 25.0), (3_000, 1, 50.0)),
    source=_COIN_SOURCE, as_of="2021-07-27", coin_price_usd=100_000.0,
)
ETH_COIN: Final = tier_table(
    ((100, 100, 0.5), (500, 75, 0.65), (1_000, 50, 1.0), (2_000, 20, 2.5), (4_000, 10, 5.0), (6_000, 5, 10.0),
     (8_000, 4, 12.5), (10_000, 3, 15.0), (20_000, 2, 25.0), (40_000, 1, 50.0)),
    source=_COIN_SOURCE, as_of="2020-06-11", coin_price_usd=4_000.0,
)


def _margin(fees: Fees, btc: TierTable, eth: TierTable) -> ContractMargin:
    return ContractMargin(
        rule=ON_MARK, cross_rule=ON_MARK, ladder=STEPS, fees=fees, tables=(("BTC", btc), ("ETH", eth))
    )


_PAGES: Final = "developers.binance.com/docs/derivatives/usds-margined-futures"
_SPLIT: Final = "2026-04-23"
"""When the former root stopped to carry these streams (its change notice of 2026-03-06)."""
_MARK: Final = "ws fstream.binance.com/market <symbol>@markPrice@1s"

EVIDENCE: Final = (
    *graded(
        "documented", f"{_PAGES}/websocket-market-streams", _SPLIT,
        ("trades", "ws fstream.binance.com/market <symbol>@aggTrade", ("s", "p", "q", "T", "m")),
        ("liquidation", "ws fstream.binance.com/market <symbol>@forceOrder",
         ("o.s", "o.S", "o.z", "o.p", "o.ap", "o.T")),
        ("mark", _MARK, ("E", "s", "p")), ("index", _MARK, ("E", "s", "i")), ("funding", _MARK, ("E", "s", "r")),
    ),
    *graded(
        "documented", f"{_PAGES}/market-data/rest-api", _SPLIT,
        ("open_interest", "GET /fapi/v1/openInterest", ("symbol", "openInterest", "time")),
        ("funding", "GET /fapi/v1/fundingInfo", ("symbol", "fundingIntervalHours")),
    ),
)
"""How the shape of Binance's market data is known: by its documentation since its stream roots were split. Recordings
from before that are of the former endpoint; they are read right (tests/venues/test_recordings.py)."""

STATEMENTS: Final = (
    *stated(
        "docs.traderwagon.com, liquidation protocol of Binance, looked up", "2026-11-30",
        ("trigger", "mark price"),
        ("liquidation", "one immediate-or-cancel order down to compliance, the rest at the bankruptcy price"),
        ("insurance_fund", "takes over bankrupt positions"),
    ),
    *stated(
        "binance.com support faq 360033525471", "2019-09-09",
        ("deleveraging", "by profit and leverage, at the bankruptcy price, after the insurance fund"),
    ),
    *stated(
        "developers.binance.com, important websocket change notice of 2026-03-06", "2026-04-23",
        ("change", "its stream root was split into public, market and private"),
    ),
)

VENUE: Final = VenueSpec(
    venue="binance",
    title="Binance USD-M",
    client="binance",
    contracts=(
        Contract(
            settle="USDT", market_id="{}USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base", margin=_margin(Fees(0.02, 0.05, 1.25), BTC_USDT, ETH_USDT),
        ),
        Contract(
            contract="usdc", settle="USDC", listings=listings("{}/USDC:USDC", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base", margin=_margin(Fees(0.0, 0.04), BTC_USDC, ETH_USDC),
        ),
        Contract(
            contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}", ("BTC", 100.0), ("ETH", 10.0)),
            trade_unit="contracts", open_interest_unit="contracts",
            margin=_margin(Fees(0.02, 0.05), BTC_COIN, ETH_COIN),
        ),
    ),
    spellings=("binanceum", "binancecoinm:coin", "binancecm:coin", "binancedelivery:coin", "binancefuturescm:coin"),
    liquidations=Liquidations(source="websocket <symbol>@forceOrder", completeness="sampled", side="order"),
    wire=WIRE,
    trading=BinanceAdapter(),
    marks=BinanceMarks(),
    # The client's own three minutes would notice a dead line after six. Ten messages a second are taken, pings among
    # them (USD-M websocket market streams, connect).
    ping_s=20.0,
    evidence=EVIDENCE,
    statements=STATEMENTS,
    examples=packaged(__package__ or ""),
    states=(
        MarketState(
            field="status", open=("TRADING",),
            words=(
                ("PENDING_TRADING", "not opened yet"), ("SETTLING", "it is being taken off the list"),
                ("TRADING_HALT", "trading is halted"), ("TRADING_CANCEL_ONLY", "orders can only be cancelled"),
            ),
            source="common definitions of USD-M futures, contract status, as quoted by polyoxide-binance",
            as_of="2026-10-07",
        ),
        # Of coin-margined ones, under another name.
        MarketState(
            field="contractStatus", open=("TRADING",), source="ccxt 4.5.90, binance", as_of="2026-12-01",
        ),
    ),
    proof="loopback",
    market_types=("linear", "inverse"),
    trading_budget=RequestBudget(units=300, period_s=10.0),  # the venue allows 2,400 units a minute
    practice=(
        PracticeAccess(kind="demo", switch="enable_demo_trading", note="the client's sandbox refuses private calls"),
    ),
    # ReduceOnly Order is rejected; TIF GTE can only be used with open positions
    # (of orders; of stops it is not documented)
    flat_stop_refusals=("-2022", "-4509"),
    client_id=ClientIdRule(length_max=36, pattern=r"[.A-Z:/a-z0-9_-]+"),
    protection=EntryProtection(
        attached=None,
        naked="from the fill until the stop sent after it rests; if the process dies there, until one runs again",
        source="new order and new algo order of 2026-01-15: conditional types are refused within an order",
    ),
    funding_interval_h=8.0,
    tier_access="key",
    one_ticker=False,
    # Error -4118 "ReduceOnly Order Failed. Please check your existing position and open orders" in its list of errors;
    # met live in August 2026. Its support on a close beside a resting one: github.com/ccxt/ccxt/issues/9001.
    reduce_only_counts_open_orders=True,
    note="At most one forced order per symbol and second, with the bankruptcy price; open interest by REST.",
)
