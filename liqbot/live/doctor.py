"""Is everything in order before money is at stake? One line per question, each with what would be right."""

import asyncio
import enum
import ipaddress
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from liqbot import places
from liqbot.commands import Purpose
from liqbot.connection.client import VenueClient
from liqbot.connection.endpoints import Access
from liqbot.control import protocol
from liqbot.control.chat import require_chat
from liqbot.control.panic_latch import panic_reason
from liqbot.control.webhook import require_secret
from liqbot.execution import client_order_id
from liqbot.execution.edge.account import traded_on
from liqbot.execution.edge.account_alerts import DAY_MS, KEY_DAYS_WARN, near_deleveraging
from liqbot.execution.edge.trading_marks import read_marks
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import JournalReader
from liqbot.legible import counted
from liqbot.live import credentials, stop_canary
from liqbot.live.collector import collector_of, coverage_text, not_collected
from liqbot.live.ladder import climbed
from liqbot.market.feeds.listing_watch import terms_of
from liqbot.review.venue_table import shapes_of
from liqbot.risk.thin_coins import labelled
from liqbot.runtime.live_market import closed
from liqbot.runtime.process import wall_ms
from liqbot.settings import Settings
from liqbot.settings.model import TEST_MODES
from liqbot.venues.errors import VenueError
from liqbot.venues.registry import VENUES
from liqbot.venues.trading import TradedContract, TradingAdapter

SKEW_MS_MAX: Final = 1_000
DISK_PCT_WARN, DISK_PCT_FAIL = 20.0, 5.0
CANARY_NAME: Final = "canary"


class Health(enum.StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True):
    """`exit_code` is what a failure of this kind ends the verb with."""

    what: str
    verdict: Health
    text: str
    exit_code: int = Exit.FAILED


async def findings(
    settings: Settings, data: Path, access: Access | None, *, canary: bool
) -> AsyncIterator[Finding]:
    """In the order they are found. `access` is None for a profile that trades nowhere."""
    for finding in await asyncio.to_thread(lambda: list(at_home(settings, data))):
        yield finding
    clients = credentials.public_clients(settings)
    production: dict[str, float] = {}
    try:
        for venue, client in clients.items():
            yield await _venue(venue, client, settings)
        if access in TEST_MODES:
            production = await _production_marks(clients, settings)
    finally:
        await closed(clients)
    if access is None:
        yield Finding("account", Health.OK, f"mode {settings.mode} needs none")
        return
    try:
        client = credentials.trading_client(settings, access)
    except ExpectedError as error:
        yield Finding("key", Health.FAIL, str(error), Exit.CONFIG)
        return
    try:
        async for finding in _account(client, settings, access, canary=canary):
            yield finding
        if access in TEST_MODES:
            async for finding in _marks(client, settings, access, production):
                yield finding
    except VenueError as error:
        wrong = credentials.one_line(error)
        yield Finding("account", Health.FAIL, str(wrong), wrong.exit_code)
    finally:
        await client.close()


# --- this machine -----------------------------------------------------------------------------------------------------


