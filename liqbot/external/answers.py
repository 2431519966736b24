"""Reading answers: typed, and where one has another shape, one line that names the field and what was there."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec

from liqbot.decode_errors import path_in, value_at
from liqbot.exits import ExpectedError
from liqbot.external.params import ExternalParams
from liqbot.external.spec import ExternalLevel, ExternalMap
from liqbot.instruments import Side
from liqbot.legible import spelled_and_cut

Price = Annotated[float, msgspec.Meta(gt=0, lt=1e12)]
Usd = Annotated[float, msgspec.Meta(ge=0, lt=1e15)]
Answer = TypeVar("Answer")
LEVELS_MAX: Final = 1_000_000
NOTHING: Final = msgspec.Raw()
"""Of a field that is not there."""
_SIDES: Final = {"long": Side.LONG, "short": Side.SHORT}


def wrong(source: str, field: str, value: object, expected: str) -> ExpectedError:
    """The one error of this package for an answer that is not understood."""
    said = spelled_and_cut(f"{value!r}")
    return ExpectedError(f"{source}: its answer has {field or '(top)'} = {said}; {expected}")


def decoded(source: str, raw: bytes | msgspec.Raw, kind: type[Answer], prefix: str = "") -> Answer:
    """`raw` as `kind`. ExpectedError that names the field (after `prefix`) and its value."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        path, said = path_in(error) or "", str(error).partition(" - at `")[0]
        field = prefix + path if prefix else path.removeprefix(".")
        value, _ = value_at(msgspec.json.decode(raw), path)
        raise wrong(source, field, value, said[:1].lower() + said[1:]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise wrong(source, prefix, bytes(raw)[:60], f"expected JSON ({error})") from None


def is_null(raw: msgspec.Raw) -> bool:
    return bytes(raw).strip() in (b"", b"null")


def whole(source: str, levels: Sequence[ExternalLevel], mark_price: float | None = None) -> ExternalMap:
    """A map of these levels, empty ones left out. ExpectedError without any, or with absurdly many."""
    kept = tuple(level for level in levels if level.usd > 0)
    if not kept or len(kept) > LEVELS_MAX:
        raise wrong(source, "levels", len(kept), f"expected 1 to {LEVELS_MAX:,} prices with USD")
    return ExternalMap(source, kept, mark_price)


def side_of(source: str, field: str, word: object) -> Side:
    found = _SIDES.get(word.lower()) if isinstance(word, str) else None
    if found is None:
        raise wrong(source, field, word, "expected long or short")
    return found


def by_paths(source: str, params: ExternalParams) -> Callable[[bytes], ExternalMap]:
    """Reads an answer by the user's own paths."""

    def decode(raw: bytes) -> ExternalMap:
        answer = decoded(source, raw, object)
        return whole(source, _rows(source, answer, params) if params.rows else _columns(source, answer, params))

    return decode


def _rows(source: str, answer: object, params: ExternalParams) -> list[ExternalLevel]:
    rows = _at(source, answer, params.rows, "")
    if isinstance(rows, Mapping):
        rows = list(rows.values())
    if not isinstance(rows, list):
        raise wrong(source, params.rows, rows, f"external.{source}.rows expects a list or an object there")
    levels = []
    for number, row in enumerate(rows):
        where = f"{params.rows}.{number}."
        cells = [_at(source, row, path, where) if path else None for path in (params.price, params.usd, params.side)]
        levels.append(_level(source, params, where, cells))
    return levels


def _columns(source: str, answer: object, params: ExternalParams) -> list[ExternalLevel]:
    paths = [path for path in (params.price, params.usd, params.side) if path]
    columns = [_at(source, answer, path, "") for path in paths]
    for path, column in zip(paths, columns, strict=True):
        if not isinstance(column, list):
            raise wrong(source, path, column, "expected a list; where rows hold the numbers, set rows")
        if len(column) != len(columns[0]):
            raise wrong(source, path, f"{len(column)} entries", f"expected {len(columns[0])}, as in {paths[0]}")
    return [
        _level(source, params, "", [*cells, None][:3]) for cells in zip(*columns, strict=True)
    ]


def _level(source: str, params: ExternalParams, where: str, cells: Sequence[object]) -> ExternalLevel:
    price = _number(source, where + params.price, cells[0], above=0.0)
    usd = _number(source, where + params.usd, cells[1])
    side = side_of(source, where + params.side, cells[2]) if params.side else None
    return ExternalLevel(price, usd, side)


def _number(source: str, field: str, value: object, above: float | None = None) -> float:
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        number = None
    if number is None or not 0.0 <= number < 1e15 or (above is not None and number <= above):
        raise wrong(source, field, value, "expected a number " + ("above 0" if above is not None else "from 0 on"))
    return number


def _at(source: str, value: object, path: str, where: str) -> Any:
    for step in path.split("."):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise wrong(source, where + path, value, f"there is no {step!r} in it")
    return value
