"""All sources: those in `sources`, found by looking, and the rows that a user's settings describe."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from liqbot.exits import Exit, ExpectedError
from liqbot.external import sources
from liqbot.external.answers import by_paths
from liqbot.external.params import ExternalParams
from liqbot.external.spec import ExternalMap, MapRequest, MapSource, require_secrets, secret_of

_OWN_PER_MINUTE = 10


@cache
def known_sources() -> Mapping[str, MapSource]:
    """Name -> source that the program knows, by name."""
    modules = sorted(found.name for found in pkgutil.iter_modules(sources.__path__))
    found = [importlib.import_module(f"{sources.__name__}.{name}").SOURCE for name in modules]
    return {source.name: source for source in found}


def source_of(name: str, settings: Mapping[str, ExternalParams]) -> MapSource:
    """The source of this name, ready for a request. ExpectedError in one line for a missing name, key or path."""
    params = settings.get(name, ExternalParams())
    source = known_sources().get(name)
    if source is None:
        if not params.url:
            there = ", ".join(dict.fromkeys((*known_sources(), *settings)))
            raise ExpectedError(
                f"--compare {name!r}: no such source; there are {there}; a row of your own is external.{name}.url "
                "with price and usd, and a recorded answer is a file *.json", Exit.USAGE)
        source = _own(name)
    if params.price and params.usd:
        source = _with_paths(source, params)
    require_secrets(source, params)
    if source.decode is None:
        raise ExpectedError(
            f"{name}: the fields of its answer are not known ({source.evidence}; {source.as_of}); say where they are "
            f"with external.{name}.price and .usd (and .rows, .side)", Exit.CONFIG)
    return source


def from_answer(where: str, raw: bytes, settings: Mapping[str, ExternalParams]) -> tuple[ExternalMap, MapSource]:
    """A recorded answer, by the first source that understands it. ExpectedError with what each missed."""
    own = [_with_paths(known_sources().get(name, _own(name)), params)
           for name, params in settings.items() if params.price and params.usd]
    refused = []
    for source in (*own, *known_sources().values()):
        if source.decode is not None:
            try:
                return source.decode(raw), source
            except ExpectedError as error:
                refused.append(str(error))
    raise ExpectedError(f"{where}: no answer that is known: {'; '.join(refused)}", Exit.USAGE)


def _with_paths(source: MapSource, params: ExternalParams) -> MapSource:
    return _replaced(source, grade="own", evidence="paths of yours", decode=by_paths(source.name, params))


def _replaced(source: MapSource, **changes: object) -> MapSource:
    return MapSource(**{name: getattr(source, name) for name in source.__struct_fields__} | changes)


def _own(name: str) -> MapSource:
    return MapSource(name=name, home="", grade="unknown", evidence="a row of yours without price and usd", as_of="now",
                     per_minute=_OWN_PER_MINUTE, request=_own_request)


def _own_request(params: ExternalParams, coin: str, token: str | None) -> MapRequest:  # noqa: ARG001 -- no login here
    key = secret_of(params, "api_key")
    headers = {params.key_header or "X-API-Key": params.key_prefix + key} if key else {}
    return MapRequest(params.url.replace("{coin}", coin), {}, headers)
