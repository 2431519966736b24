"""First contact with each venue, row by row: what happens there ends as the right event and a clear message.

Rows that are proved elsewhere, on all three venues over the same loopback exchange, and are not repeated here
(test_broker.py and test_reconcile.py are those of tests/execution/edge):

| row | proved by |
|---|---|
| entry, stop read back, stop hit | test_broker.py: from_entry_to_the_stop_that_is_hit |
| a reduction filled in part | test_broker.py: an_order_filled_in_part_whose_rest_ends |
| reverse with a late fill of the old stop | test_broker.py: a_reverse_while_the_old_stop_fills_late |
| cancel | test_broker.py: a_resting_entry_is_cancelled, a_cancel_that_comes_too_late |
| leverage by hand while flat | test_broker.py: leverage_changed_by_hand_is_seen_and_set_again |
| 429 and maintenance on an order | test_broker.py: a_venue_that_has_no_time_refuses_the_order_clearly |
| funding | test_reconcile.py: funding_and_transfers_are_told |
| wrong secret, clock skew while it runs | test_reconcile.py: a_wrong_secret, a_skewed_clock |
| wrong secret, clock skew at a start | tests/live/test_start.py |

Here: an entry in pieces, leverage by hand beside a position, trouble on reads, and what every error says.
"""

from decimal import Decimal

import pytest

from liqbot import events
from liqbot.commands import Purpose
from liqbot.instruments import Side
from liqbot.venues.errors import ClockSkew, VenueAuth, VenueError, VenueMaintenance, VenueRefused
from paper.exchange.account_events import set_leverage_by_hand
from tests.builders import loopback_market as market
from tests.builders.loopback_broker import VENUES_SERVED, Rig, rig
from tests.execution.edge.test_broker import long_of

everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)
READS = {
    "binance": "GET /fapi/*", "bybit": "GET /v5/*", "okx": "GET /api/v5/*", "bitget": "GET /api/v2/*",
    "hyperliquid": "POST /info*",
}


@pytest.mark.drawn(cases=True)
@everywhere
async def test_an_entry_that_fills_in_pieces_is_told_piece_by_piece(venue: str) -> None:
    hub = market.hub_of(venue, fill_usd_max=200.0, fill_pause_ms=400)
    async with rig(venue, hub=hub) as one:
        await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=2)
        entry = one.engine.order(Purpose.ENTRY)
        await one.send(entry)
        await one.until(events.OrderAccepted, entry.client_id)
        for _ in range(3):
            await one.advance()
        pieces = await one.until(events.Fill, entry.client_id, count=3)
        assert sum(piece.quantity_base for piece in pieces) == Decimal("0.01")
        assert len({piece.fill_id for piece in pieces}) == len(pieces) > 1
        assert all(piece.side is Side.LONG and not piece.reduces for piece in pieces)
        await one.edge.reconciler.once()
        assert one.engine.of(events.PositionSnapshot)[-1].quantity_base == Decimal("0.01")
        assert len(one.engine.of(events.Fill, entry.client_id)) == len(pieces), "REST repeats nothing"
        assert one.hub.unknown == []


@pytest.mark.drawn(cases=True)
@everywhere
async def test_leverage_changed_by_hand_beside_a_position_shows_with_its_nearer_liquidation(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        await one.edge.reconciler.once()
        before = one.engine.of(events.PositionSnapshot)[-1]
        by_hand = set_leverage_by_hand(one.account.exchange.accounts, (venue, "BTC"), 20, one.account.now_ms)
        await one.hub.tell(one.account, by_hand)
        await one.edge.reconciler.once()
        after = one.engine.of(events.PositionSnapshot)[-1]
        assert (before.leverage, after.leverage) == (3.0, 20.0)
        assert one.engine.of(events.LeverageConfirmed)[-1].leverage == 20.0
        assert before.liquidation_price is not None
        assert after.liquidation_price is not None
        assert before.liquidation_price < after.liquidation_price < before.entry_price
        assert one.hub.unknown == []


@pytest.mark.drawn(cases=True)
@everywhere
@pytest.mark.parametrize("kind", ["http_429", "maintenance", "drop_request"])
async def test_trouble_on_reads_is_named_and_ends_with_the_account_read_again(venue: str, kind: str) -> None:
    async with rig(venue) as one:
        one.hub.faults.next(READS[venue], kind, 1 if kind == "http_429" else 0, times=40)
        assert not await one.edge.reconciler.once()
        down = (await one.until(events.FeedDown))[-1]
        assert down.feed == "account"
        assert down.reason.startswith(f"{venue}: ")
        assert "Traceback" not in down.reason
        one.hub.faults.clear()
        one.engine.facts.clear()
        assert await one.edge.reconciler.once()
        assert one.engine.of(events.FeedUp)[0].feed == "account"
        assert one.engine.of(events.Reconciled)
        assert one.hub.unknown == []


async def refused(one: Rig) -> VenueError:
    """What an account reading is refused with."""
    with pytest.raises(VenueError) as raised:
        await one.edge.adapter.position(one.client, one.edge.traded[0])
    return raised.value


@pytest.mark.parametrize("venue", [venue for venue in VENUES_SERVED if venue != "hyperliquid"])  # reads need no key
async def test_what_a_person_can_mend_is_said_in_one_line_that_names_the_venue(venue: str) -> None:
    hub = market.hub_of(venue)
    async with rig(venue, hub=hub, running=False) as one:
        hub.skew_ms = 90_000
        skewed = await refused(one)
        hub.skew_ms = 0
        hub.faults.next("*", "maintenance", times=40)
        maintained = await refused(one)
        hub.faults.clear()
    async with rig(venue, hub=hub, secret="wrong", running=False) as one:
        unsigned = await refused(one)
    # Bybit says "system error, try later" with a good status: a refusal in its own words.
    kinds = (ClockSkew, VenueAuth, VenueRefused if venue == "bybit" else VenueMaintenance)
    for error, kind in zip((skewed, unsigned, maintained), kinds, strict=True):
        assert isinstance(error, kind), repr(error)
        assert str(error).startswith(f"{venue}: "), str(error)
        assert "secret" not in str(error).replace("wrong secret", "")
