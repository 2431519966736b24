"""Recorded messages of venues, and what an independent normaliser made of them; skips where they are absent."""

import json
import re
import tarfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

WIRE = Path(__file__).parents[3] / "shared" / "data" / "wire"
_RAW = WIRE / "tardis_raw_messages.jsonl"
_EXPECTED = WIRE / "tardis_normalized_expected.snapshot.txt"
_SAMPLES = WIRE / "nautilus_test_data.tgz"


def recorded(exchange: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """(raw message, normalised entries) of one recorded venue, in order."""
    if not _RAW.exists() or not _EXPECTED.exists():
        pytest.skip(f"no recordings at {WIRE}")
    lines = (json.loads(line) for line in _RAW.read_text(encoding="utf-8").splitlines())
    messages = [line["message"] for line in lines if line["exchange"] == exchange]
    expected = _EXPECTED.read_text(encoding="utf-8")
    name = exchange.replace("binance-", "binance ")
    found = []
    for number, message in enumerate(messages, 1):
        title = rf"exports\[`(?:mappers > )?map {name} messages {number}`\]"
        shot = re.search(rf"{title} = `\n(.*?)\n`;", expected, re.DOTALL)
        entries = json.loads(re.sub(r",(\s*[}\]])", r"\1", shot[1].replace("undefined", "null"))) if shot else []
        found.append((json.dumps(message), entries))
    return found


def recorded_as(exchange: str, title: str, wanted: Callable[[Any], bool]) -> list[tuple[str, list[dict[str, Any]]]]:
    """(raw message, normalised entries) of those messages of a venue that `wanted` takes, which the oracle counts under
    a title of their own (`map lighter trade`)."""
    if not _RAW.exists() or not _EXPECTED.exists():
        pytest.skip(f"no recordings at {WIRE}")
    lines = (json.loads(line) for line in _RAW.read_text(encoding="utf-8").splitlines())
    messages = [line["message"] for line in lines if line["exchange"] == exchange and wanted(line["message"])]
    expected, found = _EXPECTED.read_text(encoding="utf-8"), []
    for number, message in enumerate(messages, 1):
        shot = re.search(rf"exports\[`{re.escape(title)} messages {number}`\] = `\n(.*?)\n`;", expected, re.DOTALL)
        if shot is None:
            raise LookupError(f"the oracle has no {title} {number}")
        entries = json.loads(re.sub(r",(\s*[}\]])", r"\1", shot[1].replace("undefined", "null")))
        found.append((json.dumps(message), entries))
    return found


def sample(path: str) -> str:
    """One sample of the current format, `bybit/test_data/ws_public_trade.json`."""
    if not _SAMPLES.exists():
        pytest.skip(f"no samples at {_SAMPLES}")
    with tarfile.open(_SAMPLES) as archive:
        member = archive.extractfile(f"crates/adapters/{path}")
        assert member is not None
        return member.read().decode()


def milliseconds(iso: str) -> int:
    return round(datetime.fromisoformat(iso).timestamp() * 1_000)
