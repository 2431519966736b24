"""Trouble on order: what the next request to an endpoint, or the next websocket, shall suffer."""

import enum
from collections import deque
from collections.abc import Callable

import msgspec


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
        self.waiting: deque[WireFault] = deque()
        self.suffered: list[tuple[str, WireFault]] = []
        self.cuts: list[str] = []

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
            self.waiting.extend([fault] * times)

    def take(self, endpoint: str) -> WireFault | None:
        """The oldest fault that this request meets."""
        fault = next((one for one in self.waiting if one.meets(endpoint)), None)
        if fault is not None:
            self.waiting.remove(fault)
            self.suffered.append((endpoint, fault))
        return fault

    def clear(self) -> None:
        self.waiting.clear()
        self.cuts.clear()
