"""What goes over a connection, venue-neutral: a request, its answer, and an open websocket with its queue."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from paper.dialects.accounts import VenueAccount

QUEUE_MESSAGES_MAX: Final = 500_000
"""A client that falls this far behind is disconnected, as venues do."""


class Request(msgspec.Struct, frozen=True):
    """`path` is without the host prefix; header names are lower case; `query` and `body` are as they came, because
    signatures are made over them."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    skew_ms: int = 0
    """How far the venue's clock is ahead for this request alone."""

    @property
    def params(self) -> dict[str, str]:
        """Query and form body together, decoded; the body wins."""
        form = "" if self.body[:1] in (b"{", b"[") else self.body.decode()
        pairs = parse_qsl(self.query, keep_blank_values=True) + parse_qsl(form, keep_blank_values=True)
        return dict(pairs)

    @property
    def json(self) -> Any:
        """The decoded JSON body; an empty body is an empty object. msgspec.DecodeError when it is no JSON."""
        return msgspec.json.decode(self.body) if self.body else {}

    @property
    def endpoint(self) -> str:
        """`POST /fapi/v1/order`: how faults, evidence and records name it."""
        return f"{self.method} {self.path}"


class HttpAnswer(msgspec.Struct, frozen=True):
    """`body` is anything msgspec encodes as JSON, or bytes sent as they are."""

    body: Any = msgspec.field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = {}

    @property
    def payload(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else msgspec.json.encode(self.body)

    @property
    def refusal(self) -> str:
        """The venue's code, words and status when this says no; empty otherwise."""
        body = msgspec.to_builtins(self.body) if not isinstance(self.body, bytes) else {}
        body = body if isinstance(body, dict) else {}
        code = next((body[name] for name in ("retCode", "code") if name in body), 0)
        data = body.get("data")
        inner = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
        if str(inner.get("sCode") or "0") != "0":
            return f"{inner['sCode']} {inner.get('sMsg', '')}"
        # Success has a code of its own at many venues: 0, 200, 00000, 200000.
        if self.status < 400 and str(code).rstrip("0") in ("", "2"):
            return ""
        words = body.get("retMsg") or body.get("msg") or ""
        return f"{code or ''} {words} (HTTP {self.status})".strip()


class Socket:
    """One open websocket. What is sent is queued; the server's writer drains the queue in order."""

    def __init__(self, host: str, path: str, query: str) -> None:
        self.host, self.path, self.query = host, path, query
        self.topics: dict[str, str] = {}
        """Subscribed topic -> whatever the dialect needs to frame its messages (an id, a prefix, nothing)."""
        self.pack: Callable[[bytes], bytes] | None = None
        """Set by the dialect where messages leave as binary frames: what makes them of JSON, as `gzip.compress`."""
        self.account: VenueAccount | None = None
        """Set by the dialect once the connection has proved whose it is; private messages go to these."""
        self.queue: deque[bytes] = deque()
        self.filled, self.drained = asyncio.Event(), asyncio.Event()
        self.drained.set()
        self.closing = False
        self.sent = 0
        """Messages ever queued for this connection, so that a client can tell whether it has seen them all."""

    def send(self, payload: bytes | str) -> None:
        if self.closing:
            return
        self.queue.append(payload.encode() if isinstance(payload, str) else payload)
        self.sent += 1
        self.drained.clear()
        self.filled.set()
        if len(self.queue) > QUEUE_MESSAGES_MAX:
            self.close()

    def send_json(self, message: Any) -> None:
        self.send(msgspec.json.encode(message))

    def close(self) -> None:
        """What is queued is dropped; the connection ends."""
        self.closing = True
        self.queue.clear()
        self.drained.set()
        self.filled.set()


def op_and_args(text: str) -> tuple[str, list[dict[str, Any]]] | None:
    """Of a message such as `{"op": "subscribe", "args": [{...}]}`; None for anything else."""
    try:
        message = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
    args = message.get("args") if isinstance(message, dict) else None
    if not isinstance(args, list) or not all(isinstance(arg, dict) for arg in args):
        return None
    return str(message.get("op")), args
