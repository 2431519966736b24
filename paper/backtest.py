"""A backtest: the whole house over a tape, in a plain loop, with a journal when asked."""

import contextlib
import resource
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from liqbot import places
from liqbot.blocks import EventBlock
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Instrument
from liqbot.journal import Journal, JournalLimits, JournalReader
from liqbot.settings import Settings
from paper.assembly import engine_of, exchange_of, opening_facts, seeded_journal_id
from paper.house import House, Observer
from paper.listings import listed_or_assumed
from paper.observation import Observation
from paper.report import BacktestReport, Speed
from paper.tape import BATCH_ROWS, Tape
from paper.tape_format import AGGREGATE, TapeError
from paper.tape_info import info_of

MODE: Final = "backtest"
ACCOUNT: Final = "paper"


def fitted(settings: Settings, tape: Tape) -> Settings:
    """The settings with venues and coins as the tape has them. Trades happen on `trade_venue` where the tape has trades
    of it, else on the venue with the largest volume; only coins with trades there are traded."""
    volume_usd: dict[str, float] = {}
    for held in tape.holdings:
        if held.kind == "trades" and held.venue != AGGREGATE:
            volume_usd[held.venue] = volume_usd.get(held.venue, 0.0) + held.total
    if not volume_usd:
        raise TapeError(f"{tape.path}: has no trades of any venue, nothing could be filled")
    chosen = settings.trade_venue
    if chosen not in volume_usd:
        chosen = max(sorted(volume_usd), key=lambda venue: volume_usd[venue])
    traded = {held.coin for held in tape.holdings if held.kind == "trades" and held.venue == chosen}
    return settings.model_copy(
        update={
            "venues": tuple(venue for venue in tape.roster.venues if venue != AGGREGATE),
            "coins": tuple(coin for coin in tape.roster.coins if coin in traded),
            "trade_venue": chosen,
        }
    )


def backtest(
    tape: Tape,
    settings: Settings,
    *,
    profile: str,
    data: Path | None = None,
    batch_rows: int = BATCH_ROWS,
    observers: Sequence[Observer] = (),
) -> BacktestReport:
    """Run the tape and report. With `data` a journal is written there, replacing that of an earlier backtest."""
    started_s = time.perf_counter()
    settings = fitted(settings, tape)
    observation = Observation(settings, settings.coins)
    with contextlib.ExitStack() as stack:
        journal = None if data is None else stack.enter_context(_new_journal(data, settings, tape))
        house = house_of(settings, tape, journal=journal, observers=(observation, *observers))
        run(house, tape.blocks(batch_rows=batch_rows))
        report = observation.report(info_of(tape), profile, house.engine.account.equity_usd)
    seconds = time.perf_counter() - started_s
    speed = Speed(seconds, report.rows / seconds, report.bars / seconds, peak_memory_mb())
    kept = str(places.journal_path(data)) if data is not None else None
    return msgspec.structs.replace(report, speed=speed, journal=kept)


def house_of(
    settings: Settings, tape: Tape, *, journal: Journal | None = None, observers: Sequence[Observer] = ()
) -> House:
    """A house that has been told everything it must know before the tape's first row. `settings` fit the tape."""
    journal_id = seeded_journal_id(0) if journal is None else journal.stamp.journal_id
    listed = contracts_of(settings, tape)
    exchange = exchange_of(settings, tape.roster, listed)
    engine = engine_of(settings, tape.roster, journal_id, listed)
    house = House(engine, exchange, journal=journal, observers=observers, source="tape")
    house.open(
        opening_facts(
            settings, tape.roster, exchange, journal_id=journal_id, time_ms=tape.first_ms, instruments=listed, mode=MODE
        )
    )
    return house


def contracts_of(settings: Settings, tape: Tape) -> tuple[Instrument, ...]:
    """The tape's own contracts where its header has them, else those the paper exchange lists, else assumed ones."""
    recorded = {(one.venue, one.coin): one for one in tape.header.instruments if not one.inverse}
    venue = settings.trade_venue
    return tuple(recorded.get((venue, coin)) or listed_or_assumed(venue, coin) for coin in settings.coins)


def run(house: House, blocks: Iterable[EventBlock]) -> None:
    """The loop."""
    for block in blocks:
        house.step(block)


@contextlib.contextmanager
def _new_journal(data: Path, settings: Settings, tape: Tape) -> Iterator[Journal]:
    path = places.journal_path(data)
    _make_room(path)
    limits = JournalLimits(
        commit_ms=settings.journal.commit_ms,
        group_rows=settings.journal.group_rows,
        queue_rows_max=settings.journal.queue_rows_max,
        stuck_after_ms=settings.journal.stuck_after_ms,
    )
    with Journal.open(path, mode=MODE, account=ACCOUNT, roster=tape.roster, limits=limits) as journal:
        yield journal


def _make_room(path: Path) -> None:
    """An earlier backtest's books give way; those of any other mode are never touched."""
    if not path.exists():
        return
    with JournalReader(path) as reader:
        mode = reader.stamp.mode
        roster = reader.stamp.roster
    if mode != MODE:
        raise ExpectedError(f"{path}: is the journal of mode {mode!r}; give a backtest another --data", Exit.CONFIG)
    # Taking the writer's lock first: a backtest that is still running keeps its books.
    Journal.open(path, mode=MODE, account=ACCOUNT, roster=roster).close()
    ledger = places.ledger_path(path.parent)
    for book in (path, ledger):
        for suffix in ("", "-wal", "-shm"):
            book.with_name(book.name + suffix).unlink(missing_ok=True)


def peak_memory_mb() -> float:
    """Of this process, since it began."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
