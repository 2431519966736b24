"""What a source of maps is: where and how it is requested, and what its answer means."""

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from liqbot.exits import Exit, ExpectedError
from liqbot.external.params import ExternalParams
from liqbot.instruments import Side

AnswerGrade = Literal["documented", "inferred", "unknown", "own"]
"""How the shape of an answer is known: from the source's documentation; from others' parsers or in part from it; not
at all; or from paths that the user gives."""


class ExternalLevel(msgspec.Struct, frozen=True):
    """What a source says would be liquidated at a price. USD as the source counts it."""

    price: float
    usd: float
    side: Side | None = None
    """Of the positions; None where the source does not say: longs lie below the mark, shorts above."""


class ExternalMap(msgspec.Struct, frozen=True):
    """A source's map of one coin. At least one level."""

    source: str
    levels: tuple[ExternalLevel, ...]
    mark_price: float | None = None
    """As the source tells it; None where it does not."""


class MapRequest(msgspec.Struct, frozen=True):
    """One HTTP request. `url` has no secrets in it: what is shown of a failure."""

    url: str
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    form: Mapping[str, str] | None = None
    """Sent with POST."""


class MapSource(msgspec.Struct, frozen=True, kw_only=True):
    """A source that the program knows. A module in `sources` that holds a `SOURCE` is one."""

    name: str
    home: str
    """Address of its API."""
    grade: AnswerGrade
    evidence: str
    """The page or file the shape is known from, and what is not known."""
    as_of: str
    """ISO date of that page, or of when it was looked up."""
    per_minute: int
    """Requests that leave in a minute at most."""
    secrets: tuple[str, ...] = ()
    """Settings without which it does not answer."""
    request: Callable[[ExternalParams, str, str | None], MapRequest]
    """(settings, coin, token of the login) -> request."""
    login: Callable[[ExternalParams], MapRequest] | None = None
    token: Callable[[bytes], str] | None = None
    decode: Callable[[bytes], ExternalMap] | None = None
    """ExpectedError for another shape. None: not known, `rows`, `price` and `usd` of the settings are needed."""


def secret_of(params: ExternalParams, field: str) -> str:
    """'' where it is not set."""
    secret = getattr(params, field)
    return "" if secret is None else secret.get_secret_value()


def require_secrets(source: MapSource, params: ExternalParams) -> None:
    """ExpectedError in one line that names the variables to set."""
    missing = [field for field in source.secrets if not secret_of(params, field)]
    if missing:
        names = ", ".join(f"LIQBOT_EXTERNAL__{source.name}__{field}".upper() for field in missing)
        raise ExpectedError(f"{source.name} answers only with a key: set {names} (or files of that name in the "
                            "secrets directory)", Exit.CONFIG)
