"""Reads books of the first format with today's code: the one place, for the tests of them, that names what reads."""

import contextlib
import gzip
import hashlib
import io
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from golden_lines import SPOKE_LATER, digest_of, in_old_words, step_lines

from liqbot import places
from liqbot.blocks import DTYPES
from liqbot.cli import main
from liqbot.code_version import this_code
from liqbot.journal import JournalReader, plain_step
from liqbot.journal.rerun import SNAPSHOT_NAME, Rerun
from liqbot.ledger.rebuild import rebuild
from liqbot.replay import replay
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from liqbot.settings import load
from liqbot.settings.show import rows

FOLDER: Final = Path(__file__).parents[1] / "fixtures" / "first_format"
PROFILES: Final = FOLDER / "profiles"
BOOKS: Final = ("session", "facts")
REWORDED: Final = {
    "of the liquidations in range lie ahead": "of the fuel lies ahead",
    "the opposite side pays": "the crowd ahead pays",
}
"""Words of a reason now -> then."""
ESTIMATED: Final = ("v_map_calibration", "v_map_score", "v_refusals")
"""Views of what a version says of the map, and refuses by it, when it reads the market once more."""
NUMBERED: Final = frozenset({"decision", "map_id", "liquidation_density_pct"})
"""Columns that number those, or are read off the map."""
REFERRED: Final = {"expected_price": 2, "slippage_bps": 3}
"""Columns that follow the reference price, and digits in which its mean is the same: geometric now, arithmetic then."""
Fields = Mapping[str, list[str]]


def unpacked(name: str, folder: Path) -> Path:
    """A copy of one pair of books, as a state directory."""
    for place in (places.journal_path, places.ledger_path):
        path = place(folder)
        with gzip.open(FOLDER / f"{name}.{path.name}.gz") as packed, path.open("wb") as plain:
            shutil.copyfileobj(packed, plain)
    return folder


def kept(name: str) -> dict[str, Any]:
    """What these books answered when they were written."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.expected.json").read_text(encoding="utf-8"))
    return found


def journal_answers(folder: Path, columns: Fields | None = None, fields: Fields | None = None) -> dict[str, Any]:
    """Every record, fact and row of a journal, counted and digested. `columns` and `fields` say which ones are looked
    at; None: those there are."""
    with JournalReader(places.journal_path(folder)) as reader:
        records = list(reader.records())
        steps = list(reader.steps())
        passed_over: list[str] = []
        snapshots = list(reader.snapshots(SNAPSHOT_NAME, snapshot_version(), passed_over=passed_over))
        stamp, integrity = reader.stamp, reader.integrity()
    facts = [in_old_words(msgspec.to_builtins(fact)) for record in records for fact in record.block.facts]
    spoken = [plain_step(step.step) for step in steps if step.step is not None]
    return {
        "stamp": {
            "journal_id": stamp.journal_id, "mode": stamp.mode, "account": stamp.account,
            "venues": list(stamp.roster.venues), "coins": list(stamp.roster.coins), "retained_seq": stamp.retained_seq,
        },
        "integrity": integrity,
        "records": {"count": len(records), "sha256": digest_of(_head(record) for record in records)},
        "facts": _facts(facts, fields),
        "rows": _rows([record.block for record in records], columns),
        "steps": {
            "count": len(steps), "spoken": len(spoken),
            "digests": digest_of(step.digest.hex() for step in steps),
            "decisions": digest_of(line for step in spoken for line in step_lines(step)),
        },
        "snapshots": len(snapshots) + len(passed_over),
    }  # fmt: skip


def _head(record: Any) -> str:
    block = record.block
    return (
        f"{record.seq} {record.time_ms} {record.source} {record.source_seq} "
        f"{block.tick_ms} {bool(block.backfilled)} {block.lag_ms}"
    )


def _facts(facts: list[dict[str, Any]], fields: Fields | None) -> dict[str, Any]:
    by_type: dict[str, list[dict[str, Any]]] = {}
    for fact in facts:
        by_type.setdefault(fact["type"], []).append(fact)
    looked_at = fields or {kind: sorted(there[0]) for kind, there in by_type.items()}
    return {
        kind: {
            "count": len(there), "fields": list(looked_at.get(kind, ())),
            "sha256": digest_of(json.dumps([fact[name] for name in looked_at.get(kind, ())]) for fact in there),
        }
        for kind, there in sorted(by_type.items())
    }  # fmt: skip


def _rows(blocks: list[Any], columns: Fields | None) -> dict[str, Any]:
    looked_at = columns or {kind: list(dtype.names or ()) for kind, dtype in DTYPES.items()}
    return {
        kind: {
            "count": sum(len(block.rows(kind)) for block in blocks),
            "columns": {
                name: _sha256(np.concatenate([block.rows(kind)[name] for block in blocks])) for name in names
            },
        }
        for kind, names in looked_at.items()
    }


def _sha256(column: np.ndarray[Any, Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(column).tobytes()).hexdigest()


def replayed(folder: Path) -> dict[str, Any]:
    """What `replay` proves about a journal."""
    found = replay(
        places.journal_path(folder), recorded_engine, this_code("", 0), snapshot_version=snapshot_version()
    )
    return {
        "equality": str(found.equality), "records": found.records, "facts": found.facts,
        "market_rows": found.market_rows, "steps_compared": found.steps_compared, "digest": found.digest,
    }  # fmt: skip


def recorded_lines(folder: Path) -> list[str]:
    """What was decided, as it was written."""
    with JournalReader(places.journal_path(folder)) as reader:
        spoken = [plain_step(step.step) for step in reader.steps() if step.step is not None]
    return [line for step in spoken for line in step_lines(step)]


def decided_again(folder: Path) -> list[str]:
    """What today's engine decides when the journal is run through it."""
    with JournalReader(places.journal_path(folder)) as reader:
        answers = Rerun(reader, recorded_engine, snapshot_version()).answers()
        return [line for _, step in answers for line in step_lines(plain_step(step.encoded()))]


