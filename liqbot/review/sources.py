"""Where a map to look at comes from: the ledger, a journal, a tape, or a file with a map as JSON."""

import importlib.metadata
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from liqbot import places
from liqbot.blocks import EventBlock
from liqbot.exits import Exit, ExpectedError
from liqbot.market.market import Market
from liqbot.market.observed.open_interest import AGGREGATE
from liqbot.market.params import MarketParams
from liqbot.market.record import RECORD_VERSION, Record, filtered_record, map_record
from liqbot.market.view import MarketView

TAPES: Final = "liqbot.tapes"
"""Entry-point group of the function that reads a tape: path -> object with `roster` and `blocks()`."""


class MapQuery(msgspec.Struct, frozen=True):
    """What the reader of a map wants to see; None: everything, the newest, the only coin."""

    coin: str | None = None
    at_ms: int | None = None
    venues: tuple[str, ...] | None = None
    leverages: tuple[float, ...] | None = None
    split: bool = False

    @property
    def filtered(self) -> bool:
        return self.venues is not None or self.leverages is not None


def time_of(text: str | None) -> int | None:
    """ISO time (UTC unless it says otherwise) or milliseconds."""
    if text is None:
        return None
    if text.isdigit():
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        hint = "neither an ISO time (2025-10-10T21:00) nor milliseconds"
        raise ExpectedError(f"--at {text!r}: {hint}", Exit.USAGE) from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)


def find_map(
    asked: MapQuery,
    *,
    db: Path | None = None,
    tape: Path | None = None,
    data: Path | None = None,
    profile: str = "paper",
) -> Record:
    """From the tape or file given, else from the state directory: its journal, else its ledger."""
    if tape is not None:
        return from_tape(tape, asked)
    directory = places.data_dir(data, profile)
    journal, ledger = places.journal_path(directory), places.ledger_path(directory)
    if db is None and not journal.is_file() and not ledger.is_file():
        raise ExpectedError(
            f"no journal or ledger in {directory}: start the bot (liqbot paper), or name a tape with --tape",
            Exit.NOT_FOUND,
        )
    place = db or (journal if journal.is_file() else ledger)
    return from_journal(place, asked) if _is_journal(place) else from_ledger(place, asked)


def from_file(path: Path) -> Record:
    """A map as `liqbot map --json` prints it."""
    try:
        record = json.loads(path.read_bytes())
    except OSError as error:
        raise ExpectedError(f"{path}: cannot be read ({error.strerror})", Exit.USAGE) from None
    except ValueError as error:
        raise ExpectedError(f"{path}: not JSON ({error})", Exit.USAGE) from None
    if not isinstance(record, dict) or record.get("version", RECORD_VERSION) != RECORD_VERSION:
        raise ExpectedError(f"{path}: no map of version {RECORD_VERSION}", Exit.USAGE)
    return record


def from_tape(path: Path, asked: MapQuery) -> Record:
    """The tape folded up to its end, or to the time asked for."""
    readers = tuple(importlib.metadata.entry_points(group=TAPES))
    if not readers:
        raise ExpectedError("reading a tape needs the package that holds tapes; install liqbot with ./run")
    tape = readers[0].load()(path)
    venues: Sequence[str] = tape.roster.venues
    home = next((venue for venue in venues if venue != AGGREGATE), venues[0])
    market = Market(MarketParams(), tape.roster, home)
    return _folded(market, tape.blocks(), asked, str(path))


def from_journal(path: Path, asked: MapQuery) -> Record:
    """The newest snapshot before the time asked for, and the records after it."""
    from liqbot.journal import JournalReader
    from liqbot.journal.rerun import SNAPSHOT_NAME
    from liqbot.runtime.assembly import SNAPSHOT_VERSION, recorded_engine

    with JournalReader(path) as reader:
        opened, _, config = reader.opening()
        if opened is None or config is None:
            raise ExpectedError(f"journal {path} has not begun yet", Exit.NOT_FOUND)
        engine = recorded_engine(opened, config)
        from_seq = 1
        for snapshot in reader.snapshots(SNAPSHOT_NAME, SNAPSHOT_VERSION)[0]:
            engine.restore(snapshot.data)
            if asked.at_ms is None or engine.market.folded_ms <= asked.at_ms:
                from_seq = snapshot.seq + 1
                break
            engine = recorded_engine(opened, config)
        return _folded(engine.market, reader.blocks(from_seq), asked, str(path))


def _folded(market: Market, blocks: Iterable[EventBlock], asked: MapQuery, name: str) -> Record:
    views = market.views_at(market.folded_ms)
    for block in blocks:
        if asked.at_ms is not None and block.tick_ms is not None and block.tick_ms > asked.at_ms:
            break
        for fact in block.facts:
            market.on_fact(fact)
        market.collect(block)
        if block.tick_ms is not None:
            views = market.on_tick(block.tick_ms)
    view = _chosen(views, asked, name)
    record = map_record(view, market, split=asked.split)
    if not asked.filtered:
        return record
    try:
        drawn = market.map_of(view.coin, venues=asked.venues, leverages=asked.leverages)
    except ValueError as error:
        raise ExpectedError(str(error), Exit.USAGE) from None
    wanted = {"venue": asked.venues, "leverage": asked.leverages}
    return filtered_record(record, drawn, MarketParams().clusters, wanted)


def _chosen(views: Sequence[MarketView], asked: MapQuery, name: str) -> MarketView:
    found = [view for view in views if asked.coin in {None, view.coin}]
    if not found:
        coins = ", ".join(view.coin for view in views) or "none yet"
        raise ExpectedError(f"{name}: no map of {asked.coin or 'any coin'} by then; it has {coins}", Exit.NOT_FOUND)
    return found[0]


def from_ledger(place: Path | str, asked: MapQuery) -> Record:
    """The newest stored map, or the newest before the time asked for; its venues and leverages are not stored."""
    from liqbot.review.ledger_reader import Ledger

    if asked.filtered or asked.split:
        remedy = "for --venue, --leverage and --split name the journal with --db"
        raise ExpectedError(f"the ledger stores whole maps: {remedy}", Exit.USAGE)
    with Ledger(str(place)) as ledger:
        rows = ledger.rows(
            "SELECT coin, time_ms, mark_price, bins FROM map_snapshot WHERE (? IS NULL OR coin = ?) "
            "AND (? IS NULL OR time_ms <= ?) ORDER BY time_ms DESC, id DESC LIMIT 1",
            [asked.coin, asked.coin, asked.at_ms, asked.at_ms],
        )
    if not rows:
        raise ExpectedError(f"{place}: no map of {asked.coin or 'any coin'} stored by then", Exit.NOT_FOUND)
    row: dict[str, Any] = rows[0]
    bins = json.loads(row["bins"]) if isinstance(row["bins"], str) else row["bins"]
    return {
        "version": RECORD_VERSION, "coin": row["coin"], "time_ms": row["time_ms"],
        "mark_price": row["mark_price"] / 1e9, "bins": bins,
    }


def _is_journal(place: Path) -> bool:
    """A journal has blocks; anything else is for the ledger's reader to accept or refuse."""
    import sqlite3

    if str(place).startswith("postgres") or not place.is_file():
        return False
    connection = sqlite3.connect(f"{place.resolve().as_uri()}?mode=ro", uri=True)
    try:
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'block'").fetchone()
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()
    return found is not None
