"""Are the two books sound, and do they agree?"""

from pathlib import Path
from typing import Any, Final

from liqbot import places
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import check as check_journal
from liqbot.journal.errors import JournalError
from liqbot.ledger.views import views
from liqbot.review.ledger_reader import Ledger

_OFF: Final = """
    SELECT t.id, ABS(t.gross_usd - COALESCE(f.gross, 0)) + ABS(t.fees_usd - COALESCE(f.fees, 0))
        + ABS(t.funding_usd - COALESCE(p.paid, 0)) AS off
    FROM trade t
    LEFT JOIN (SELECT trade_id, SUM(realised_usd) AS gross, SUM(fee_usd) AS fees FROM fill GROUP BY trade_id) f
        ON f.trade_id = t.id
    LEFT JOIN (SELECT trade_id, SUM(amount_usd) AS paid FROM funding_payment GROUP BY trade_id) p ON p.trade_id = t.id
    WHERE off <> 0 ORDER BY t.id LIMIT 5"""


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
        rows_at_odds = _at_odds(ledger)
    if word != "ok":
        found["problems"].append(f"ledger: SQLite: {word}; liqbot db rebuild makes it anew from the journal")
    if journal_id is not None and journal_id not in offsets:
        found["problems"].append(f"ledger: has read nothing of journal {journal_id}")
    if money:
        found["problems"].append(f"ledger: {money / 1e6:.6f} USD of the wallet are explained by no row")
    found["problems"] += rows_at_odds


def _at_odds(ledger: Ledger) -> list[str]:
    """What every sum over the wallet passes by: a trade that says other than its rows, views that are not there."""
    problems = [
        f"ledger: trade {row['id']} differs by {row['off'] / 1e6:.6f} USD from its own fills and funding; liqbot db "
        "rebuild makes the ledger anew from the journal"
        for row in ledger.rows(_OFF)
    ]
    there = {row["name"] for row in ledger.rows("SELECT name FROM sqlite_master WHERE type = 'view'")}
    lacking = [name for name in views("sqlite") if name not in there]
    if lacking:
        problems.append(f"ledger: lacks {', '.join(lacking)}; liqbot db upgrade makes its views anew")
    return problems
