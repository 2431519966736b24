"""Whose account it is: taken before anything is entered, given back when nothing is held any more."""

import contextlib
import time
from collections.abc import AsyncIterator
from typing import Final

import structlog

from liqbot.connection.client import VenueClient
from liqbot.execution.edge.account import traded_on
from liqbot.execution.edge.presence import AccountPresence, MarkRefusedError, OtherInstance
from liqbot.exits import Exit, ExpectedError
from liqbot.live.admission import Admission
from liqbot.live.credentials import one_line
from liqbot.runtime.storage import Storage
from liqbot.settings import Settings
from liqbot.venues.errors import VenueError
from liqbot.venues.registry import VENUES

_MIN_MS: Final = 60_000
_log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def account_taken(
    settings: Settings, admission: Admission, storage: Storage, client: VenueClient, *, held: bool
) -> AsyncIterator[AccountPresence | None]:
    """ExpectedError (running) when another instance has it, on whatever host. With a position of ours that
    may be open (`held`) nobody is refused: it must be managed, and reconciliation looks for others then. None where
    nobody can be seen."""
    marks = VENUES[settings.trade_venue].marks
    if marks is None:
        _log.warning("a second instance on this account would not be seen here", venue=settings.trade_venue)
        yield None
        return
    journal_id, engine = storage.journal.stamp.journal_id, storage.recovered.engine
    presence = AccountPresence(
        client, marks, settings.trade_venue, [traded_on(client, one) for one in admission.instruments], journal_id,
        frozenset(engine.order_manager.journals), leaves_marks=settings.network.account_mark,
    )
    if not held:
        await _take(presence, admission.account, journal_id)
    yield presence
    if not engine.account.positions:
        await presence.leave()


async def _take(presence: AccountPresence, account: str, journal_id: str) -> None:
    try:
        other = await presence.begin()
    except MarkRefusedError as error:
        raise ExpectedError(f"{error}; mend that, or start with network.account_mark = false", Exit.FAILED) from None
    except VenueError as error:
        raise one_line(error) from None
    if other is not None:
        raise ExpectedError(refusal(other, account, journal_id), Exit.RUNNING)


def refusal(other: OtherInstance, account: str, journal_id: str) -> str:
    """In one line, with what to do."""
    age_min = max(0, (time.time_ns() // 1_000_000 - other.newest.time_ms) // _MIN_MS)
    what = "an order rests" if other.newest.resting else f"its last order is {age_min:,} min old"
    return (
        f"account {account} is traded by another liqbot (journal {other.journal_id}, ours is {journal_id}; {what}): "
        "stop that one; when it is gone for good, take over what it left with: liqbot adopt"
    )