def at_home(settings: Settings, data: Path) -> Iterator[Finding]:
    """What needs no venue."""
    yield Finding("configuration", Health.OK, f"mode {settings.mode}, trading {labelled(settings.coins)} "
                                              f"on {settings.trade_venue}")
    if settings.mode == "live":
        yield _ladder(settings)
    yield _disk(data)
    yield _journal(data)
    if settings.feeds.from_journal:
        yield _collector(settings)
    if settings.webhook.enabled:
        yield _webhook(settings)
    if settings.chat.enabled:
        yield _chat(settings)
    why = panic_reason(data)
    if why:
        yield Finding("panic latch", Health.FAIL, f"set: {why}; lift it with liqbot resume", Exit.HALTED)
    try:
        status = protocol.request(data, {"verb": "status"}, timeout_s=3)
    except ExpectedError as error:
        missing = error.exit_code == Exit.NOT_FOUND
        yield Finding("bot", Health.OK if missing else Health.FAIL, "not running" if missing else str(error))
        return
    halted = f", halted: {status['halted']}" if status["halted"] else ""
    yield Finding("bot", Health.WARN if halted else Health.OK, f"running for {status['up_s']} s{halted}")
    followed = status["feeds"].get("collector")
    if followed is not None:
        yield Finding(
            "collector's delay", Health.WARN if followed["trouble"] else Health.OK,
            followed["trouble"] or f"p50 {followed['delay_p50_ms']:,} ms, p99 {followed['delay_p99_ms']:,} ms, at most "
            f"{followed['delay_max_ms']:,} ms; {followed['late_steps']:,} steps came late",
        )
    for coin in status["coins"]:
        warm = [coin["warmth_long_pct"], coin["warmth_short_pct"]]
        known = [share for share in warm if share is not None]
        lowest = min(known, default=0.0)
        verdict = Health.OK if lowest >= settings.risk.warmth_pct_min else Health.WARN
        for one in coin.get("apart", ()):
            yield Finding(f"{one['venue']} {coin['coin']}", Health.WARN, _apart(one))
        yield Finding(f"map {coin['coin']}", verdict, f"{coin['live_venues']} venues live, warm to {lowest:.0f} %")


def _apart(one: dict[str, Any]) -> str:
    """What the running bot has of a venue that is not as it should be."""
    found = [f"its price is {one['accord']}"] if one["accord"] else []
    if one["trust_weight"] != 1.0:
        found.append(f"it counts with {one['trust_weight']:.2f}")
    if one["quote_ratio"] != 1.0:
        found.append(f"a {one['quote']} is worth {one['quote_ratio']:.4f} USD")
    found += [f"{feed} is down: {why}" for feed, why in zip(one["down"], one["reasons"], strict=True)]
    return "; ".join(found)


def _ladder(settings: Settings) -> Finding:
    """Of recorded days; the rungs that `start` would refuse for."""
    rungs, live_days = climbed(settings, wall_ms())
    text = f"{', '.join(one.describe() for one in rungs)}, live {live_days:.1f} days"
    missing = any(one.missing for one in rungs)
    return Finding("ladder", Health.FAIL if missing else Health.OK, text, Exit.CONFIG)


def _disk(data: Path) -> Finding:
    place = next(folder for folder in (data, *data.absolute().parents) if folder.exists())
    if not os.access(place, os.W_OK):
        return Finding("disk", Health.FAIL, f"{place} cannot be written", Exit.DATABASE)
    usage = shutil.disk_usage(place)
    free_pct = usage.free / usage.total * 100
    verdict = Health.FAIL if free_pct < DISK_PCT_FAIL else Health.WARN if free_pct < DISK_PCT_WARN else Health.OK
    return Finding("disk", verdict, f"{free_pct:.0f} % free at {place}", Exit.DATABASE)


def _collector(settings: Settings) -> Finding:
    """Whose journal the market facts come from."""
    try:
        found = collector_of(settings)
    except ExpectedError as error:
        return Finding("collector", Health.FAIL, str(error), Exit.UNREACHABLE)
    if found is None:
        return Finding("collector", Health.OK, "none")
    lacking = not_collected(settings, found.roster)
    verdict = Health.FAIL if found.silent else Health.WARN if lacking else Health.OK
    return Finding("collector", verdict, coverage_text(found, lacking), Exit.UNREACHABLE)


def _chat(settings: Settings) -> Finding:
    try:
        require_chat(settings.chat)
    except ExpectedError as error:
        return Finding("chat", Health.FAIL, str(error), Exit.CONFIG)
    return Finding("chat", Health.OK, f"status and pause from {counted(len(settings.chat.chats), 'chat')}")


