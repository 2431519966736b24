"""A market that its venue closes is told in the venue's words: by its list of contracts, or of itself as a whole."""

import asyncio
import datetime as dt
from typing import Any

import msgspec
import pytest
from loopback_market import hub_of
from patience import until
from read_venues import read_hub

from liqbot.connection.client import VenueClient
from liqbot.connection.instruments import wire_book
from liqbot.events import FeedDown
from liqbot.live import doctor
from liqbot.market.feeds.listing_check import ListingCheck
from liqbot.market.feeds.listing_watch import ListingWatch, News, terms_of
from liqbot.review.venue_facts import state_lines
from liqbot.settings import load
from liqbot.venues.errors import AnswerMalformed
from liqbot.venues.market_states import EndpointEnd, MarketState, trouble_in
from liqbot.venues.parsing import WireBook, WireContract
from liqbot.venues.registry import VENUES
from liqbot.venues.spec import VenueSpec
from paper.dialects.hub import Hub
from paper.dialects.serving import DIALECTS, dialect_class, serving

STATE = MarketState(
    field="status", open=("TRADING",), words=(("SETTLING", "being settled"),), source="a page", as_of="2026-12-01"
)
SWITCH = MarketState(field="tradeable", open=("true",), source="a page", as_of="2026-12-01")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"status": "TRADING", "tradeable": True}, ""),
        ({"status": "SETTLING"}, "status is SETTLING, being settled"),
        ({"status": "NEVER_HEARD_OF"}, "status is NEVER_HEARD_OF"),
        ({"status": "SETTLING", "tradeable": False}, "status is SETTLING, being settled; tradeable is false"),
        ({}, ""), ({"status": None}, ""), (None, ""), ("page", ""),
        ({"status": "a\x1b[2Jb"}, "status is a\\x1b[2Jb"),
    ],
)  # fmt: skip
def test_whatever_does_not_mean_open_is_closed_and_silence_says_nothing(entry: Any, said: str) -> None:
    assert trouble_in(entry, (STATE, SWITCH)) == said


# --- at a start, and from one process to the next ---------------------------------------------------------------------

BOOK = WireBook("gate", [
    WireContract(symbol_id="BTC_USDT", symbol="BTC/USDT:USDT", venue_key="gate", coin="BTC", contract_units=0.0001,
                 inverse=False, open_interest_two_sided=False)
])


def listed(status: str | None, *, active: bool | None = None) -> list[dict[str, Any]]:
    info = {} if status is None else {"status": status}
    return [{"id": "BTC_USDT", "symbol": "BTC/USDT:USDT", "contractSize": 0.0001, "active": active, "info": info}]


def told(news: list[News]) -> list[str]:
    return [one.reason if isinstance(one, FeedDown) else "up" for one in news if one.feed == "listing"]


def test_one_that_is_closed_at_the_start_is_told_then() -> None:
    watch = ListingWatch(lambda: 7, (STATE,))
    (reason,) = told(watch.begin(listed("SETTLING"), BOOK, {}))
    assert reason == "BTC/USDT:USDT (BTC_USDT) does not trade: status is SETTLING, being settled"
    assert told(watch.compare(listed("SETTLING"), BOOK)[0]) == []
    assert told(watch.compare(listed("TRADING"), BOOK)[0]) == ["up"]


def test_the_next_process_tells_that_it_is_open_again() -> None:
    """The market floor is recovered with the contract closed: without a word it would stay so."""
    first = ListingWatch(lambda: 7, (STATE,))
    assert told(first.begin(listed("TRADING"), BOOK, {})) == []
    assert len(told(first.compare(listed("SETTLING"), BOOK)[0])) == 1
    again = ListingWatch(lambda: 8, (STATE,))
    assert told(again.begin(listed("TRADING"), BOOK, first.terms)) == ["up"]
    assert told(ListingWatch(lambda: 9, (STATE,)).begin(listed("TRADING"), BOOK, again.terms)) == []


