"""How messages over HTTP are signed, those that come and those that leave (docs/webhook.md)."""

import hashlib
import hmac
from typing import Final

TIMESTAMP: Final = "X-Liqbot-Timestamp"
"""Header: seconds since 1970, when it was signed."""
SIGNATURE: Final = "X-Liqbot-Signature"
_SCHEME: Final = "sha256="


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The header: HMAC-SHA256 over the time, a full stop, and the body byte for byte, in hex."""
    return _SCHEME + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
