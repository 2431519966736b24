"""What a tape holds (kinds by venue and coin, spans) and units that only the whole file can give away."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.blocks import Roster, Rows
from liqbot.instruments import AGGREGATE
from paper.tapes.decode import DecodedPart, by_key, series_of
from paper.tapes.format import ALL_COLUMNS, KIND_OF_WORD, NUMBER, WORD_OF_KIND
from paper.tapes.holes import Gaps, Hole, share_covered
from paper.tapes.told_twice import ToldTwice
from paper.tapes.validation import PRICE_JUMP_MAX, Floats, Indices, TapeFault

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 86_400_000
# Daily volume over open interest. Venues lie between .05 and 50; a coin amount in a USD column is off by the price.
TURNOVER_MAX: Final = 500.0
TURNOVER_MIN: Final = 0.002
TURNOVER_MIN_AGGREGATE: Final = 0.0001
# Funding per eight hours: .01 % is usual, so a whole tape below .0006 holds fractions and one above .5 basis points.
FRACTION_BELOW_PCT: Final = 0.0006
BPS_ABOVE_PCT: Final = 0.5
_JUDGE_FROM_ROWS: Final = 30


class TapeSeries(msgspec.Struct):
    """All rows of one kind, venue and coin. `kind` is the word used in the file."""

    kind: str
    venue: str
    coin: str
    first_row: int
    rows: int = 0
    first_ms: int = 0
    last_ms: int = 0
    span_ms: int = 0
    """Longest span; 0 where the kind has none."""
    spacing_ms: int = 0
    """Shortest time between two rows seen; 0 while unknown."""
    total_usd: float = 0.0
    """Volume, or open interest summed over its rows."""
    covered_ms: int = 0
    first_price: float = 0.0
    last_price: float = 0.0
    """The first open and the last close of its bars."""
    suspect: int = 0
    """Rows whose value would be usual in another unit."""
    nonzero: int = 0
    wild: int = 0
    """Rates that would be usual in basis points."""
    filled: int = 0
    """Rows with their optional cells: the taker split of trades, the index beside a mark."""
    holes: tuple[Hole, ...] = ()
    """Times of the tape of which it tells nothing."""
    covered_share: float = 1.0
    """Of the tape's time, by its holes."""


