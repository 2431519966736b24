"""Where a map to look at comes from: the ledger, a journal, a tape, or a file with a map as JSON."""

import contextlib
import importlib.metadata
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from liqbot import places
from liqbot.blocks import EventBlock, Roster
from liqbot.events import ConfigLoaded, Event, JournalOpened
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import AGGREGATE
from liqbot.market.market import Market
from liqbot.market.params import MarketParams
from liqbot.market.record import RECORD_VERSION, Record, filtered_record
from liqbot.market.view import MarketView
from liqbot.review.durations import instant_ms
from liqbot.review.ledger_reader import Ledger
from liqbot.review.parameters import (
    Choice,
    Parameters,
    ledger_parameters,
    profile_parameters,
    recorded_parameters,
)
from liqbot.review.progress import progress, watched
from liqbot.review.reading import MapReading, reading_from, reading_of
from liqbot.sqlite_files import connect_reading

if TYPE_CHECKING:
    from liqbot.journal import JournalReader

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


def time_of(text: str | None, name: str = "--at") -> int | None:
    """`instant_ms` of an option; None where it is not given."""
    return None if text is None else instant_ms(text, name)


def words_of(text: str | None, name: str = "--venue") -> tuple[str, ...] | None:
    """`a,b` of an option; None where it is not given. ExpectedError (usage) where it names nothing: nothing of a map is
    an empty map, which looks like one that knows of nobody."""
    if text is None:
        return None
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    if not words:
        raise ExpectedError(f"{name} {text!r}: names separated by commas, as in binance,bybit", Exit.USAGE)
    return words


def numbers_of(text: str | None, name: str = "--leverage") -> tuple[float, ...] | None:
    """`50,100` likewise. ExpectedError (usage) for what is no number."""
    try:
        numbers = None if text is None else tuple(float(word) for word in text.split(",") if word.strip())
    except ValueError:
        numbers = ()
    if numbers == ():
        raise ExpectedError(f"{name} {text!r}: numbers separated by commas, as in 50,100", Exit.USAGE)
    return numbers


class FoundMap(NamedTuple):
    """A map, and the parameters of the run it belongs to (or of the profile that was named)."""

    reading: MapReading
    parameters: Parameters


def find_map(
    query: MapQuery, choice: Choice, *, db: Path | None = None, tape: Path | None = None, data: Path | None = None
) -> FoundMap:
    """From the tape or file given, else from the state directory: its journal, else its ledger."""
    if tape is not None:
        return labelled(from_tape(tape, query, choice))
    directory = places.data_dir(data, choice.profile_name)
    journal, ledger = places.journal_path(directory), places.ledger_path(directory)
    if db is None and not journal.is_file() and not ledger.is_file():
        raise ExpectedError(
            f"no journal or ledger in {directory}: start the bot (liqbot paper), or name a tape with --tape",
            Exit.NOT_FOUND,
        )
    place = db or (journal if journal.is_file() else ledger)
    return labelled(
        from_journal(place, query, choice) if _is_journal(place) else from_ledger(place, query, choice)
    )


def labelled(found: FoundMap) -> FoundMap:
    """The record says which parameters it was made with."""
    return found._replace(reading=found.reading.noted(parameters=found.parameters.origin))


def from_file(path: Path, choice: Choice) -> FoundMap:
    """A map as `liqbot map --json` prints it; it carries no parameters, so the profile's count."""
    try:
        record = json.loads(path.read_bytes())
    except OSError as error:
        raise ExpectedError(f"{path}: cannot be read ({error.strerror})", Exit.USAGE) from None
    except ValueError as error:
        raise ExpectedError(f"{path}: not JSON ({error})", Exit.USAGE) from None
    if not isinstance(record, dict) or record.get("version", RECORD_VERSION) != RECORD_VERSION:
        raise ExpectedError(f"{path}: no map of version {RECORD_VERSION}", Exit.USAGE)
    return FoundMap(_stored(record, str(path)), profile_parameters(choice))


