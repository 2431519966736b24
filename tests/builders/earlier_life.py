"""The books of a process that was killed as its entry left: journal and snapshot say sent, its fate is unknown.

With these a start of the real bot finds a trade under way, without a market that gives it a reason for one.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from liqbot import places
from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.commands import CancelOrder, PlaceOrder, SetLeverage
from liqbot.connection.unified_library import library_version
from liqbot.events import Balance, Event, LeverageConfirmed, PositionSnapshot, Reconciled
from liqbot.instruments import Instrument, Side
from liqbot.journal import Journal
from liqbot.journal.rerun import SNAPSHOT_NAME
from liqbot.live.credentials import account_of, trading_adapter_for, trading_client
from liqbot.risk.decision import Approved, Target
from liqbot.runtime.assembly import engine_of, opening_facts, snapshot_version
from liqbot.runtime.last_known import CONTRACTS_NAME
from liqbot.settings import Settings
from tests.builders import loopback_market as market
from tests.builders.loopback_house import Place, access_of
from tests.builders.patience import PATIENCE_S

QUANTITY, STOP_PRICE, LEVERAGE = Decimal("0.01"), Decimal(49_000), 3
DAY_MS = 86_400_000


async def entry_sent(
    here: Place, settings: Settings, data: Path, *, ago_ms: int = 0, quantity_base: Decimal = QUANTITY,
    quiet: tuple[int, int] = (0, 0),
) -> PlaceOrder:
    """Writes the books, of `ago_ms` ago. The entry that was sent; the venue has not seen it, and would carry it out.
    `quiet`: so many seconds of a market that rests before it, and between its snapshot and the end."""
    then_ms = time.time_ns() // 1_000_000 - ago_ms
    here.catch_up(ago_ms)
    await here.advance()
    client = trading_client(settings, access_of(settings))
    try:
        await client.open(settings.coins)
        rights = await trading_adapter_for(settings).permissions(client, with_money=False)
        instruments, contracts = client.instruments(settings.coins), client.contracts
    finally:
        await client.close()
    here.account.isolated = dict.fromkeys(here.account.isolated, True)  # of the whole account on Bybit
    await here.hub.execute(here.account, SetLeverage(here.venue, "BTC", LEVERAGE))
    wanted = _wanted(here.venue, then_ms, quantity_base)
    account, wallet_usd = account_of(rights, settings), here.account.wallet_usd
    return _written(settings, data, account, instruments, wanted, wallet_usd, then_ms, contracts, quiet)


async def stops_taken_away(here: Place) -> None:
    """As if they had never ridden on the entry."""
    for order in here.account.open_orders("BTC"):
        if order.command.trigger_price is not None:
            await here.hub.execute(here.account, CancelOrder(order.command.client_id, here.venue, "BTC"))
    await here.advance()
    assert here.stopped_base == Decimal(0)


def _written(
    settings: Settings, data: Path, account: str, instruments: Sequence[Instrument], wanted: Target,
    wallet_usd: Decimal, now_ms: int, contracts: bytes, quiet: tuple[int, int],
) -> PlaceOrder:
    roster = Roster(settings.venues, settings.coins)
    with Journal.open(places.journal_path(data), mode=settings.mode, account=account, roster=roster) as journal:
        journal_id = journal.stamp.journal_id
        engine = engine_of(settings, roster, journal_id, instruments)
        before, after = quiet
        sent_ms, seconds = now_ms - after * 1_000, range(1_000, 1_000 * (max(quiet) + 1), 1_000)
        blocks = [
            EventBlock(facts=opening_facts(settings, roster, journal_id, instruments, sent_ms - before * 1_000)),
            *(_second(settings.trade_venue, roster, sent_ms - one_ms) for one_ms in reversed(seconds[:before])),
            EventBlock(facts=_account_read(settings.trade_venue, sent_ms, wallet_usd)),
            EventBlock(tick_ms=sent_ms),
            *(_second(settings.trade_venue, roster, sent_ms + one_ms) for one_ms in seconds[:after]),
        ]
        for number, block in enumerate(blocks, 1):
            if number == len(blocks) - after:
                engine.order_manager.adopt(Approved(wanted))
            seq = journal.append(block, "inbox", number)
            step = engine.on_block(block)
            journal.record(seq, step)
            if number == len(blocks) - after:
                (entry,) = step.commands
                journal.save_snapshot(SNAPSHOT_NAME, seq, snapshot_version(), engine.snapshot())
                journal.save_snapshot(CONTRACTS_NAME, seq, library_version(), contracts)
    assert isinstance(entry, PlaceOrder)
    return entry


def _second(venue: str, roster: Roster, tick_ms: int) -> EventBlock:
    """In which nothing moves."""
    rows = market.flat(venue, "BTC", (tick_ms - market.START_MS) // 1_000)
    return block_of(rows, roster, tick_ms=tick_ms)


def _account_read(venue: str, now_ms: int, wallet_usd: Decimal) -> tuple[Event, ...]:
    here = {"time_ms": now_ms, "venue": venue, "coin": "BTC"}
    return (
        Balance(**here, wallet_usd=wallet_usd),
        LeverageConfirmed(**here, leverage=float(LEVERAGE), isolated=True),
        PositionSnapshot(
            **here, side=Side.LONG, quantity_base=Decimal(0), entry_price=Decimal(0), leverage=float(LEVERAGE),
            isolated=True,
        ),
        Reconciled(**here),
    )  # fmt: skip


def _wanted(venue: str, now_ms: int, quantity_base: Decimal) -> Target:
    return Target(
        decision_id=1, venue=venue, coin="BTC", strategy="test", side=Side.LONG, quantity_base=quantity_base,
        limit_price=None, leverage=LEVERAGE, stop_price=STOP_PRICE, take_price=None,
        liquidation_price=Decimal(40_000), expires_ms=now_ms + DAY_MS, exit_by_ms=now_ms + DAY_MS, reason="test",
    )  # fmt: skip


@contextlib.contextmanager
def held_by_another(
    data: Path, *, book: Callable[[Path], Path] = places.journal_path, until_gone: Path | None = None
) -> Iterator[None]:
    """Another program has a book locked for writing, at the longest until a file has gone: whoever waits for its
    commits waits. In a thread of its own, because an end in order waits for the journal on the event loop."""
    locked, release = threading.Event(), threading.Event()

    def hold() -> None:
        other = sqlite3.connect(book(data), isolation_level=None, timeout=PATIENCE_S)
        try:
            other.execute("BEGIN IMMEDIATE")
            locked.set()
            while not release.wait(0.02) and (until_gone is None or until_gone.exists()):
                pass
        finally:
            other.close()

    holder = threading.Thread(target=hold, daemon=True)
    holder.start()
    assert locked.wait(PATIENCE_S), "the book was never free"
    try:
        yield
    finally:
        release.set()
        holder.join()