def test_what_a_venue_says_of_itself_closes_its_contracts_until_it_says_no_more() -> None:
    watch = ListingWatch(lambda: 7, (STATE,))
    watch.begin(listed("TRADING"), BOOK, {})
    said = {"BTC": "maintenance is ongoing"}
    assert told(watch.compare(listed("TRADING"), BOOK, said)[0]) == [
        "BTC/USDT:USDT does not trade: maintenance is ongoing"
    ]
    assert told(watch.compare(listed("TRADING"), BOOK, {"ETH": "locked"})[0]) == ["up"]


# --- what venues send -------------------------------------------------------------------------------------------------

MAINTAINED = [
    ("bybit", {"result": {"list": []}}, ""),
    ("bybit", {"result": {"list": [{"state": "completed", "title": "t06"}, {"state": "scheduled"}]}}, ""),
    ("bybit", {"result": {"list": [{"state": "ongoing", "title": "upgrade"}]}}, "upgrade is ongoing"),
    ("okx", {"data": []}, ""),
    ("okx", {"data": [{"state": "scheduled", "serviceType": "5"}, {"state": "ongoing", "serviceType": "7"}]}, ""),
    ("okx", {"data": [{"state": "ongoing", "serviceType": "5", "env": "2"}]}, ""),
    ("okx", {"data": [{"state": "pre_open", "serviceType": "5", "title": "unit"}]}, "unit is pre_open"),
    ("deribit", {"result": {"locked": "false"}}, ""),
    ("deribit", {"result": {"locked": "partial", "locked_indices": ["sol_usdc"]}}, ""),
    ("deribit", {"result": {"locked": "partial", "locked_indices": ["btc_usd"]}}, "the platform is locked (partial)"),
    ("deribit", {"result": {"locked": True, "locked_currencies": ["BTC"]}}, "the platform is locked (true)"),
    ("woofipro", {"data": {"status": 0, "msg": "System is functioning properly."}}, ""),
    ("woofipro", {"data": {"status": 2, "msg": "upgrade"}}, "status is 2, upgrade"),
]  # fmt: skip


@pytest.mark.parametrize(("venue", "payload", "said"), MAINTAINED)
def test_maintenance_is_read_in_the_venue_s_own_form(venue: str, payload: Any, said: str) -> None:
    status = VENUES[venue].status
    assert status is not None
    assert status.read(payload, "BTC") == said
    for broken in (None, [], {}, {"result": 1}, {"data": "page"}):
        with pytest.raises(AnswerMalformed):
            status.read(broken, "BTC")


MAY_2027_MS = 1_809_000_000_000
HALTED = {
    "binance": ("status", "TRADING_HALT"), "bybit": ("status", "Closed"), "okx": ("state", "suspend"),
    "bitget": ("symbolStatus", "maintain"), "hyperliquid": ("isDelisted", True),
}  # fmt: skip


async def listing_of(venue: str) -> list[dict[str, Any]]:
    """As the simulated exchange lists its contracts, through the unmodified client."""
    hub: Hub = hub_of(venue)
    async with serving(hub, [dialect_class(venue)(hub)]) as loop:
        client = VenueClient(VENUES[venue], loopback=loop.url, inverse=True)
        try:
            found: list[dict[str, Any]] = await client.listed()
            return found
        finally:
            await client.close()


@pytest.mark.parametrize("venue", HALTED)
async def test_a_venue_that_is_traded_on_says_when_its_market_is_halted(venue: str) -> None:
    spec, (field, value) = VENUES[venue], HALTED[venue]
    rows = [row for row in await listing_of(venue) if row["symbol"] in {"BTC/USDT:USDT", "BTC/USDC:USDC"}]
    assert [one.state for one in terms_of(rows, spec.states).values()] == [""]
    assert all(one.active for one in terms_of(rows, spec.states).values())
    halted = [row | {"info": row["info"] | {field: value}} for row in rows]
    (now,) = terms_of(halted, spec.states).values()
    assert not now.active
    assert now.state.startswith(f"{field} is {str(value).lower() if value is True else value}, ")


