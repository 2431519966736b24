"""Are the two books sound, and do they agree?"""

from pathlib import Path
from typing import Any

from liqbot import places
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import check as check_journal
from liqbot.journal.errors import JournalError
from liqbot.review.ledger_reader import Ledger


def checked(folder: Path) -> dict[str, Any]:
    """What was read in each book, and `problems`. ExpectedError (not found) when there is no book at all."""
    found: dict[str, Any] = {"problems": []}
    journal, ledger = places.journal_path(folder), places.ledger_path(folder)
    if not journal.is_file() and not ledger.is_file():
        raise ExpectedError(f"no books in {folder}: liqbot paper makes them", Exit.NOT_FOUND)
    journal_id = None
    try:
        sound = check_journal(journal) if journal.is_file() else None
    except JournalError as error:
        found["problems"].append(f"journal: {error}")
        sound = None
    if sound is not None:
        journal_id = sound.journal_id
        found |= {
            "journal": str(journal), "journal_id": journal_id, "mode": sound.mode, "journal_records": sound.records,
            "journal_facts": sound.facts, "journal_market_rows": sound.market_rows, "journal_steps": sound.steps,
        }
        found["problems"] += [f"journal: {problem}" for problem in sound.problems]
    try:
        if ledger.is_file():
            _check_ledger(ledger, journal_id, found)
    except ExpectedError as error:
        found["problems"].append(str(error))
    return found


def _check_ledger(path: Path, journal_id: str | None, found: dict[str, Any]) -> None:
    with Ledger(str(path)) as ledger:
        word = ledger.rows("PRAGMA integrity_check(1)")[0]["integrity_check"]
        offsets = {row["journal_id"]: row["seq"] for row in ledger.rows('SELECT journal_id, seq FROM "offset"')}
        money = ledger.rows("""
            SELECT COALESCE((SELECT wallet_usd FROM equity ORDER BY id DESC LIMIT 1), 0)
                - COALESCE((SELECT SUM(amount_usd) FROM transfer), 0)
                - COALESCE((SELECT SUM(amount_usd) FROM funding_payment), 0)
                - COALESCE((SELECT SUM(realised_usd - fee_usd + fee_apart_usd) FROM fill), 0)
            AS unexplained""")[0]["unexplained"]
        found |= {"ledger": str(path), "ledger_offset": offsets.get(journal_id), "unexplained_usd": money / 1e6}
        found |= {
            f"ledger_{name}s": ledger.rows(f"SELECT COUNT(*) AS n FROM {name}")[0]["n"]
            for name in ("decision", "trade", "fill", "incident")
        }
    if word != "ok":
        found["problems"].append(f"ledger: SQLite: {word}; liqbot db rebuild makes it anew from the journal")
    if journal_id is not None and journal_id not in offsets:
        found["problems"].append(f"ledger: has read nothing of journal {journal_id}")
    if money:
        found["problems"].append(f"ledger: {money / 1e6:.6f} USD of the wallet are explained by no row")