class Survey:
    """Grows part by part; `faults` at the end."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, int, int], TapeSeries] = {}
        self._prices: dict[tuple[int, int], float] = {}
        self.ignored_cells: dict[str, int] = {}
        """Filled cells in columns the row's kind does not use, by column."""
        self.told_twice = ToldTwice()
        self._gaps: dict[tuple[str, int, int], Gaps] = {}

    def add(self, part: DecodedPart, names: Roster) -> TapeFault | None:
        """Spans that overlap and jumps of the price are reported at once, with the row."""
        found: list[TapeFault | None] = []
        for kind, rows in part.rows.items():
            for chosen in series_of(rows):
                series, at = rows[chosen], part.at[kind][chosen]
                self._count(kind, series, int(at[0]), names)
                found.append(self.told_twice.add(kind, series, at, names))
        found.append(self._price_fault(part, names))
        return min((fault for fault in found if fault is not None), key=lambda fault: fault.row, default=None)

    def _count(self, kind: str, rows: Rows, first_row: int, names: Roster) -> None:
        venue, coin = int(rows["venue"][0]), int(rows["coin"][0])
        held = self._held.get((kind, venue, coin))
        first_ms = int(rows["time_ms"][0])
        if held is None:
            held = TapeSeries(WORD_OF_KIND[kind], names.venues[venue], names.coins[coin], first_row, first_ms=first_ms)
            self._held[kind, venue, coin] = held
            self._gaps[kind, venue, coin] = Gaps(kind)
        elif first_ms > held.last_ms:
            held.spacing_ms = min(held.spacing_ms or first_ms - held.last_ms, first_ms - held.last_ms)
        gaps = np.diff(rows["time_ms"])
        gaps = gaps[gaps > 0]
        if len(gaps):
            held.spacing_ms = min(held.spacing_ms or int(gaps.min()), int(gaps.min()))
        held.rows += len(rows)
        held.last_ms = int(rows["time_ms"][-1])
        if "span_ms" in (rows.dtype.names or ()):
            held.span_ms = max(held.span_ms, int(rows["span_ms"].max()))
        self._gaps[kind, venue, coin].add(rows)
        _weigh(kind, rows, held)

    def _price_fault(self, part: DecodedPart, names: Roster) -> TapeFault | None:
        faults = [self._jump(*prices) for prices in _prices(part, len(names.coins))]
        found = [fault for fault in faults if fault is not None]
        return min(found, key=lambda fault: fault.row, default=None)

    def _jump(self, key: tuple[int, int], at: Indices, entered: Floats, left: Floats) -> TapeFault | None:
        before = np.concatenate(([self._prices.get(key, entered[0])], left[:-1]))
        self._prices[key] = float(left[-1])
        wild = (entered > before * PRICE_JUMP_MAX) | (before > entered * PRICE_JUMP_MAX)
        if not wild.any():
            return None
        index = int(wild.argmax())
        wanted = f"a jump of more than x{PRICE_JUMP_MAX:g} from {before[index]:g} within one venue: a wrong unit?"
        return TapeFault(int(at[index]), "price", float(entered[index]), wanted)

    def note_unused(self, batch: Any, part: DecodedPart) -> None:
        """Count filled cells that belong to no kind in their row: read over, but worth telling."""
        for name, holds in ALL_COLUMNS.items():
            if holds != NUMBER or name not in batch.schema.names:
                continue
            column = batch.column(name)
            used = [rows[name] for rows in part.rows.values() if name in (rows.dtype.names or ())]
            most = sum(len(values) for values in used)
            if len(column) - column.null_count <= min(most, sum(int(np.isfinite(values).sum()) for values in used)):
                continue
            filled = int(np.isfinite(column.to_numpy(zero_copy_only=False).astype(np.float64)).sum())
            extra = filled - sum(int(np.isfinite(values).sum()) for values in used)
            if extra > 0:
                self.ignored_cells[name] = self.ignored_cells.get(name, 0) + extra

    def holdings(self) -> tuple[TapeSeries, ...]:
        """By kind in the order of the format, then venue, then coin."""
        began_ms = [gaps.began_ms for gaps in self._gaps.values() if gaps.began_ms]
        first_ms = min([*began_ms, *(held.first_ms for held in self._held.values())])
        last_ms = max(held.last_ms for held in self._held.values())
        for key, held in self._held.items():
            held.holes = self._gaps[key].within(first_ms, last_ms)
            held.covered_share = share_covered(held.holes, first_ms, last_ms)
        order = list(KIND_OF_WORD)
        return tuple(sorted(self._held.values(), key=lambda held: (order.index(held.kind), held.venue, held.coin)))

    def faults(self) -> Iterator[TapeFault]:
        """Units that are evidently wrong over the whole tape, each at the first row concerned."""
        held = self.holdings()
        for one in held:
            if one.kind == "trades" and one.rows > 2 and one.spacing_ms >= 500 * one.span_ms:
                wanted = f"bars are at least {one.spacing_ms} ms apart: seconds? milliseconds are right"
                yield TapeFault(one.first_row, "span_ms", one.span_ms, wanted)
            if one.rows >= _JUDGE_FROM_ROWS:
                yield from _unit_faults(one)
        for one in held:
            if one.kind == "open_interest":
                yield from _turnover_faults(one, [other for other in held if other.kind == "trades"])