async def test_doctor_names_a_closed_market_and_what_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = read_hub("krakenfutures")
    async with serving(hub, [dialect_class("krakenfutures")(hub)]) as loop:
        client = VenueClient(VENUES["krakenfutures"], loopback=loop.url)
        settings = load("paper", overrides=('coins=["BTC"]',)).settings
        try:
            assert (await doctor._venue("krakenfutures", client, settings)).text.count("does not trade") == 0
            closed = [msgspec.structs.replace(STATE, field="tradeable", open=("never",))]
            client.spec = msgspec.structs.replace(client.spec, states=tuple(closed))
            monkeypatch.setattr(doctor, "wall_ms", lambda: MAY_2027_MS)
            found = await doctor._venue("krakenfutures", client, settings)
        finally:
            await client.close()
    assert found.verdict is doctor.Health.WARN
    assert "BTC/USD:USD does not trade: tradeable is true" in found.text
    assert "was announced to end on 2027-03-01" in found.text


async def test_maintenance_of_a_venue_is_noticed_and_over() -> None:
    hub, found = read_hub("woofipro"), list[News]()
    dialect = dialect_class("woofipro")(hub)
    state, answer = {"status": 2, "msg": "upgrade"}, dialect._answer  # type: ignore[attr-defined]
    dialect._answer = lambda data: answer(state if isinstance(data, dict) and "msg" in data else data)  # type: ignore[attr-defined]
    async with serving(hub, [dialect]) as loop:
        client = VenueClient(VENUES["woofipro"], loopback=loop.url)
        await client.open(("BTC",))
        book = wire_book(client.exchange.markets, client.spec, hub.roster)
        check = ListingCheck(client, hub.roster, lambda: 7, found.extend, period_s=0.02)
        check.begin(client.exchange.markets, book)
        running = asyncio.create_task(check.run(book, tuple))
        try:
            await until(lambda: told(found))
            assert "BTC/USDC:USDC does not trade: status is 2, upgrade" in told(found)[0]
            state.update({"status": 0, "msg": "fine"})
            await until(lambda: told(found)[-1] == "up")
        finally:
            running.cancel()
            await client.close()


# --- what is known of each venue --------------------------------------------------------------------------------------


def test_every_state_has_its_source_and_day_and_is_shown() -> None:
    for spec in VENUES.values():
        known = [*spec.states, *spec.ends, *([] if spec.status is None else [spec.status])]
        for one in known:
            assert one.source
            assert dt.date.fromisoformat(one.as_of) <= dt.date.fromisoformat("2026-12-31")
        assert state_lines(spec)
    traded = [spec for spec in VENUES.values() if spec.trading is not None]
    assert [spec.venue for spec in traded if not spec.states] == []


def test_an_end_that_comes_near_is_said() -> None:
    def at(day: str) -> int:
        return int(dt.datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp() * 1_000)

    (end,) = VENUES["krakenfutures"].ends
    assert end.on == "2027-03-01"
    assert end.warning(at("2026-11-01")) == ""
    assert "ends on 2027-03-01, in 89 days" in end.warning(at("2026-12-01"))
    assert "was announced to end on 2027-03-01" in end.warning(at("2027-03-01"))
    with pytest.raises(ValueError, match="2027"):
        EndpointEnd(what="", on="2027-3-1", successor="", source="", as_of="")


def test_a_spec_of_one_s_own_needs_none_of_it() -> None:
    spec: VenueSpec = msgspec.structs.replace(VENUES["gate"], states=(), status=None, ends=())
    assert state_lines(spec) == ["  market open: unknown, besides what the unified client tells"]
    assert set(DIALECTS) <= set(VENUES)
