"""Trouble on order, or by a seed's chance: what the next request to an endpoint, or the next websocket, suffers."""

import enum
import functools
import random
from collections.abc import Callable
from typing import Final

import msgspec

from paper.dialects.nonsense import nonsense

SUFFERED_MAX: Final = 100_000


class Kind(enum.StrEnum):
    DROP_ANSWER = "drop_answer"
    """The request is carried out, then the connection breaks: the client does not learn of it."""
    DROP_REQUEST = "drop_request"
    """The connection breaks before anything is carried out."""
    HTTP_429 = "http_429"
    """Too many requests; `value` is Retry-After in seconds."""
    HTTP_5XX = "http_5xx"
    """A gateway's own page, not the venue's JSON; `value` is the status."""
    MAINTENANCE = "maintenance"
    DELAY_MS = "delay_ms"
    """The answer comes `value` wall milliseconds late."""
    DISCONNECT_WS = "disconnect_ws"
    """Every websocket whose path starts with the endpoint is cut; takes effect when it is ordered."""
    REFUSED = "refused"
    """The venue's own refusal, of code `value`; nothing is carried out."""
    LATE_MS = "late_ms"
    """The connection breaks at once, and the request reaches the venue `value` wall milliseconds later."""
    SKEW_MS = "skew_ms"
    """For this request the venue's clock is `value` ms ahead of what it was."""
    CHANGED = "changed"
    """The request is carried out; `change` makes another body of the answer's, the status stays what it was."""
    HANG_REQUEST = "hang_request"
    """Nothing is carried out and nothing is answered; the connection stays open for `value` ms, 0: as long as the
    client holds it."""
    HANG_ANSWER = "hang_answer"
    """The same, but the request is carried out."""
    STALL = "stall"
    """The request is carried out; half of the answer's body comes, and then nothing for `value` ms (0 as above)."""
    CUT_BODY = "cut_body"
    """The request is carried out; the connection breaks in the middle of the answer's body."""
    DRIP = "drip"
    """The request is carried out; the answer's body comes in pieces that take `value` ms in all (0: a second)."""


class Suffering(msgspec.Struct, frozen=True):
    """Chances by which requests suffer, drawn from a seed: the same seed and the same requests, the same faults."""

    seed: int
    share: float = 0.05
    """Of all requests."""
    hang_ms: int = 15_000
    """How long a hanging connection is held: longer than clients wait."""


HANGING: Final = (Kind.HANG_REQUEST, Kind.HANG_ANSWER, Kind.STALL)
"""Kinds in which the connection is held without an answer."""
_BY_CHANCE: Final = tuple(kind for kind in Kind if kind not in (Kind.SKEW_MS, Kind.REFUSED, Kind.LATE_MS))


class WireFault(msgspec.Struct, frozen=True):
    endpoint: str
    """`POST /fapi/v1/order`; a trailing `*` matches any ending, `*` alone every request."""
    kind: Kind
    value: int = 0
    change: Callable[[bytes], bytes] | None = None

    def meets(self, endpoint: str) -> bool:
        if self.endpoint.endswith("*"):
            return endpoint.startswith(self.endpoint[:-1])
        return endpoint == self.endpoint


class Faults:
    """First ordered, first suffered. `suffered` is the record for tests."""

    def __init__(self) -> None:
        self._waiting: list[list[WireFault]] = []
        """Faults that were ordered together lie together: thousands of a kind are looked at once."""
        self.suffered: list[tuple[str, WireFault]] = []
        self.cuts: list[str] = []
        self.silent = False
        """The user streams stay connected, and carry nothing."""
        self._chance: random.Random | None = None
        self._chances = Suffering(0, 0.0)

    def suffer(self, chances: Suffering) -> None:
        """From now on every request may suffer, besides what is ordered."""
        self._chance, self._chances = random.Random(chances.seed), chances  # noqa: S311 - not a secret

    def next(
        self, endpoint: str, kind: Kind | str, value: int = 0, *, times: int = 1,
        change: Callable[[bytes], bytes] | None = None,
    ) -> None:
        """The next `times` requests to this endpoint suffer this.

        HTTP clients repeat a GET, PUT or DELETE once by themselves when the connection breaks before the answer: they
        need to be dropped twice.
        """
        fault = WireFault(endpoint, Kind(kind), value, change)
        if fault.kind is Kind.DISCONNECT_WS:
            self.cuts.append(endpoint.removesuffix("*"))
        else:
            self._waiting.append([fault] * times)

    @property
    def waiting(self) -> list[WireFault]:
        """What is ordered and not suffered yet."""
        return [fault for faults in self._waiting for fault in faults]

    def take(self, endpoint: str) -> WireFault | None:
        """The oldest fault that this request meets."""
        fault = next((faults.pop() for faults in self._waiting if faults and faults[-1].meets(endpoint)), None)
        if fault is not None:
            self._waiting = [faults for faults in self._waiting if faults]
        elif self._chance is not None and self._chance.random() < self._chances.share:
            fault = self._drawn(endpoint, self._chance)
        if fault is not None:
            self.suffered.append((endpoint, fault))
            del self.suffered[:-SUFFERED_MAX]
        return fault

    def _drawn(self, endpoint: str, chance: random.Random) -> WireFault:
        kind = chance.choice(_BY_CHANCE)
        if kind is Kind.DISCONNECT_WS:
            # Sockets have no endpoint: all of them, with this request left alone.
            self.cuts.append("")
            return WireFault("*", kind)
        if kind is Kind.CHANGED:
            own = random.Random(chance.random())  # noqa: S311 - not a secret
            return WireFault(endpoint, kind, change=functools.partial(nonsense, chance=own))
        values = {Kind.HTTP_429: 1, Kind.HTTP_5XX: chance.choice((500, 502, 503, 504)),
                  Kind.DELAY_MS: chance.randint(50, 3_000), Kind.DRIP: chance.randint(200, 3_000)}
        return WireFault(endpoint, kind, values.get(kind, self._chances.hang_ms if kind in HANGING else 0))

    def clear(self) -> None:
        self._waiting.clear()
        self.cuts.clear()
        self.silent = False