def _weigh(kind: str, rows: Rows, held: TapeSeries) -> None:
    if kind == "bars":
        held.total_usd += float(rows["volume_usd"].sum())
        held.covered_ms += int(rows["span_ms"].sum())
        held.first_price = held.first_price or float(rows["open"][0])
        held.last_price = float(rows["close"][-1])
        held.filled += int((np.isfinite(rows["buy_usd"]) & np.isfinite(rows["sell_usd"])).sum())
    elif kind == "marks":
        held.filled += int(np.isfinite(rows["index_price"]).sum())
    elif kind == "open_interest":
        held.total_usd += float(rows["oi_usd"].sum())
    elif kind == "liquidations":
        held.suspect += int((rows["size_usd"] < 1.0).sum())
        held.nonzero += len(rows)
    elif kind == "funding":
        per_8h = np.abs(rows["rate_pct"]) * (8.0 / rows["interval_h"])
        held.nonzero += int((per_8h > 0).sum())
        held.suspect += int(((per_8h > 0) & (per_8h < FRACTION_BELOW_PCT)).sum())
        held.wild += int((per_8h > BPS_ABOVE_PCT).sum())


def _unit_faults(held: TapeSeries) -> Iterator[TapeFault]:
    if held.kind == "liquidation" and held.suspect > 0.6 * held.nonzero:
        yield TapeFault(
            held.first_row, "size_usd", f"{held.suspect} of {held.rows} sizes below 1", "in coin? USD is right"
        )
    if held.kind == "funding" and held.nonzero >= _JUDGE_FROM_ROWS and held.suspect > 0.95 * held.nonzero:
        wanted = "percent is right (0.01 is 0.01 %)"
        yield TapeFault(held.first_row, "rate_pct", f"{held.suspect} of {held.rows} rates are fractions", wanted)
    if held.kind == "funding" and held.wild > 0.5 * held.rows:
        wanted = "basis points? percent per interval is right"
        yield TapeFault(held.first_row, "rate_pct", f"{held.wild} of {held.rows} rates above .5 % per 8 h", wanted)


def _turnover_faults(interest: TapeSeries, traded: list[TapeSeries]) -> Iterator[TapeFault]:
    """Compare open interest with the volume of the same book (of all books for the `aggregate`)."""
    whole = interest.venue == AGGREGATE
    same = [one for one in traded if one.coin == interest.coin and (whole or one.venue == interest.venue)]
    if not same or interest.total_usd <= 0 or max(one.covered_ms for one in same) < _HOUR_MS:
        return
    mean_oi_usd = interest.total_usd / interest.rows
    daily_usd = sum(one.total_usd * _DAY_MS / max(one.covered_ms, 1) for one in same)
    turnover, price = daily_usd / mean_oi_usd, same[0].last_price
    if turnover > TURNOVER_MAX and turnover / price < TURNOVER_MAX:
        wanted = f"daily volume is {turnover:.0f} times that: open interest in coin? USD is right"
        yield TapeFault(interest.first_row, "oi_usd", f"{mean_oi_usd:.6g} on average", wanted)
    lowest = TURNOVER_MIN_AGGREGATE if whole else TURNOVER_MIN
    if 0 < turnover < lowest and turnover * price > 10 * lowest:
        wanted = f"only {turnover:.2g} of the open interest a day: volume in coin? USD is right"
        yield TapeFault(same[0].first_row, "volume_usd", f"{daily_usd:.6g} a day", wanted)


_PRICED: Final = {"bars": ("open", "close"), "liquidations": ("price", "price"), "marks": ("mark_price", "mark_price")}


def _prices(part: DecodedPart, coins: int) -> Iterator[tuple[tuple[int, int], Indices, Floats, Floats]]:
    """By venue and coin in file order: row numbers, the price a row begins with, the price it ends with."""
    priced = [(part.rows[kind], part.at[kind], names) for kind, names in _PRICED.items() if kind in part.rows]
    if not priced:
        return
    at = np.concatenate([rows_at for _, rows_at, _ in priced])
    keys = np.concatenate([rows["venue"].astype(np.int64) * coins + rows["coin"] for rows, _, _ in priced])
    entered = np.concatenate([rows[names[0]] for rows, _, names in priced])
    left = np.concatenate([rows[names[1]] for rows, _, names in priced])
    if len(priced) > 1:
        order = np.argsort(at)
        at, keys, entered, left = at[order], keys[order], entered[order], left[order]
    for chosen in by_key(keys):
        venue, coin = divmod(int(keys[chosen[0]]), coins)
        yield (venue, coin), at[chosen], entered[chosen], left[chosen]
