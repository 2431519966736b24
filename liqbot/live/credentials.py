"""Who may trade where: the two latches of live, keys, test access, and clients made accordingly."""

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from pydantic import SecretStr

from liqbot.connection.client import Credentials, VenueClient
from liqbot.connection.endpoints import Access
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Instrument, split_venue_key
from liqbot.settings import Settings
from liqbot.settings.venues import streamed
from liqbot.venues.errors import ClockSkew, ContractChanged, VenueAuth, VenueError
from liqbot.venues.registry import VENUES, access_refusal, refusal, trading_of
from liqbot.venues.trading import KeyPermissions, TradingAdapter, VenueCaller

_DIGITS: Final = {"wallet_address": 40, "private_key": 64}
_FORMS: Final = {name: re.compile(f"0x[0-9a-fA-F]{{{digits}}}") for name, digits in _DIGITS.items()}
TRADING_MODES: Final = ("testnet", "demo", "live")


def require_latches(settings: Settings, profile: str, *, live: bool) -> Access:
    """ExpectedError unless file and command line agree on what is at stake."""
    mode = settings.mode
    if mode not in TRADING_MODES:
        raise ExpectedError(
            f"mode: {mode!r} in profile {profile}, but start wants one of {', '.join(TRADING_MODES)}", Exit.CONFIG
        )
    if mode == "live" and not live:
        raise ExpectedError("mode is live: say --live too, and money is at stake", Exit.CONFIG)
    if live and mode != "live":
        raise ExpectedError(f"--live, but mode is {mode!r} in profile {profile}", Exit.CONFIG)
    if mode == "live" and settings.network.loopback:
        raise ExpectedError("network.loopback is set: live never talks to a simulated exchange", Exit.CONFIG)
    access: Access = "live" if mode == "live" else "testnet" if mode == "testnet" else "demo"
    return access


def trading_adapter_for(settings: Settings) -> TradingAdapter:
    """How the trading venue is traded on; ExpectedError for venues that give data only."""
    try:
        return trading_of(settings.trade_venue)
    except ValueError as error:
        raise ExpectedError(str(error), Exit.CONFIG) from None


def trading_client(settings: Settings, access: Access) -> VenueClient:
    """With our key. ExpectedError when there is none, or when the venue has no such access."""
    adapter, spec = trading_adapter_for(settings), VENUES[settings.trade_venue]
    refused = access_refusal(spec.venue, access)
    if refused:
        raise ExpectedError(refused, Exit.CONFIG)
    return VenueClient(
        spec, access=access, credentials=_credentials(settings), options=adapter.options,
        loopback=settings.network.loopback or None,
        budget=spec.trading_budget.shared(settings.network.request_share),
    )


def _credentials(settings: Settings) -> Credentials:
    venue = settings.trade_venue
    key = settings.keys.get(venue)
    missing = [name for name in VENUES[venue].credentials if key is None or getattr(key, name) is None]
    parts = [part for name in VENUES[venue].credentials if (part := getattr(key, name, None)) is not None]
    if missing:
        variables = ", ".join(f"LIQBOT_KEYS__{venue.upper()}__{name.upper()}" for name in missing)
        raise ExpectedError(
            f"no key for {venue}: put {variables} into the environment or the secrets directory", Exit.CONFIG
        )
    for name in VENUES[venue].credentials:
        form = _FORMS.get(name)
        given: SecretStr = getattr(key, name)
        if form is not None and not form.fullmatch(given.get_secret_value()):
            raise ExpectedError(
                f"keys.{venue}.{name}: the value given is none (it is not shown); 0x and {_DIGITS[name]} hexadecimal "
                "digits are right", Exit.CONFIG,
            )
    return Credentials(*parts)


def public_clients(settings: Settings) -> dict[str, VenueClient]:
    """One per venue that feeds the map by streams, always with production prices; of a house that follows another one
    only the venue it trades on, whose contracts it must know. ExpectedError for one that cannot be read."""
    wanted = streamed(settings)
    if settings.feeds.from_journal:
        wanted = (split_venue_key(settings.trade_venue)[0],)
    unread = [venue for venue in wanted if venue not in VENUES or VENUES[venue].wire is None]
    if unread:
        raise ExpectedError("\n".join(refusal("venues", venue, "market_data") for venue in unread), Exit.CONFIG)
    return {
        venue: VenueClient(
            VENUES[venue], loopback=settings.network.loopback or None,
            budget=VENUES[venue].public_budget.shared(settings.network.request_share),
            inverse=any(split_venue_key(key) == (venue, "coin") for key in settings.venues),
        )
        for venue in wanted
    }  # fmt: skip


def account_of(rights: KeyPermissions, settings: Settings) -> str:
    """One name per account: the venue's own, else one that the key gives."""
    key = settings.keys[settings.trade_venue]
    first = key.api_key or key.wallet_address
    by_key = hashlib.sha256(first.get_secret_value().encode()).hexdigest()[:12] if first is not None else ""
    return f"{settings.trade_venue} {rights.account or by_key}"


async def check_permissions(
    client: VenueCaller, adapter: TradingAdapter, *, with_money: bool, accept_unknown: bool = False
) -> KeyPermissions:
    """Whose key it is; ExpectedError when it may move money away or may not trade, and with money at stake also when
    that is not said, unless the user takes it on himself (`network.accept_unknown_rights`)."""
    rights = await adapter.permissions(client, with_money=with_money)
    venue = adapter.venue
    moving = (("withdraw", rights.may_withdraw), ("transfer to other accounts", rights.may_transfer))
    for what, may in moving:
        if may:
            raise ExpectedError(f"{venue}: this key may {what}; make one that may only trade", Exit.CONFIG)
    if rights.may_trade is False:
        raise ExpectedError(f"{venue}: this key may not trade{_because(rights)}", Exit.CONFIG)
    unread = [what for what, may in moving if may is None]
    if with_money and unread and not accept_unknown:
        raise ExpectedError(
            f"{venue}: it cannot be read whether this key may {' or '.join(unread)}{_because(rights)}; look yourself, "
            "then say network.accept_unknown_rights = true", Exit.CONFIG,
        )  # fmt: skip
    return rights


def _because(rights: KeyPermissions) -> str:
    return f" ({rights.note})" if rights.note else ""


def one_line(error: VenueError) -> ExpectedError:
    """A venue's trouble at start-up, as a verb ends with it."""
    said = _readable(error)
    if isinstance(error, VenueAuth):
        said += "; see that key and secret, its rights and the addresses it is tied to are right (docs/venues.md)"
    elif isinstance(error, ContractChanged):
        said += "; see that coins and venues of the profile are right"
    elif not isinstance(error, ClockSkew):
        return ExpectedError(said, Exit.UNREACHABLE)
    return ExpectedError(said, Exit.CONFIG)


def _readable(error: VenueError) -> str:
    return re.sub(r"\s+", " ", str(error))[:400]


def listed(clients: Mapping[str, VenueClient], settings: Settings) -> tuple[Instrument, ...]:
    """The traded contracts as the trading venue lists them in public. ExpectedError when it was not reached."""
    client = clients.get(settings.trade_venue)
    if client is None or not client.opened:
        raise ExpectedError(f"{settings.trade_venue}: not reached, and it is the trade_venue", Exit.UNREACHABLE)
    return client.instruments(settings.coins)
