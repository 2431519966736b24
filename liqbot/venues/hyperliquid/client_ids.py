"""Hyperliquid's client order ids are 16 bytes in hexadecimal digits: ours are written as their letters, filled up with
zero bytes, and read back."""

import re
from typing import Final

BYTES: Final = 16
_OWN: Final = re.compile(r"[a-z0-9]{1,16}")
_CLOID: Final = re.compile(r"0x[0-9a-f]{32}")


def cloid_of(client_id: str) -> str:
    """As the venue writes an id of ours. ValueError for one that does not fit."""
    if _CLOID.fullmatch(client_id):
        return client_id
    if not _OWN.fullmatch(client_id):
        raise ValueError(f"client_id: {client_id!r} must be at most {BYTES} small letters and digits")
    return "0x" + client_id.encode().ljust(BYTES, b"\0").hex()


def client_id_of(cloid: str | None) -> str:
    """The id of ours that a `cloid` stands for; that of somebody else as it is, empty where there is none."""
    if cloid is None or not _CLOID.fullmatch(cloid):
        return cloid or ""
    text = bytes.fromhex(cloid[2:]).rstrip(b"\0")
    own = text.decode("ascii", "replace")
    return own if _OWN.fullmatch(own) else cloid
