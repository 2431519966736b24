"""What somebody on call needs of a house, in one archive without secrets: how it stands, what it runs with, and what
its books say of the time around an incident. No venue is asked."""

import io
import json
import os
import platform
import re
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from liqbot import __version__, places
from liqbot.code_version import source_digest
from liqbot.control import protocol
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import JournalReader
from liqbot.journal.errors import JournalError
from liqbot.live.doctor import at_home
from liqbot.places import secrets_dir
from liqbot.private_files import replace_private_file
from liqbot.review.ledger_reader import URL_VARIABLE, Ledger
from liqbot.review.redaction import ADDRESS_FIELDS, Redactor, passwords_of, secrets_in
from liqbot.settings import load
from liqbot.settings.load import Loaded
from liqbot.settings.show import rows

RECORDS_MAX, ROWS_MAX, LOG_BYTES_MAX = 5_000, 2_000, 2_000_000
TABLES: Final = ("run", "decision", "trade", "order", "order_event", "fill", "funding_payment", "transfer", "equity",
                 "incident")  # fmt: skip
_TIMES: Final = {"run": "started_ms", "trade": "opened_ms", "order": "sent_ms"}
_WHOLE: Final = frozenset({"run"})
STATE_FILES: Final = ("starts.json", "hung.json", "listings.json", "alerts.jsonl", protocol.PANIC, protocol.RESUME)
_SECRET_WORDS: Final = ("SECRET", "PASSWORD", "TOKEN", "KEY", "PASSPHRASE", "NOTIFY", "_URL")
_ADDRESS: Final = re.compile(rf"""(?:{"|".join(ADDRESS_FIELDS)})\s*=\s*["']([^"'\n]+)""")
_ENVIRONMENT_SHORTEST: Final = 8
"""A shorter value of a variable with such a name is hardly a secret."""


class IncidentQuery(NamedTuple):
    """What is asked for. `at_ms` None: the newest that the journal has."""

    profile: str
    config: Path | None
    data: Path
    at_ms: int | None
    around_ms: int
    logs: tuple[Path, ...]


class Bundle(NamedTuple):
    """Texts by their names in the archive, secrets taken out."""

    files: dict[str, str]
    redacted: int
    """How often something was taken out."""


def gathered(wanted: IncidentQuery) -> Bundle:
    """Whatever cannot be had is named in its file; nothing of it is an error."""
    loaded = _loaded(wanted)
    redact = Redactor(_secrets(loaded if isinstance(loaded, Loaded) else None, places.config_dir(wanted.config)))
    at_ms = wanted.at_ms if wanted.at_ms is not None else _newest_ms(wanted.data)
    period = at_ms - wanted.around_ms, at_ms + wanted.around_ms
    files = {
        "versions.json": _or_reason(lambda: _json(_versions())),
        "status.json": _or_reason(lambda: _json(protocol.request(wanted.data, {"verb": "status"}, timeout_s=5))),
        "config.json": _or_reason(lambda: _json(_config(loaded))),
        "doctor.json": _or_reason(lambda: _json(_doctor(loaded, wanted.data))),
        "journal.jsonl": _or_reason(lambda: _lines(_records(wanted.data, *period))),
        **{f"ledger/{table}.jsonl": text for table, text in _ledger(wanted.data, *period)},
        **{f"state/{name}": text for name, text in _state(wanted.data)},
        **{f"logs/{number}-{path.name}": _or_reason(lambda path=path: _end_of(path))  # type: ignore[misc]
           for number, path in enumerate(wanted.logs, 1)},
    }  # fmt: skip
    clean = {name: redact(text) for name, text in files.items()}
    clean["README.txt"] = _readme(wanted, at_ms, redact.times)
    return Bundle(clean, redact.times)


def written(bundle: Bundle, file: Path) -> None:
    """As tar.gz, readable by its owner alone. ExpectedError (usage) where it cannot be."""
    folder, content = file.name.split(".")[0] or "incident", io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in sorted(bundle.files.items()):
            body = text.encode("utf-8", "backslashreplace")
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode, entry.mtime = len(body), 0o600, time.time_ns() // 1_000_000_000
            archive.addfile(entry, io.BytesIO(body))
    try:
        replace_private_file(file, content.getvalue())
    except OSError as error:
        raise ExpectedError(f"{file}: cannot be written: {error.strerror}", Exit.USAGE) from None


# --- parts ------------------------------------------------------------------------------------------------------------


def _or_reason(text: Callable[[], str]) -> str:
    try:
        return text()
    except (ExpectedError, JournalError, OSError, ValueError) as error:
        return _json({"missing": str(error)})


def _loaded(wanted: IncidentQuery) -> Loaded | str:
    """A profile that cannot be read is part of what is wrong."""
    try:
        return load(wanted.profile, config=wanted.config)
    except ExpectedError as error:
        return str(error)