def from_tape(path: Path, query: MapQuery, choice: Choice) -> FoundMap:
    """The tape folded up to its end, or to the time requested, with the profile's parameters."""
    readers = tuple(importlib.metadata.entry_points(group=TAPES))
    if not readers:
        raise ExpectedError("reading a tape needs the package that holds tapes; install liqbot with ./run")
    tape = readers[0].load()(path)
    parameters = profile_parameters(choice)
    settings = parameters.settings()
    venues: Sequence[str] = tape.roster.venues
    first = next((venue for venue in venues if venue != AGGREGATE), venues[0])
    reference = settings.trade_venue if settings.trade_venue in venues else first
    fold = MarketFold(Market(settings.market, tape.roster, reference), settings.market)
    until_ms = tape.last_ms if query.at_ms is None else min(query.at_ms, tape.last_ms)
    with progress(f"map of {path.name}") as advance:
        blocks = watched(tape.blocks(), tape.first_ms, until_ms, advance)
        return FoundMap(fold.read(blocks, query, str(path)), parameters)


def from_journal(path: Path, query: MapQuery, choice: Choice) -> FoundMap:
    """The newest snapshot before the time requested, and the records after it. With the parameters that the journal
    recorded, as they changed, unless the command line names others: these count from that snapshot on."""
    from liqbot.journal import JournalReader

    with JournalReader(path) as reader:
        begin = begin_of(reader, query.at_ms)
        first_ms, last_ms = max(begin.market.folded_ms, begin.opened.time_ms), reader.last_ms
        until_ms = last_ms if query.at_ms is None else min(query.at_ms, last_ms)
        with progress(f"map from {path.name}") as advance:
            blocks = watched(reader.blocks(begin.from_seq), first_ms, until_ms, advance)
            return _journal_folded(path, blocks, begin, query, choice)


class Begin(NamedTuple):
    """Where a journal is read on from, and what was in force there."""

    market: Market
    opened: JournalOpened
    config: ConfigLoaded
    from_seq: int


def begin_of(reader: "JournalReader", at_ms: int | None) -> Begin:
    from liqbot.journal.rerun import SNAPSHOT_NAME
    from liqbot.runtime.assembly import recorded_engine, snapshot_version
    from liqbot.runtime.recovery import configuration_at

    opened, _, config = reader.opening()
    if opened is None or config is None:
        raise ExpectedError(f"journal {reader.path} has not begun yet", Exit.NOT_FOUND)
    before_seq = None if at_ms is None else reader.seq_at(at_ms)
    for snapshot in reader.snapshots(SNAPSHOT_NAME, snapshot_version(), to_seq=before_seq):
        then_opened, then_config = configuration_at(reader, snapshot.seq)
        engine = recorded_engine(then_opened, then_config)
        engine.restore(snapshot.data)
        if at_ms is None or engine.market.folded_ms <= at_ms:
            return Begin(engine.market, then_opened, then_config, snapshot.seq + 1)
    return Begin(recorded_engine(opened, config).market, opened, config, 1)


def _journal_folded(
    path: Path, blocks: Iterable[EventBlock], begin: Begin, query: MapQuery, choice: Choice
) -> FoundMap:
    recorded = recorded_parameters(begin.config.config_json, begin.config.digest, "journal").settings()
    fold = MarketFold(begin.market, recorded.market)
    if choice.explicit:
        parameters = profile_parameters(choice)
        fold.change(parameters.settings().market, begin.opened, recorded.trade_venue)
        return FoundMap(fold.read(blocks, query, str(path)), parameters)
    fold.follow(begin.opened, begin.config)
    reading = fold.read(blocks, query, str(path))
    last = fold.config or begin.config
    return FoundMap(reading, recorded_parameters(last.config_json, last.digest, "journal"))


