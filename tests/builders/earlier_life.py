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
from liqbot.blocks import EventBlock, Roster
from liqbot.commands import PlaceOrder, SetLeverage
from liqbot.events import Balance, Event, LeverageConfirmed, PositionSnapshot, Reconciled
from liqbot.instruments import Instrument, Side
from liqbot.journal import Journal
from liqbot.journal.rerun import SNAPSHOT_NAME
from liqbot.live.credentials import account_of, trading_adapter_for, trading_client
from liqbot.risk.decision import Approved, Target
from liqbot.runtime.assembly import SNAPSHOT_VERSION, engine_of, opening_facts
from liqbot.settings import Settings
from tests.builders.loopback_house import Place, access_of

QUANTITY, STOP_PRICE, LEVERAGE = Decimal("0.01"), Decimal(49_000), 3
DAY_MS = 86_400_000


async def entry_sent(
    here: Place, settings: Settings, data: Path, *, ago_ms: int = 0, quantity_base: Decimal = QUANTITY
) -> PlaceOrder:
    """Writes the books, of `ago_ms` ago. The entry that was sent; the venue has not seen it, and would carry it out."""
    then_ms = time.time_ns() // 1_000_000 - ago_ms
    here.catch_up(ago_ms)
    await here.advance()
    client = trading_client(settings, access_of(settings))
    try:
        await client.open(settings.coins)
        rights = await trading_adapter_for(settings).permissions(client, with_money=False)
        instruments = client.instruments(settings.coins)
    finally:
        await client.close()
    here.account.isolated["BTC"] = True
    await here.hub.execute(here.account, SetLeverage(here.venue, "BTC", LEVERAGE))
    wanted = _wanted(here.venue, then_ms, quantity_base)
    return _written(settings, data, account_of(rights, settings), instruments, wanted, here.account.wallet_usd, then_ms)


def _written(
    settings: Settings, data: Path, account: str, instruments: Sequence[Instrument], wanted: Target,
    wallet_usd: Decimal, now_ms: int,
) -> PlaceOrder:
    roster = Roster(settings.venues, settings.coins)
    with Journal.open(places.journal_path(data), mode=settings.mode, account=account, roster=roster) as journal:
        journal_id = journal.stamp.journal_id
        engine = engine_of(settings, roster, journal_id, instruments)
        blocks = [
            EventBlock(facts=opening_facts(settings, roster, journal_id, instruments, now_ms)),
            EventBlock(facts=_account_read(settings.trade_venue, now_ms, wallet_usd)),
            EventBlock(tick_ms=now_ms),
        ]
        for number, block in enumerate(blocks, 1):
            if block.tick_ms is not None:
                engine.desk.adopt(Approved(wanted))
            seq = journal.append(block, "inbox", number)
            step = engine.on_block(block)
            journal.record(seq, step)
        journal.save_snapshot(SNAPSHOT_NAME, seq, SNAPSHOT_VERSION, engine.snapshot())
    (entry,) = step.commands
    assert isinstance(entry, PlaceOrder)
    return entry


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
        other = sqlite3.connect(book(data), isolation_level=None, timeout=30)
        try:
            other.execute("BEGIN IMMEDIATE")
            locked.set()
            while not release.wait(0.02) and (until_gone is None or until_gone.exists()):
                pass
        finally:
            other.close()

    holder = threading.Thread(target=hold, daemon=True)
    holder.start()
    assert locked.wait(60), "the book was never free"
    try:
        yield
    finally:
        release.set()
        holder.join()