def views_of(ledger: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of every view a trader queries."""
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'")]
        views = {name: list(_all(connection, name)) for name in sorted(names)}
    return {name: sorted(rows, key=json.dumps) for name, rows in _without_later_rows(views).items()}


def as_recorded(views: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """What a version that estimates otherwise makes of recorded books all the same: not its map, not what it refuses,
    and no number that follows from either."""
    kept = {name: rows for name, rows in views.items() if name not in ESTIMATED}
    kept["v_decisions"] = [row for row in kept["v_decisions"] if row["kind"] != "entry" or row["code"] == "APPROVED"]
    plain = {name: [_as_referred(row) for row in rows] for name, rows in kept.items()}
    return {name: sorted(rows, key=lambda row: json.dumps(row, sort_keys=True)) for name, rows in plain.items()}


def _as_referred(row: dict[str, Any]) -> dict[str, Any]:
    named = {key: row[key] for key in row.keys() - NUMBERED}
    return {
        key: round(value, REFERRED[key]) if key in REFERRED and isinstance(value, float) else value
        for key, value in named.items()
    }


def _without_later_rows(views: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Without the rows of strategies that gave no verdict then; decisions are numbered as if there were none."""
    kept = {name: [row for row in rows if row.get("strategy") not in SPOKE_LATER] for name, rows in views.items()}
    numbers = {old: new for new, old in enumerate(sorted(row["decision"] for row in kept["v_decisions"]), 1)}
    return {
        name: [
            _reworded({**row, "decision": numbers.get(row["decision"])} if "decision" in row else row) for row in rows
        ]
        for name, rows in kept.items()
    }


def _reworded(row: dict[str, Any]) -> dict[str, Any]:
    """Free text in the words it had then."""
    for new, old in REWORDED.items():
        row = {key: value.replace(new, old) if isinstance(value, str) else value for key, value in row.items()}
    return row


def _all(connection: sqlite3.Connection, name: str) -> Iterator[dict[str, Any]]:
    cursor = connection.execute(f"SELECT * FROM {name}")
    columns = [column[0] for column in cursor.description]
    return (dict(zip(columns, row, strict=True)) for row in cursor)


def rebuilt(folder: Path, ledger: Path) -> Path:
    """A ledger made anew from the journal."""
    rebuild(
        places.journal_path(folder), recorded_engine, f"sqlite:///{ledger}", snapshot_version=snapshot_version()
    )
    return ledger


def ledger_of(folder: Path) -> Path:
    return places.ledger_path(folder)


def called(folder: Path, *words: str) -> tuple[int, str]:
    """Exit code and output of a verb about these books."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main([*words, "--data", str(folder)])
    return int(code), out.getvalue()


def said(folder: Path, *words: str) -> str:
    """The output; AssertionError when the verb fails."""
    code, text = called(folder, *words)
    assert code == 0, (words, code)
    return text


def asked(folder: Path) -> dict[str, Any]:
    """The answers of the reading verbs, as JSON."""
    trades = [one for one in json.loads(said(folder, "trades", "--json")) if one["decision"] is not None]
    questions = [
        ("trades",), ("trades", "--open"), ("decisions", "--limit", "10000"), ("decisions", "--by-code"), ("pnl",),
        ("explain", "1"), *(("explain", f"t{trade['trade_id']}") for trade in trades[:2]),
    ]  # fmt: skip
    return {" ".join(words): json.loads(said(folder, *words, "--json")) for words in questions}


def settings_of(profile: str, **environment: str) -> dict[str, Any]:
    """Every value of one profile, by its dotted name."""
    return {row.name: row.value for row in rows(load(profile, config=PROFILES, environment=environment))}


def otherwise(expected: Any, found: Any, at: str = "") -> Iterator[str]:
    """Where something expected is missing or other; what is new beside it is no complaint."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key, value in expected.items():
            yield from otherwise(value, found[key], f"{at}.{key}") if key in found else [f"{at}.{key}: is gone"]
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (before, after) in enumerate(zip(expected, found, strict=True)):
            yield from otherwise(before, after, f"{at}[{number}]")
    elif expected != found and not _near(expected, found):
        yield f"{at}: before {str(expected)[:300]}, after {str(found)[:300]}"


def _near(expected: Any, found: Any) -> bool:
    numbers = isinstance(expected, float) and isinstance(found, float)
    return numbers and abs(expected - found) <= 1e-9 * max(1.0, abs(expected))
