"""Pacifica: USDC perpetuals; margin tiers not recorded."""

from typing import Final

from liqbot.venues.evidence import graded
from liqbot.venues.examples import packaged
from liqbot.venues.pacifica.streams import WIRE
from liqbot.venues.spec import (
    LINEAR_ONE,
    NOT_TRADED,
    Contract,
    Liquidations,
    PracticeAccess,
    RequestBudget,
    VenueSpec,
    listings,
)

_PAGES: Final = "docs.pacifica.fi/api-documentation/api/websocket/subscriptions"

VENUE: Final = VenueSpec(
    venue="pacifica",
    title="Pacifica",
    client="pacifica",
    contracts=(
        Contract(
            settle="USDC", market_id="{}", listings=listings("{}/USDC:USDC", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base",
            note="Open interest is taken to be in coin: its page does not say.",
        ),
    ),
    liquidations=Liquidations(
        source="websocket trades, which tell their cause; whose side a backstop takeover tells is not documented",
        completeness="complete", side="position",
    ),
    wire=WIRE,
    evidence=(
        *graded(
            "documented", f"{_PAGES}/trades.md", "2026-11-30",
            ("trades", "ws trades", ("s", "a", "p", "d", "t")),
            ("liquidation", "ws trades", ("s", "a", "p", "d", "tc", "t")),
        ),
        *graded(
            "documented", f"{_PAGES}/prices.md", "2026-11-30",
            ("mark", "ws prices", ("symbol", "timestamp", "mark")), ("index", "ws prices", ("oracle",)),
            ("open_interest", "ws prices", ("open_interest",)), ("funding", "ws prices", ("next_funding",)),
        ),
    ),
    examples=packaged(__package__ or ""),
    proof="loopback",
    market_types=("swap",),
    funding_interval_h=1.0,
    lacks=(NOT_TRADED,),
    practice=(PracticeAccess(kind="testnet", switch="set_sandbox_mode"),),
    # 100 credits a minute from one address.
    public_budget=RequestBudget(units=80, period_s=60.0),
    tier_access="market_info",
    one_ticker=False,
    note="Forced trades are among the trades. Maintenance is half of the initial margin, which is 1 / leverage chosen.",
)
