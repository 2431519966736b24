"""From an answer of status 200 to a typed value: what a venue's answers have in common, and how one is found unfit.

A venue's word is data. Its shapes are declared in its own folder; here is how they are read: numbers that are numbers,
instants that are instants, and rows of others passed over without trust in ours being lost.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, TypeVar

import msgspec

from liqbot.venues.errors import AnswerMalformed
from liqbot.venues.trading import OrderReport, OrderStatus, VenueCaller

Shape = TypeVar("Shape")
Name = TypeVar("Name")
Read = TypeVar("Read")

FIGURE_MAX: Final = Decimal(10) ** 15
DIGITS_MAX: Final = 40
_NO_MATCH: Final = object()

TimeMs = Annotated[int, msgspec.Meta(gt=0, lt=4_102_444_800_000)]
"""UTC milliseconds of this century."""
Id = int | str
"""As venues write them: some as numbers, some as texts."""


class Figure(Decimal):
    """A number as venues write it: text or number, finite, of a size that money and quantities have.

    Facts carry plain decimals: make one of it (`decimal`) before it leaves the adapter.
    """


class FigureOrNothing(Decimal):
    """The same where nothing, or an empty text, stands for zero."""


class Positive(Decimal):
    """A `Figure` above zero."""


class Unfit(ValueError):
    """Of the right shape, and yet no answer to the request."""

    def __init__(self, field: str, value: object, why: str) -> None:
        self.field, self.value, self.why = field, value, why
        super().__init__(why)


def answer(venue: str, request: str, payload: object, shape: type[Shape], read: Callable[[Shape], Read]) -> Read:
    """The answer to `request` as `read` sees it. AnswerMalformed when it has another shape, or when `read` finds it
    Unfit."""
    try:
        return read(msgspec.convert(payload, shape, strict=False, dec_hook=_figure))
    except Unfit as unfit:
        raise AnswerMalformed(venue, request, unfit.field, unfit.value, unfit.why) from None
    except (msgspec.ValidationError, RecursionError) as error:
        why, _, path = str(error).partition(" - at `")
        path = path.rstrip("`")
        raise AnswerMalformed(venue, request, path or "$", _at(payload, path), why) from None


async def ask(
    client: VenueCaller, venue: str, method: str, *args: Any, shape: type[Shape], read: Callable[[Shape], Read],
    weight: int = 1,
) -> Read:
    """One read. An answer that does not fit is requested again within the client's budget, then AnswerMalformed."""
    decode = functools.partial(_decoded, venue, method, shape, read)
    found: Read = await client.call(method, *args, weight=weight, decode=decode)
    return found


def _decoded(
    venue: str, request: str, shape: type[Shape], read: Callable[[Shape], Read], payload: object
) -> Read:
    return answer(venue, request, payload, shape, read)


def as_it_is(value: Shape) -> Shape:
    """For answers that are used as they were decoded."""
    return value


def _figure(kind: type, value: object) -> Any:
    """Of the types above; msgspec calls it for every type that it does not know, and makes its own error of what it
    raises."""
    if value in (None, "") and kind is FigureOrNothing:
        return kind(0)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(f"Expected a number, got `{type(value).__name__}`")
    text = str(value)
    try:
        number = kind(text) if len(text) <= DIGITS_MAX else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number) >= FIGURE_MAX:
        raise ValueError("Expected a finite number of usual size")
    if kind is Positive and number <= 0:
        raise ValueError("Expected a number above zero")
    return number


# --- rows -------------------------------------------------------------------------------------------------------------


def rows_about(
    rows: Sequence[Any], shape: type[Shape], named: Mapping[str, Sequence[str]], *, path: str = "$"
) -> list[Shape]:
    """Of a list about everything that the account has, the rows about what is named: `{"symbol": ("BTCUSDT",)}`.

    A row that says of itself that it is about something else is passed over, whatever else is in it. One that does not
    fit and may be about ours makes the whole list Unfit.
    """
    found: list[Shape] = []
    for index, row in enumerate(rows):
        if isinstance(row, dict) and not all(_may_be(row.get(name, _NO_MATCH), of) for name, of in named.items()):
            continue
        try:
            found.append(msgspec.convert(row, shape, strict=False, dec_hook=_figure))
        except (msgspec.ValidationError, RecursionError) as error:
            why, _, inner = str(error).partition(" - at `$")
            inner = inner.rstrip("`")
            raise Unfit(f"{path}[{index}]{inner}", _at(row, f"${inner}"), why) from None
    return found


def rows_named(rows: Sequence[Any], shape: type[Shape], field: str, wanted: str) -> list[Shape]:
    """Of a list that was requested by this name: Unfit when it is about others alone."""
    found = rows_about(rows, shape, {field: (wanted,)})
    if rows and not found:
        raise Unfit(f"$[...].{field}", rows[0], f"expected {wanted}")
    return found


def order_reports(
    rows: Sequence[Any], shape: type[Shape], name: type[Name], field: str, wanted: str,
    report: Callable[[Shape | Name], OrderReport],
) -> list[OrderReport]:
    """Of a list of resting orders. One that is not understood and still names itself is UNKNOWN, to be queried by
    its name: somebody else's order of a kind that we do not know keeps nobody from reading ours."""
    found: list[OrderReport] = []
    for row in rows:
        try:
            found += [report(one) for one in rows_about([row], shape, {field: (wanted,)})]
        except Unfit:
            found += [report(one) for one in rows_about([row], name, {field: (wanted,)})]
    if rows and not found:
        raise Unfit(f"$[...].{field}", rows[0], f"expected {wanted}")
    return found


def only(found: Sequence[Shape]) -> Shape:
    """Of rows of which there must be one; Unfit when there is none."""
    if not found:
        raise Unfit("$", [], "no row, and one was asked for")
    return found[0]


def _may_be(value: object, wanted: Sequence[str]) -> bool:
    """Whether a row that names `value` may be about what is wanted: something that is no name may be anything."""
    return value in wanted if isinstance(value, str) and value else True


def require_same(field: str, wanted: object, received: object) -> None:
    """Unfit when the answer is about something else."""
    if str(received) != str(wanted):
        raise Unfit(field, received, f"expected {wanted}")


def status_of(states: Mapping[str, OrderStatus], word: str) -> OrderStatus:
    """A word that a venue has added since is no error: what it stands for is queried again."""
    return states.get(word, OrderStatus.UNKNOWN)


def _at(payload: object, path: str) -> object:
    """The value that a path like `$.result.size` leads to; where it leads on into a list or nowhere, what is there."""
    value = payload
    for step in path.removeprefix("$").lstrip(".").split("."):
        if not isinstance(value, dict) or step not in value:
            return value
        value = value[step]
    return value