def _webhook(settings: Settings) -> Finding:
    try:
        require_secret(settings.webhook)
    except ExpectedError as error:
        return Finding("webhook", Health.FAIL, str(error), Exit.CONFIG)
    host, port = settings.webhook.host, settings.webhook.port
    if ipaddress.ip_address(host).is_loopback:
        return Finding("webhook", Health.OK, f"listens on {host} port {port}")
    return Finding("webhook", Health.WARN, f"listens on {host} port {port}, reachable from outside in plain HTTP")


def _journal(data: Path) -> Finding:
    path = places.journal_path(data)
    if not path.is_file():
        return Finding("journal", Health.OK, f"none yet at {path}")
    try:
        with JournalReader(path) as reader:
            stamp = reader.stamp
            text = f"{reader.last_seq:,} records of mode {stamp.mode}, account {stamp.account}"
    except (ExpectedError, sqlite3.DatabaseError) as error:
        return Finding("journal", Health.FAIL, str(error), Exit.DATABASE)
    return Finding("journal", Health.OK, text)


# --- venues -----------------------------------------------------------------------------------------------------------


async def _venue(venue: str, client: VenueClient, settings: Settings) -> Finding:
    try:
        await client.open(settings.coins)
        adapter = VENUES[venue].trading
        skew_ms = await _skew_ms(client, adapter) if adapter is not None else 0
    except VenueError as error:
        wrong = credentials.one_line(error)
        return Finding(venue, Health.FAIL, str(wrong), wrong.exit_code)
    if abs(skew_ms) > SKEW_MS_MAX:
        return Finding(venue, Health.FAIL, f"our clock is {skew_ms:+d} ms off; synchronise this machine's clock",
                       Exit.CONFIG)
    text = f"reached, our clock is {skew_ms:+d} ms off; feeds known by: {shapes_of(VENUES[venue])}"
    trouble = [*_closed_markets(client), *(one for end in client.spec.ends if (one := end.warning(wall_ms())))]
    if trouble:
        return Finding(venue, Health.WARN, "; ".join([*trouble, text]))
    return Finding(venue, Health.OK, text)


def _closed_markets(client: VenueClient) -> list[str]:
    return [
        f"{symbol} does not trade" + (f": {one.state}" if one.state else "")
        for symbol, one in terms_of(client.exchange.markets, client.spec.states).items() if not one.active
    ]


async def _skew_ms(client: VenueClient, recipe: TradingAdapter) -> int:
    """Ours minus the venue's, at the middle of the question."""
    before_ms = wall_ms()
    theirs_ms = await recipe.server_ms(client)
    return (before_ms + wall_ms()) // 2 - theirs_ms


async def _production_marks(clients: Mapping[str, VenueClient], settings: Settings) -> dict[str, float]:
    """Of the trading venue's production, or else of the first that gives them; empty where nobody does."""
    first = [clients[settings.trade_venue]] if settings.trade_venue in clients else []
    for client in dict.fromkeys((*first, *clients.values())):
        try:
            return await read_marks(client, settings.coins, wall_ms) if client.opened else {}
        except (VenueError, ValueError):
            continue  # the next one is asked
    return {}


async def _marks(
    client: VenueClient, settings: Settings, access: Access, production: Mapping[str, float]
) -> AsyncIterator[Finding]:
    """How far the test market's marks are from production's: prices of the map are translated by that."""
    limit_pct = settings.risk.mark_deviation_pct_max
    marks = await read_marks(client, settings.coins, wall_ms)
    for coin in settings.coins:
        what, here, there = f"{coin} mark", marks.get(coin), production.get(coin)
        if here is None or there is None:
            lacking = f"the {access}" if here is None else "production"
            yield Finding(what, Health.WARN, f"{lacking} gives none: nothing is entered without both")
            continue
        away_pct = (here / there - 1) * 100
        text = f"{here:,.8g} on the {access}, {there:,.8g} in production: {away_pct:+.2f} %, limit {limit_pct:g} %"
        fits = abs(away_pct) <= limit_pct
        yield Finding(what, Health.OK if fits else Health.WARN, text if fits else f"{text}: nothing is entered")


