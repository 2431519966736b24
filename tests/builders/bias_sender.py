"""Another program that sends directions: signed as it should be, or not."""

import asyncio
import http.client
import itertools
import json
import socket
import time
from typing import Any

from liqbot.control.signed_bias import SIGNATURE, TIMESTAMP, signature
from liqbot.settings.params import WebhookParams
from tests.builders.patience import PATIENCE_S

SECRET = "0123456789abcdef0123456789abcdef"
_nonces = itertools.count()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def params(**more: Any) -> WebhookParams:
    return WebhookParams(**{"enabled": True, "port": free_port(), "secret": SECRET} | more)


def message(**more: Any) -> dict[str, Any]:
    """Fields that are None are left out."""
    nonce = f"n{next(_nonces)}"
    whole = {"coin": "BTC", "bias": "long", "source": "house", "nonce": nonce, "valid_for_s": 3_600} | more
    return {name: value for name, value in whole.items() if value is not None}


def signed(body: bytes, *, at_s: float = 0.0, secret: str = SECRET, **headers: str) -> dict[str, str]:
    """Headers; `at_s` from now."""
    timestamp = str(int(time.time() + at_s))
    return {"Content-Type": "application/json", TIMESTAMP: timestamp,
            SIGNATURE: signature(secret, timestamp, body)} | headers


def post(
    port: int, body: bytes, headers: dict[str, Any], *, method: str = "POST", path: str = "/bias"
) -> tuple[int, Any]:
    """Status, and the answer as JSON; None where there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None
    finally:
        connection.close()


async def sent(
    port: int, body: bytes | None = None, headers: dict[str, Any] | None = None, **fields: Any
) -> tuple[int, Any]:
    """A message that is right but for what is given."""
    body = json.dumps(message(**fields)).encode() if body is None else body
    return await asyncio.to_thread(post, port, body, signed(body) if headers is None else headers)