def _secrets(loaded: Loaded | None, config: Path) -> Iterator[str]:
    """Of the configuration, and, as it may be one that cannot be read, of its files, the environment and the secrets
    directory."""
    if loaded is not None:
        yield from secrets_in(loaded.settings)
    for name, value in os.environ.items():
        if any(word in name.upper() for word in _SECRET_WORDS) and len(value) >= _ENVIRONMENT_SHORTEST:
            yield value
        yield from passwords_of(value)
    for path in sorted(config.glob("*.toml")):
        yield from (found[1] for found in _ADDRESS.finditer(_end_of(path)))
    directory = secrets_dir()
    for path in sorted(directory.iterdir()) if directory is not None and directory.is_dir() else ():
        try:
            yield path.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            continue  # what this process cannot read is in none of its texts


def _versions() -> dict[str, Any]:
    needed = {name.split(";")[0].split("[")[0].strip(" <>=!~.0123456789") for name in metadata.requires("liqbot") or ()}
    found = {one.metadata["Name"]: one.version for one in metadata.distributions()}
    return {
        "liqbot": __version__, "source": source_digest(), "python": platform.python_version(),
        "platform": platform.platform(), "time_ms": time.time_ns() // 1_000_000,
        "packages": {name: version for name, version in sorted(found.items()) if name in needed},
    }  # fmt: skip


def _config(loaded: Loaded | str) -> dict[str, Any]:
    if isinstance(loaded, str):
        return {"missing": loaded}
    return {row.name: {"value": row.value, "origin": row.origin} for row in rows(loaded)}


def _doctor(loaded: Loaded | str, data: Path) -> list[Any]:
    if isinstance(loaded, str):
        return [{"what": "configuration", "verdict": "fail", "text": loaded}]
    return [msgspec.to_builtins(one) for one in at_home(loaded.settings, data)]


def _newest_ms(data: Path) -> int:
    try:
        with JournalReader(places.journal_path(data)) as reader:
            return reader.last_ms
    except (JournalError, ExpectedError, OSError):
        return time.time_ns() // 1_000_000


def _records(data: Path, from_ms: int, to_ms: int) -> Iterator[Any]:
    """Facts and what was answered, without market rows; the newest where there are too many."""
    with JournalReader(places.journal_path(data)) as reader:
        first, last = reader.seq_at(from_ms) + 1, reader.seq_at(to_ms)
        first = max(first, last - RECORDS_MAX)
        steps = {one.seq: one.step for one in reader.steps(first, last) if one.step is not None}
        for record in reader.records(first, last, facts_only=True):
            facts = [{"type": type(fact).__name__, **msgspec.to_builtins(fact)} for fact in record.block.facts]
            step = steps.get(record.seq)
            if facts or step is not None:
                yield {
                    "seq": record.seq, "time_ms": record.time_ms, "source": record.source, "facts": facts, "step": step
                }  # fmt: skip


def _ledger(data: Path, from_ms: int, to_ms: int) -> Iterator[tuple[str, str]]:
    place = os.environ.get(URL_VARIABLE) or str(places.ledger_path(data))
    for table in TABLES:
        yield table, _or_reason(lambda table=table: _rows(place, table, from_ms, to_ms))  # type: ignore[misc]


def _rows(place: str, table: str, from_ms: int, to_ms: int) -> str:
    at = _TIMES.get(table, "time_ms")
    first_ms = 0 if table in _WHOLE else from_ms
    with Ledger(place.removeprefix("sqlite:///")) as ledger:
        found = ledger.rows(
            f'SELECT * FROM "{table}" WHERE {at} >= ? AND {at} <= ? '  # noqa: S608  ours
            f"ORDER BY {at} DESC, id DESC LIMIT {ROWS_MAX}",
            [first_ms, to_ms],
        )
    return _lines(reversed(found))


def _state(data: Path) -> Iterator[tuple[str, str]]:
    for name in STATE_FILES:
        if (data / name).is_file():
            yield name, _or_reason(lambda name=name: _end_of(data / name))  # type: ignore[misc]


def _end_of(path: Path) -> str:
    """The last of a text that may be long, from the begin of a line."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LOG_BYTES_MAX))
        body = file.read(LOG_BYTES_MAX)
    text = body.decode("utf-8", "backslashreplace")
    return text if size <= LOG_BYTES_MAX else text.partition("\n")[2]


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, default=_plain) + "\n"


def _lines(values: Iterable[Any]) -> str:
    return "".join(json.dumps(value, default=_plain) + "\n" for value in values)


def _plain(value: object) -> object:
    return msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else str(value)


def _readme(wanted: IncidentQuery, at_ms: int, redacted: int) -> str:
    logs = "logs/*: the end of the files named with --log" if wanted.logs else (
        "no log: liqbot writes it to stderr, and the service manager keeps it (journalctl -u liqbot); --log adds a file"
    )
    return (
        f"liqbot {__version__}, profile {wanted.profile}, {wanted.around_ms // 60_000} min around {at_ms} ms UTC.\n"
        "status.json: what the running bot said; config.json: the effective configuration; doctor.json: its findings\n"
        "without a network; journal.jsonl: facts and answers, without market rows; ledger/*: rows of that time;\n"
        f"state/*: small files beside the books; {logs}.\n"
        f"Secrets are taken out ({redacted} times). It still tells of positions, orders and money: send it to no one\n"
        "whom you would not show your account.\n"
    )