# --- the account ------------------------------------------------------------------------------------------------------


async def _account(
    client: VenueClient, settings: Settings, access: Access, *, canary: bool
) -> AsyncIterator[Finding]:
    recipe = credentials.trading_adapter_for(settings)
    await client.open(settings.coins)
    try:
        rights = await credentials.check_permissions(
            client, recipe, with_money=access == "live", accept_unknown=settings.network.accept_unknown_rights
        )
    except ExpectedError as error:
        yield Finding("key", Health.FAIL, str(error), Exit.CONFIG)
        return
    scope = "may trade, may not withdraw or transfer" if rights.may_withdraw is False else rights.note
    account = credentials.account_of(rights, settings)
    yield Finding("key", Health.OK if rights.may_withdraw is False else Health.WARN, f"{scope}; account {account}")
    if rights.expires_ms is not None:
        yield _expiry(rights.expires_ms)
    wallet_usd = await recipe.wallet_usd(client)
    yield Finding("wallet", Health.OK if wallet_usd > 0 else Health.WARN, f"{wallet_usd:,.2f} USD")
    for instrument in client.instruments(settings.coins):
        traded = traded_on(client, instrument)
        yield await _settings(client, recipe, traded, settings)
        yield await _orders(client, recipe, traded)
        if canary:
            yield await _canary(client, recipe, traded)


def _expiry(expires_ms: int) -> Finding:
    """Of the key: a bot whose key ends can place no stop any more."""
    left_days = (expires_ms - wall_ms()) / DAY_MS
    text = f"ends in {left_days:,.0f} days" if left_days >= 1 else f"ends in {left_days * 24:.0f} hours"
    verdict = Health.FAIL if left_days < 1 else Health.WARN if left_days < KEY_DAYS_WARN else Health.OK
    return Finding("key's end", verdict, f"{text}; make a new one in time" if verdict is not Health.OK else text,
                   Exit.CONFIG)


async def _settings(client: VenueClient, recipe: TradingAdapter, traded: TradedContract, settings: Settings) -> Finding:
    found = await recipe.settings(client, traded)
    what, text = f"{traded.instrument.coin} margin", f"{'isolated' if found.isolated else 'cross'}, {found.leverage:g}x"
    if not found.one_way:
        return Finding(what, Health.FAIL, "hedge mode: switch the account to one-way mode", Exit.CONFIG)
    if not found.isolated or found.leverage > settings.risk.leverage_max:
        return Finding(what, Health.WARN, f"{text}; set before the first entry")
    return Finding(what, Health.OK, f"{text}, one-way")


async def _orders(client: VenueClient, recipe: TradingAdapter, traded: TradedContract) -> Finding:
    resting = await recipe.resting(client, traded)
    position = await recipe.position(client, traded)
    foreign = [order for order in resting if client_order_id.purpose_of(order.client_id) is None]
    text = f"holds {position.signed_base}, {len(resting)} orders rest"
    if position.adl_rank is not None and position.signed_base:
        text += f", rank {position.adl_rank} of 5 to be deleveraged"
    if foreign:
        return Finding(f"{traded.instrument.coin} orders", Health.WARN, f"{text}, {len(foreign)} of them not ours")
    verdict = Health.WARN if near_deleveraging(position) else Health.OK
    return Finding(f"{traded.instrument.coin} orders", verdict, text)


async def _canary(client: VenueClient, recipe: TradingAdapter, traded: TradedContract) -> Finding:
    what = f"{traded.instrument.coin} stop canary"
    found = await stop_canary.fly(
        client, recipe, traded, client_order_id.client_id(CANARY_NAME, wall_ms(), Purpose.STOP)
    )
    if found.failure:
        return Finding(what, Health.FAIL, found.failure)
    return Finding(what, Health.WARN if found.note else Health.OK, found.note or "placed, read back and cancelled")
