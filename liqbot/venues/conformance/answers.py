"""Checks of the trading adapter against answers that went wrong: refused by name, not believed, nothing else raised."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from liqbot.venues.conformance.mangling import mangled
from liqbot.venues.conformance.orders import Recorded, account_of, contract_of, drained, finished, recorded_account
from liqbot.venues.errors import AnswerMalformed, VenueError
from liqbot.venues.examples import AccountExample, ResponseExample
from liqbot.venues.spec import VenueSpec
from liqbot.venues.trading import TradedContract, TradingAdapter

AccountRead = Callable[[Recorded], object]
NONSENSE: Final[tuple[Any, ...]] = (None, True, 0, "", "<html>Maintenance</html>", {}, [[]])
"""Whole answers that no venue gives to anything: a bare empty list alone may be one."""


def mangled_answer_faults(spec: VenueSpec) -> list[str]:
    account = account_of(spec)
    if spec.trading is None or account is None:
        return []
    found: set[str] = set()
    traded = contract_of(spec, account)
    for name, read in account_reads(spec.trading, traded, account):
        used = _used_by(read, account)
        for number, example in enumerate(account.responses):
            if example in used:
                for payload in mangled(example.payload):
                    found |= _surprise(spec, name, read, _with(account, number, payload))
                for payload in NONSENSE:
                    found |= _belief(name, example, read, _with(account, number, payload))
    return sorted(found)


def account_reads(
    adapter: TradingAdapter, traded: TradedContract, account: AccountExample
) -> Iterator[tuple[str, AccountRead]]:
    """Everything that an adapter reads of an account."""
    entry, stop = account.entry_client_id, account.stop_client_id
    yield "entry", lambda client: finished(adapter.order(client, traded, entry, stop=False))
    yield "stop", lambda client: finished(adapter.order(client, traded, stop, stop=True))
    yield "resting", lambda client: finished(adapter.resting(client, traded))
    yield "trades", lambda client: drained(adapter.trades(client, traded, 1, 2))
    yield "owner", lambda client: finished(adapter.owner(client, traded, _entry_number(adapter, traded, account)))
    yield "position", lambda client: finished(adapter.position(client, traded))
    yield "settings", lambda client: finished(adapter.settings(client, traded))
    yield "wallet", lambda client: finished(adapter.wallet_usd(client))
    yield "payments", lambda client: drained(adapter.payments(client, (traded,), 1, 2))
    yield "permissions", lambda client: finished(adapter.permissions(client, with_money=True))
    yield "server time", lambda client: finished(adapter.server_ms(client))


def _entry_number(adapter: TradingAdapter, traded: TradedContract, account: AccountExample) -> str:
    report = finished(adapter.order(recorded_account(account), traded, account.entry_client_id, stop=False))
    return "" if report is None else report.venue_order_id


def _used_by(read: AccountRead, account: AccountExample) -> list[ResponseExample]:
    client = recorded_account(account)
    try:
        read(client)
    except (LookupError, VenueError):
        return []  # found by the check of what is read
    return client.used


def _with(account: AccountExample, number: int, payload: Any) -> Recorded:
    """With the answer of one example replaced."""
    responses = list(account.responses)
    responses[number] = msgspec.structs.replace(responses[number], payload=payload)
    return recorded_account(msgspec.structs.replace(account, responses=tuple(responses)))


def _surprise(spec: VenueSpec, name: str, read: AccountRead, client: Recorded) -> set[str]:
    try:
        read(client)
    except AnswerMalformed as error:
        if error.venue != spec.venue or "\n" in str(error):
            return {f"{name}: AnswerMalformed must name the venue, in one line: {str(error)!r}"}
    except Exception as error:  # noqa: BLE001 -- whatever else a reading raises is the fault that is looked for
        return {f"{name}: a mangled answer raises {type(error).__name__} ({str(error)[:80]}), not AnswerMalformed"}
    return set()


def _belief(name: str, example: ResponseExample, read: AccountRead, client: Recorded) -> set[str]:
    try:
        believed = read(client)
    except AnswerMalformed:
        return set()
    except Exception as error:  # noqa: BLE001 -- see above
        return {f"{name}: nonsense raises {type(error).__name__} ({str(error)[:80]}), not AnswerMalformed"}
    return {f"{name}: nonsense as the answer to {example.method} is believed: {str(believed)[:80]}"}
