"""What every row of a truth file must satisfy before anything is scored against it, and what such a score lacks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from liqbot.instruments import AGGREGATE, Side
from liqbot.venues.registry import mechanics_of
from paper.score.price_path import Floats
from paper.score.truth_maps import opened_truth
from paper.tapes.decode import text_codes
from paper.tapes.reader import Tape
from paper.tapes.truth import COLUMNS, TruthError, reading

_BATCH_ROWS: Final = 262_144
_TEXTS: Final = ("venue", "coin", "side")
_READ: Final = ("time_ms", "venue", "coin", "side", "liquidation_price", "size_usd")
_SIDES: Final = tuple(side.word for side in Side)


class _Fault(NamedTuple):
    row: int
    column: str
    value: Any
    wanted: str


def checked_truth(path: Path) -> frozenset[tuple[str, str]]:
    """(venue, coin) of every position in the file. TruthError, one line with row, column, value and what is right, at
    the first broken row; a position without a liquidation price has NaN there."""
    file = opened_truth(path)
    _check_types(path, file.schema_arrow)
    found: set[tuple[str, str]] = set()
    first_row, priced = 0, False
    with reading(path):
        for batch in file.iter_batches(_BATCH_ROWS, columns=list(_READ), use_threads=False):
            columns = {name: batch.column(number) for number, name in enumerate(batch.schema.names)}
            fault = min(_faults(columns), key=lambda one: one.row, default=None)
            if fault is not None:
                raise TruthError(
                    f"{path}: row {first_row + fault.row} (the first is 0), column {fault.column!r}: "
                    f"{'nothing (null)' if fault.value is None else repr(fault.value)}; {fault.wanted}"
                )
            found |= _books(columns)
            first_row += len(batch)
            priced = priced or bool(np.isfinite(_numbers(columns["liquidation_price"])).any())
    if first_row and not priced:
        raise TruthError(f"{path}: column 'liquidation_price' is NaN in every row; {_wanted('liquidation_price')}")
    return frozenset(found)


def _check_types(path: Path, schema: Any) -> None:
    from pyarrow import types

    for name in COLUMNS:
        kind = schema.field(name).type
        held = kind.value_type if types.is_dictionary(kind) else kind
        if name in _TEXTS:
            right, wanted = types.is_string(held) or types.is_large_string(held), "text"
        else:
            right, wanted = types.is_integer(held) or types.is_floating(held), "number"
        if not right and not types.is_null(kind):
            raise TruthError(f"{path}: column {name!r} holds {held}, a {wanted} column is right")


def _faults(columns: dict[str, Any]) -> Iterator[_Fault]:
    for name in _READ:
        column = columns[name]
        if column.null_count:
            yield _Fault(int(column.is_null().to_numpy(zero_copy_only=False).argmax()), name, None, _wanted(name))
    codes, words = text_codes(columns["side"])
    known = np.array([*(word in _SIDES for word in words), True])
    yield from _first(~known[codes], columns, "side")
    price, usd = (_numbers(columns[name]) for name in ("liquidation_price", "size_usd"))
    yield from _first((price <= 0) | np.isinf(price), columns, "liquidation_price")
    yield from _first(~np.isfinite(usd) | (usd < 0), columns, "size_usd")


def _numbers(column: Any) -> Floats:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)


def _wanted(name: str) -> str:
    return {
        "time_ms": "milliseconds since 1970, UTC, are right", "venue": "a venue such as 'binance' is right",
        "coin": "a coin such as 'BTC' is right", "side": f"one of {', '.join(_SIDES)} is right",
        "liquidation_price": "a positive price is right, or NaN where there is none",
        "size_usd": "a finite number of USD, not below 0, is right",
    }[name]


def _first(broken: Any, columns: dict[str, Any], name: str) -> Iterator[_Fault]:
    if broken.any():
        row = int(broken.argmax())
        yield _Fault(row, name, columns[name][row].as_py(), _wanted(name))


def _books(columns: dict[str, Any]) -> set[tuple[str, str]]:
    venue, venues = text_codes(columns["venue"])
    coin, coins = text_codes(columns["coin"])
    pairs = np.unique(venue.astype(np.int64) * len(coins) + coin)
    return {(venues[pair // len(coins)], coins[pair % len(coins)]) for pair in pairs.tolist()}


def cautions(tape: Tape, coin: str, books: frozenset[tuple[str, str]] | None) -> tuple[str, ...]:
    """Lines for people: venues whose margin rules are a stand-in, and those that tape and truth do not share."""
    own = {one.venue for one in tape.holdings if one.coin == coin and one.venue != AGGREGATE}
    assumed = sorted(venue for venue in own if mechanics_of(venue, coin).assumed)
    found = [f"no margin tables of {coin} at {', '.join(assumed)}: a stand-in is used"] if assumed else []
    if books is None:
        return tuple(found)
    known = {venue for venue, held in books if held == coin}
    if own - known:
        lacking = ", ".join(sorted(own - known))
        found.append(f"the truth has no {coin} at {lacking}, the tape has: what is said of ORACLE is too low")
    if known - own:
        found.append(f"the tape has no {coin} at {', '.join(sorted(known - own))}: the truth there is left out")
    return tuple(found)
