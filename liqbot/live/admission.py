"""What must be known before a house stands, contracts and account: read from the venue, or taken from the journal.

Flat, a start asks first and refuses in one line. While a position may be open it begins with protection instead: the
journal knows account and contracts, and what other starts read first is read afterwards, as often as it takes. What
would have been refused becomes a halt then, under which the position is managed.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from liqbot.connection.client import VenueClient
from liqbot.connection.endpoints import Access
from liqbot.events import Event, Halt, HaltCode
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Instrument
from liqbot.live import credentials
from liqbot.runtime.last_known import LastKnown
from liqbot.runtime.process import wall_ms
from liqbot.settings import Settings
from liqbot.venues.errors import ClockSkew, VenueError
from liqbot.venues.trading import TradingAdapter

SKEW_MS_MAX: Final = 2_000
"""An order expires after three seconds."""
WHOSE_S: Final = 1.0
"""Longest wait for the venue's word on whose key this is, before a position that may be naked is looked at."""
AGAIN_S: Final = 2.0
_log = structlog.get_logger(__name__)


class Admission(NamedTuple):
    """`contracts` are those of an earlier process, None where they have been read anew."""

    account: str
    instruments: tuple[Instrument, ...]
    contracts: bytes | None = None
    key_expires_ms: int | None = None
    """None for a key without an end, and where the venue was not queried or states none."""


async def admission_of(settings: Settings, access: Access, trading: VenueClient, adapter: TradingAdapter) -> Admission:
    """Of the venue. VenueError without an answer, ExpectedError for a key that must not be used."""
    await trading.open(settings.coins)
    rights = await credentials.check_permissions(
        trading, adapter, with_money=access == "live", accept_unknown=settings.network.accept_unknown_rights
    )
    await require_clock(trading, adapter)
    account = credentials.account_of(rights, settings)
    return Admission(account, trading.instruments(settings.coins), key_expires_ms=rights.expires_ms)


async def require_clock(trading: VenueClient, adapter: TradingAdapter) -> None:
    """ClockSkew where questions are not signed, so that a wrong clock would show with the first order that expires."""
    if "private_key" not in trading.spec.credentials:
        return
    before_ms = wall_ms()
    skew_ms = (before_ms + wall_ms()) // 2 - await adapter.server_ms(trading)
    if abs(skew_ms) > SKEW_MS_MAX:
        words = f"our clock differs from the venue's by {skew_ms:+d} ms; synchronise this machine's clock"
        raise ClockSkew(trading.venue, words)


async def remembered(known: LastKnown, settings: Settings, trading: VenueClient) -> Admission:
    """Of the journal. Where it kept no contracts they are requested from the venue, as often as it takes."""
    instruments = known.config.instruments
    wanted = [(settings.trade_venue, coin) for coin in settings.coins]
    if known.contracts is not None and [(one.venue, one.coin) for one in instruments] == wanted:
        return Admission(known.account, instruments, known.contracts)
    while True:
        try:
            await trading.open(settings.coins)
        except VenueError as error:
            _log.warning("a position may be open, and the venue does not answer", error=str(error))
            await asyncio.sleep(AGAIN_S)
        else:
            return Admission(known.account, trading.instruments(settings.coins))


async def require_same_account(
    account: str, settings: Settings, trading: VenueClient, adapter: TradingAdapter
) -> None:
    """ExpectedError when the venue says that the key is another account's. Silence is no reason to wait."""
    try:
        async with asyncio.timeout(WHOSE_S):
            rights = await adapter.permissions(trading, with_money=False)
    except (VenueError, TimeoutError) as error:
        _log.warning("whose key this is could not be read yet", error=str(error))
        return
    found = credentials.account_of(rights, settings)
    if found != account:
        raise ExpectedError(f"the journal is of account {account}, this key is of {found}", Exit.CONFIG)


class LaterAdmission:
    """Asks afterwards what other starts ask first, until it has been answered."""

    def __init__(
        self, admission: Admission, settings: Settings, access: Access, trading: VenueClient, adapter: TradingAdapter,
        publish: Callable[[tuple[Event, ...]], None], keep: Callable[[bytes], None], key: Callable[[int | None], None],
    ) -> None:
        """`keep` is given the contracts for the next start, `key` when the key ends."""
        self._known, self._settings, self._access = admission, settings, access
        self._trading, self._adapter, self._publish, self._keep, self._key = trading, adapter, publish, keep, key

    async def run(self) -> None:
        """Until all is known."""
        while True:
            try:
                found = await admission_of(self._settings, self._access, self._trading, self._adapter)
            except VenueError as error:
                _log.warning("not admitted yet", error=str(error))
                await asyncio.sleep(AGAIN_S)
            except ExpectedError as refusal:
                self._halt(HaltCode.KEY_REFUSED, str(refusal))
                return
            else:
                break
        self._keep(self._trading.contracts)
        self._key(found.key_expires_ms)
        if found.account != self._known.account:
            self._halt(
                HaltCode.KEY_REFUSED, f"the journal is of account {self._known.account}, this key is of {found.account}"
            )
        elif found.instruments != self._known.instruments:
            self._halt(
                HaltCode.CONTRACT_CHANGED,
                "the venue lists the traded contracts otherwise than the journal knows them: start again once flat",
            )

    def _halt(self, code: HaltCode, reason: str) -> None:
        _log.error("halted", code=code, reason=reason)
        self._publish((Halt(time_ms=wall_ms(), reason=reason, code=code),))