class MarketFold:
    """A market on its way to the time requested."""

    def __init__(self, market: Market, params: MarketParams) -> None:
        self._market, self._params = market, params
        self._opened: JournalOpened | None = None
        self.config: ConfigLoaded | None = None
        """In force by now, where a journal's own changes of configuration are followed."""

    def follow(self, opened: JournalOpened, config: ConfigLoaded) -> None:
        self._opened, self.config = opened, config

    def change(self, params: MarketParams, opened: JournalOpened, reference: str) -> None:
        """The same state under other parameters. ExpectedError when it does not fit them."""
        market = Market(params, Roster(opened.venues, opened.coins), reference)
        try:
            market.load_state(self._market.state())
        except ValueError as error:
            raise ExpectedError(f"the recorded map does not fit these parameters: {error}", Exit.CONFIG) from None
        self._market, self._params = market, params

    def read(self, blocks: Iterable[EventBlock], query: MapQuery, name: str) -> MapReading:
        """The map of the last Tick by then. Of the steps before it nothing is read but what is learnt from: half the
        work."""
        views = self._market.views_at(self._market.folded_ms)
        last: list[EventBlock] = []
        step: list[EventBlock] = []
        for block in blocks:
            if query.at_ms is not None and block.tick_ms is not None and block.tick_ms > query.at_ms:
                break
            step.append(block)
            if block.tick_ms is not None:
                self._take(last, reading=False)
                last, step = step, []
        views = self._take(last, reading=True) or views
        self._take(step, reading=False)
        reading = reading_of(_chosen(views, query, name), self._market, split=query.split)
        return self._filtered(reading, query) if query.filtered else reading

    def _take(self, blocks: Sequence[EventBlock], *, reading: bool) -> tuple[MarketView, ...]:
        """A step, or a part of one."""
        views: tuple[MarketView, ...] = ()
        for block in blocks:
            for fact in block.facts:
                self._configured(fact)
                self._market.on_fact(fact)
            self._market.collect(block)
            if block.tick_ms is not None:
                views = self._market.on_tick(block.tick_ms, reading=reading)
        return views

    def _configured(self, fact: Event) -> None:
        if self.config is None or self._opened is None:
            return
        if isinstance(fact, JournalOpened):
            self._opened = fact
        elif isinstance(fact, ConfigLoaded) and fact.digest != self.config.digest:
            self.config = fact
            settings = recorded_parameters(fact.config_json, fact.digest, "journal").settings()
            self.change(settings.market, self._opened, settings.trade_venue)

    def _filtered(self, reading: MapReading, query: MapQuery) -> MapReading:
        try:
            part = self._market.map_of(reading.chart.coin, venues=query.venues, leverages=query.leverages)
        except ValueError as error:
            raise ExpectedError(str(error), Exit.USAGE) from None
        wanted = {"venue": query.venues, "leverage": query.leverages}
        return reading_from(filtered_record(reading.record, part, self._params.clusters, wanted))._replace(chart=part)


def _chosen(views: Sequence[MarketView], query: MapQuery, name: str) -> MarketView:
    fitting = [view for view in views if query.coin in {None, view.coin}]
    if not fitting:
        coins = ", ".join(view.coin for view in views) or "none yet"
        raise ExpectedError(f"{name}: no map of {query.coin or 'any coin'} by then; it has {coins}", Exit.NOT_FOUND)
    return fitting[0]


def from_ledger(place: Path | str, query: MapQuery, choice: Choice) -> FoundMap:
    """The newest stored map, or the newest before the time requested; its venues and leverages are not stored."""
    if query.filtered or query.split:
        remedy = "for --venue, --leverage and --split name the journal with --db"
        raise ExpectedError(f"the ledger stores whole maps: {remedy}", Exit.USAGE)
    with Ledger(str(place)) as ledger:
        rows = ledger.rows(
            "SELECT coin, time_ms, mark_price, bins, forecast FROM map_snapshot WHERE coin = COALESCE(?, coin) "
            "AND time_ms <= COALESCE(?, time_ms) ORDER BY time_ms DESC, id DESC LIMIT 1", [query.coin, query.at_ms],
        )
        parameters = ledger_parameters(ledger, choice, query.at_ms)
    if not rows:
        raise ExpectedError(f"{place}: no map of {query.coin or 'any coin'} stored by then", Exit.NOT_FOUND)
    row: dict[str, Any] = rows[0]
    bins, forecast = (
        json.loads(row[name]) if isinstance(row[name], str) else row[name] for name in ("bins", "forecast")
    )
    record = {
        "version": RECORD_VERSION, "coin": row["coin"], "time_ms": row["time_ms"],
        "mark_price": row["mark_price"] / 1e9, "bins": bins, "forecast": forecast,
    }
    return FoundMap(_stored(record, str(place)), parameters)


def _stored(record: Record, name: str) -> MapReading:
    try:
        return reading_from(record)
    except ValueError as error:
        raise ExpectedError(f"{name}: {error}", Exit.USAGE) from None


def _is_journal(place: Path) -> bool:
    """A journal has blocks, and keeps its name when it is damaged: its own reader says then what to do. Anything else
    is for the ledger's reader to accept or refuse."""
    import sqlite3

    if str(place).startswith("postgres") or not place.is_file():
        return False
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'block'"
    try:
        with contextlib.closing(connect_reading(place)) as connection:
            return connection.execute(query).fetchone() is not None
    except (sqlite3.DatabaseError, OSError):
        return place == places.journal_path(place.parent)
