"""BingX: USDT perpetuals; margin tiers not recorded."""

from typing import Final

from liqbot.venues.bingx.streams import WIRE
from liqbot.venues.evidence import graded
from liqbot.venues.examples import packaged
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

_EXAMPLES: Final = "the documentation's example as JKorf/BingX.Net has it, Subscriptions/PerpetualFutures"
_AS_OF: Final = "2026-08-21"
_PAGE: Final = "bingx-api.github.io/docs/#/en-us/swapV2/market-api.html"
_PREMIUM: Final = "GET /openApi/swap/v2/quote/premiumIndex"

EVIDENCE: Final = (
    *graded(
        "documented", f"{_EXAMPLES}/Trades.txt", _AS_OF,
        ("trades", "ws <symbol>@trade (/swap-market)", ("s", "p", "q", "T", "m")),
    ),
    *graded(
        "documented", f"{_EXAMPLES}/MarkPrice.txt", _AS_OF,
        ("mark", "ws <symbol>@markPrice (/swap-market)", ("s", "E", "p")),
    ),
    # The copies of the page bear no date: that of the examples beside it.
    *graded(
        "documented", _PAGE, _AS_OF,
        ("index", _PREMIUM, ("symbol", "indexPrice")),
        ("funding", _PREMIUM, ("symbol", "lastFundingRate")),
        ("open_interest", "GET /openApi/swap/v2/quote/openInterest", ("symbol", "openInterest", "time")),
    ),
)

_STATEMENTS: Final = (
    Statement(
        topic="leverage_cap", as_of="2026-11-30",
        source="bingx.com/en-us/support/articles/360045899754",
        text="By tier of size and by what the venue thinks of the account; 5x for accounts without "
             "identification on some pairs.",
    ),
    Statement(
        topic="fees", as_of="2026-11-30",
        source="bingx.io/en-us/support/articles/360046487573",
        text=".02 % maker, .05 % taker, as a discount on .045 % and .075 %.",
    ),
    Statement(
        topic="liquidation", as_of="2026-11-30",
        source="bingx.io/en-us/support/articles/360046487573",
        text="When the margin rate falls to the maintenance rate and the taker fee together; closed at the "
             "bankruptcy price.",
    ),
)

VENUE: Final = VenueSpec(
    venue="bingx",
    title="BingX",
    client="bingx",
    contracts=(
        # The page calls open interest an amount of positions; its example of BTC (3,289,641,547 in December 2022) can
        # only be USDT, as the unified client takes it too.
        Contract(
            settle="USDT", market_id="{}-USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="usd",
        ),
    ),
    liquidations=Liquidations(completeness="none"),
    lacks=(NOT_TRADED, NO_FORCED_ORDERS, PRACTICE_UNKNOWN),
    wire=WIRE,
    evidence=EVIDENCE,
    statements=_STATEMENTS,
    examples=packaged(__package__ or ""),
    proof="loopback",
    # Its documentation counts requests for market data per address and group; 500 in ten seconds are allowed.
    public_budget=RequestBudget(units=10),
    tier_access="key",
    note="Trades have no id. Coin-margined perpetuals are not read: what their units are is not documented enough.",
)
