"""From the unified client's exceptions, and the HTTP answer behind them, to the house's few errors."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from liqbot.venues.errors import (
    ClockSkew,
    OutcomeUnknown,
    VenueAuth,
    VenueBusy,
    VenueError,
    VenueMaintenance,
    VenueRefused,
    VenueUnreachable,
)
from liqbot.venues.spec import RefusalShape, VenueSpec

_URL: Final = re.compile(r"(?:https?|wss?)://([^/\s]+)(/[^?\s]*)?")
_BODY: Final = re.compile(r"\{.*\}", re.DOTALL)
_QUERY: Final = re.compile(r"((?:https?|wss?)://[^?\s]*)\?\S*")
_LOOPBACK: Final = ("127.0.0.1", "localhost")
_TOO_MANY: Final = (418, 429)
_DETAIL_LENGTH_MAX: Final = 300


class HttpResponse(msgspec.Struct):
    """What the transport saw of the newest answer to one call; status 0 while there was none."""

    status: int = 0
    retry_after_s: float | None = None

    def note(self, status: int, headers: Mapping[str, str] | None) -> None:
        self.status = status
        self.retry_after_s = None
        for name, value in (headers or {}).items():
            if name.lower() == "retry-after" and re.fullmatch(r"\d+(\.\d+)?", value.strip()):
                self.retry_after_s = float(value)


def venue_error(
    spec: VenueSpec, host: str, error: BaseException, answer: HttpResponse, *, write: bool
) -> VenueError:
    """`write`: the request may have changed something at the venue, so a lost answer is an unknown outcome."""
    venue, names = spec.venue, {kind.__name__ for kind in type(error).__mro__}
    text = _shown(error)
    if names & {"DDoSProtection", "RateLimitExceeded"} or answer.status in _TOO_MANY:
        return VenueBusy(venue, f"too many requests: {text}", answer.retry_after_s)
    if "OnMaintenance" in names:
        return VenueMaintenance(venue, text)
    if "InvalidNonce" in names:
        return ClockSkew(venue, f"our clock differs from the venue's; synchronise this machine's clock: {text}")
    if "OperationFailed" in names or answer.status >= 500 or _broke_off(error):
        return _lost(venue, host, error, text, write=write)
    return _refused(spec, error, text, auth="AuthenticationError" in names)


def _lost(venue: str, host: str, error: BaseException, text: str, *, write: bool) -> VenueError:
    if write and not _never_left(error):
        return OutcomeUnknown(venue, f"the answer was lost: {text}")
    return VenueUnreachable(venue, host_in(str(error)) or host, _cause(error))


def _refused(spec: VenueSpec, error: BaseException, text: str, *, auth: bool) -> VenueError:
    code, reason = refusal(str(error), spec.refusal)
    if reason.startswith(spec.refusal.auth or ("\0",)):
        return VenueAuth(spec.venue, reason)
    if not code:
        code = next((name for begins, name in spec.refusal.words if reason.startswith(begins)), "")
    if auth and code not in spec.not_about_key:
        return VenueAuth(spec.venue, f"refused ({code}): {reason}" if code and reason else text)
    return VenueRefused(spec.venue, code, reason or text, type(error).__name__)


def host_in(text: str) -> str:
    """The venue's host named in a message; behind a rewritten address the one it stands for. Empty if none."""
    found = _URL.search(text)
    if found is None:
        return ""
    host, path = found.group(1), found.group(2) or ""
    if host.split(":")[0] in _LOOPBACK and path.count("/"):
        return path.split("/")[1] or host
    return host


def refusal(text: str, shape: RefusalShape) -> tuple[str, str]:
    """The venue's own (code, reason) from the JSON body inside a message, empty strings where there is none."""
    found = _BODY.search(text)
    if found is None:
        return "", ""
    try:
        body: Any = msgspec.json.decode(found.group())
    except (msgspec.DecodeError, UnicodeEncodeError):
        return "", ""
    return _first(body, shape.code), _first(body, shape.reason)


def _first(body: Any, paths: Iterable[str]) -> str:
    """The first of the paths that leads to something."""
    values = (_at(body, path.split(".")) for path in paths)
    return next((str(value) for value in values if value not in (None, "")), "")


def _at(value: Any, steps: Iterable[str]) -> Any:
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _broke_off(error: BaseException) -> bool:
    """The answer began and did not end: the unified client calls that an error of the exchange."""
    return "ClientError" in {kind.__name__ for kind in type(error.__cause__).__mro__}


def _never_left(error: BaseException) -> bool:
    """No connection was made: name not found, refused, or no handshake in time."""
    names = {kind.__name__ for kind in type(error.__cause__).__mro__}
    return bool(names & {"ClientConnectorError", "ConnectionTimeoutError", "gaierror"})


def _cause(error: BaseException) -> str:
    cause = error.__cause__
    return f"{type(cause).__name__} {cause}".strip() if cause is not None else _shown(error)


def _shown(error: BaseException) -> str:
    """Without what stands behind the question mark of an address: signatures and listen keys are nobody's business."""
    return _QUERY.sub(r"\1", str(error))[:_DETAIL_LENGTH_MAX]
