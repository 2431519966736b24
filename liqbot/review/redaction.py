"""`Redactor`: takes secrets out of texts that leave the machine: those it is told, and what looks like one."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, SecretStr

from liqbot.legible import without_passwords

REDACTED: Final = "[redacted]"
_SHORTEST: Final = 4
"""A shorter value is found in too many words to be taken out of them."""
ADDRESS_FIELDS: Final = ("ping_url", "webhook_url")
"""Settings whose address is as good as a key."""
_NAMED: Final = re.compile(
    r"""(?ix) ((?:\\*["'])? [\w.-]* (?: secret | passw(?:or)?d | passphrase | api_?-?key | private_?-?key | token
    | signature | authorization | x-mbx-apikey | access-(?:key|sign) | cookie | """
    + " | ".join(ADDRESS_FIELDS)
    + r""" ) [\w.-]*
    (?:\\*["'])? \s* [=:] \s*)
    ( "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | (?P<escaped>\\+["']) .*? (?P=escaped)
    | (?:(?:bearer|basic|hmac)\s+)? [^\s,;&"'\]}]+ )"""
)
"""`api_key = ...`, `"signature": "..."`, `Authorization: Bearer ...`, `?token=...`, also in a JSON text within one."""


class Redactor:
    """`secrets` are taken out wherever they stand, longest first."""

    def __init__(self, secrets: Iterable[str]) -> None:
        found = {one for whole in secrets for one in (whole, *whole.split()) if len(one) >= _SHORTEST}
        spelled = found | {json.dumps(one)[1:-1] for one in found} | {quote(one, safe="") for one in found}
        words = sorted(spelled, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, words))) if words else None
        self.times = 0
        """How often something was taken out."""

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text, times = self._known.subn(REDACTED, text)
            self.times += times
        text, times = _NAMED.subn(_masked, text)
        self.times += times
        return without_passwords(text)


def _masked(found: re.Match[str]) -> str:
    value = found[2]
    if value[0] in "{[" or (found[1].rstrip(": \t\n").endswith(('"', "'")) and value[0] not in "\"'\\"):
        return found[0]  # JSON: an object is looked into, and what is no text is no secret
    quoted = found["escaped"] or (value[0] if value[0] in "\"'" else "")
    return f"{found[1]}{quoted}{REDACTED}{quoted}"


def secrets_in(value: Any, name: str = "") -> Iterator[str]:
    """Every secret of a configuration, and the addresses that are as good as one."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from secrets_in(getattr(value, field), field)
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from secrets_in(entry, str(key))
    elif isinstance(value, tuple | list):
        for entry in value:
            yield from secrets_in(entry, name)
    elif isinstance(value, str) and "://" in value:
        yield from (value,) if name in ADDRESS_FIELDS else passwords_of(value)


def passwords_of(address: str) -> Iterator[str]:
    """The password in an address, where it has one."""
    try:
        password = urlsplit(address).password
    except ValueError:
        return
    if password:
        yield password
