"""The one door to the unified client: dialling, request budget, retries, typed errors, and a tap on raw messages.

It connects, subscribes, pings and signs; market data is decoded by the venue's own wire, because the unified decoding
loses bursts and costs forty times as much. Nothing is imported from it until a client is first used.
"""

import asyncio
import decimal
import functools
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final, TypeVar

import msgspec
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, stop_before_delay

from liqbot.connection.bounded_answers import bounded_session
from liqbot.connection.credentials import Credentials
from liqbot.connection.dispatch import DISPATCH, nothing, signed
from liqbot.connection.endpoints import (
    Access,
    at_hosts,
    at_loopback,
    first_host,
    options_for,
    original_address,
    pings,
    use_access,
)
from liqbot.connection.error_mapping import HttpResponse, host_in, venue_error
from liqbot.connection.instruments import instrument_of, listed_contracts, symbols_of
from liqbot.connection.rate_limit import RateLimiter
from liqbot.connection.raw_streams import RawStreams
from liqbot.connection.turns import read_in_turns
from liqbot.connection.unified_library import certificates, client_class, with_requests
from liqbot.decode_errors import STUMBLES
from liqbot.instruments import Instrument
from liqbot.venues.errors import (
    RETRYABLE,
    AnswerMalformed,
    NeverSent,
    OutcomeUnknown,
    VenueBusy,
    VenueError,
    VenueRefused,
    VenueUnreachable,
)
from liqbot.venues.spec import RequestBudget, VenueSpec
from liqbot.venues.trading import Addresses, Channel, Decode, Dispatch, Retry

Tap = Callable[[str | bytes, str], bool]
Result = TypeVar("Result")

TIMEOUT_MS: Final = 8_000
ATTEMPTS_MAX: Final = 3
RETRYING_S_MAX: Final = 6.0
"""What the unified client raises over an answer that it did not expect."""

_ANSWER: ContextVar[HttpResponse | None] = ContextVar("answer", default=None)
_ON_URL: ContextVar[Callable[[str], None] | None] = ContextVar("on_url", default=None)
_log = structlog.get_logger(__name__)


class VenueClient:
    """One venue through one account (or none). Reusable within one event loop until `close`."""

    def __init__(
        self, spec: VenueSpec, *, access: Access = "live", credentials: Credentials | None = None,
        loopback: str | None = None, budget: RequestBudget | None = None, timeout_ms: int = TIMEOUT_MS,
        inverse: bool = False, options: Mapping[str, Any] | None = None,
    ) -> None:
        """`loopback` (`http://127.0.0.1:PORT`) sends every request there, the original host first in its path.
        `inverse` loads coin-margined contracts too; `options` go to the unified client as they are."""
        self.spec, self.access = spec, access
        self._credentials, self._loopback, self._timeout_ms = credentials, loopback, timeout_ms
        self._options = options_for(spec, inverse=inverse) | dict(options or {})
        self._limiter = RateLimiter(budget or spec.public_budget)
        self._taps: list[Tap] = []
        self.raw = RawStreams(
            spec.venue, dict(spec.hosts), loopback, lambda: self._limiter.acquire("normal", 1), self._offered
        )
        self._exchange: Any = None
        self.host = spec.venue
        """The venue's host, for messages."""
        self.opened = False
        """Whether the contracts are loaded."""
        self.handler_errors = 0
        """Messages on which the unified client, or who taps it, failed; each one costs a reconnect."""
        self.answers_malformed = 0
        """Answers that were not what the venue documents; `answer_malformed_newest` is the last of them, in words."""
        self.answer_malformed_newest = ""

    @property
    def venue(self) -> str:
        return self.spec.venue

    @property
    def exchange(self) -> Any:
        """The unified client; made, and its library loaded, on first use."""
        if self._exchange is None:
            self._exchange = self._made()
        return self._exchange

    @property
    def addresses(self) -> Addresses:
        """Addresses of the account and of the key that signs; ValueError for a private key that is none."""
        if self._credentials is None or "private_key" not in self.spec.credentials:
            return Addresses()
        exchange = self.exchange
        signer: str = exchange.eth_get_address_from_private_key(exchange.privateKey)
        return Addresses(exchange.walletAddress.lower(), signer.lower())

    def _made(self) -> Any:
        if self.spec.client is None:
            raise ValueError(f"{self.venue}: the unified client does not know this venue")
        config = {"enableRateLimit": False, "timeout": self._timeout_ms, "options": self._options, **pings(self.spec)}
        if self._credentials is not None:
            config |= self._credentials.config(self.spec.credentials)
        exchange = with_requests(client_class(self.spec.client)(config), self.spec.unlisted)
        exchange.has["fetchCurrencies"] = False
        exchange.timeout_on_exit, exchange.ssl_context = 0, certificates(exchange.cafile)
        use_access(exchange, self.spec, self.access)
        hostname = exchange.hostname or ""
        exchange.urls["api"] = at_hosts(exchange.urls["api"], dict(self.spec.hosts), hostname)
        self.host = first_host(exchange.urls["api"], hostname) or self.venue
        if self._loopback is not None:
            exchange.urls["api"] = at_loopback(exchange.urls["api"], self._loopback, hostname)
            # The client reads errors by the address they came from: it must see the one that is stood in for.
            exchange.handle_errors = functools.partial(_as_live, exchange.handle_errors)
        exchange.client = functools.partial(self._socket, exchange.client)
        exchange.open = functools.partial(bounded_session, exchange, exchange.open)
        for method in self.spec.silenced:
            setattr(exchange, method, nothing)
        exchange.sign = functools.partial(signed, exchange, self.spec.expiry, exchange.sign)
        exchange.on_rest_response = functools.partial(_noting, exchange.on_rest_response)
        return exchange

    # --- contracts ------------------------------------------------------------------------------------------------

    async def open(self, coins: Sequence[str]) -> None:
        """Load the venue's contracts, keep those of our coins, and check that their sizes are what the spec says.

        ContractChanged when one is missing or of another size.
        """
        await self.load()
        self.hold(await self.listed(functools.partial(listed_contracts, self.spec, coins)))

    async def listed(self, decode: Decode | None = None) -> Any:
        """Every contract as the venue lists it now, in the unified client's words, or what `decode` makes of them. What
        is loaded stays as it is: the client's own loading puts away what it made of an answer, sense or not, and until
        a better one came no order could be placed for want of its contract."""
        return await self.call("fetch_markets", dict(self.spec.listing_params), weight=5, decode=decode)

    def hold(self, contracts: list[Any]) -> None:
        """These, as the unified client lists them, are loaded from now on, and no others."""
        self.exchange.set_markets(contracts, {})
        self.opened = True

    async def open_again(self, contracts: bytes) -> None:
        """Without asking: the contracts as `contracts` of an earlier process kept them."""
        await self.load()
        self.hold(msgspec.json.decode(contracts))

    async def load(self) -> None:
        """The library, which takes seconds to import: not on the event loop."""
        if self.spec.client is not None:
            await asyncio.to_thread(client_class, self.spec.client)

    @property
    def contracts(self) -> bytes:
        """The contracts as the venue listed them, for `open_again` of a later process; after `open`."""
        return msgspec.json.encode(list(self.exchange.markets.values()))

    def symbols(self, coins: Sequence[str], contract: str = "") -> dict[str, str]:
        """Coin -> unified symbol of one of the venue's contracts (the main one by default)."""
        return {coin: symbol for (symbol, listing), coin in
                zip(symbols_of(self.spec, coins, contract), coins, strict=True) if listing.contract == contract}

    def instruments(self, coins: Sequence[str]) -> tuple[Instrument, ...]:
        """The main contract of each coin as the venue lists it now; after `open`."""
        symbols = self.symbols(coins)
        return tuple(instrument_of(self.exchange, self.spec, coin, symbols[coin]) for coin in coins)

    # --- requests -------------------------------------------------------------------------------------------------

    async def call(
        self, method: str, *args: Any, weight: int = 1, channel: Channel = "normal", retry: Retry = "read",
        decode: Decode | None = None, dispatch: Dispatch | None = None,
    ) -> Any:
        """One method of the unified client, by name: what `decode` makes of its answer. Raises a VenueError, nothing
        else of the venue's.

        `retry="read"`: for reads and cancels; tried again after no answer, too many requests or an answer that does not
        fit, for seconds at most.
        `retry="never"`: for whatever may change something; an answer that is lost or does not fit is OutcomeUnknown,
        see there. With `dispatch` an order is given up unsent (NeverSent) rather than sent late, and says until when
        it may be carried out.
        """
        if retry == "never":
            try:
                return await self._once(method, args, weight, channel, decode, write=True, dispatch=dispatch)
            except AnswerMalformed as error:
                raise OutcomeUnknown(self.venue, error.detail) from error
        attempts = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS_MAX) | stop_before_delay(RETRYING_S_MAX), wait=_wait_s,
            retry=retry_if_exception_type(RETRYABLE), reraise=True,
        )
        return await attempts(self._once, method, args, weight, channel, decode, write=False)

    async def _once(
        self, method: str, args: tuple[Any, ...], weight: int, channel: Channel, decode: Decode | None, *, write: bool,
        dispatch: Dispatch | None = None,
    ) -> Any:
        function = getattr(self.exchange, method)
        await self._turn(channel, weight, None if dispatch is None else dispatch.turn_ms_max)
        answer = HttpResponse()
        token, dispatched = _ANSWER.set(answer), DISPATCH.set(dispatch)
        try:
            found = await self._typed(function(*args), method, answer, write=write)
            return found if decode is None else decode(found)
        except VenueBusy as busy:
            self._limiter.hold(busy.retry_after_s or None)
            raise
        except AnswerMalformed as error:
            self._malformed(error)
            raise
        finally:
            _ANSWER.reset(token)
            DISPATCH.reset(dispatched)

    async def _turn(self, channel: Channel, weight: int, wait_ms_max: int | None) -> None:
        """Until the request may leave. Judged afterwards too: a process that stood still meanwhile is late as well."""
        if wait_ms_max is None:
            await self._limiter.acquire(channel, weight)
            return
        loop = asyncio.get_running_loop()
        late_s = loop.time() + wait_ms_max / 1000
        try:
            async with asyncio.timeout_at(late_s):
                await self._limiter.acquire(channel, weight)
        except TimeoutError as late:
            raise NeverSent(self.venue, f"its turn had not come after {wait_ms_max} ms: not sent") from late
        if loop.time() > late_s:
            raise NeverSent(self.venue, f"its turn came later than {wait_ms_max} ms after it was requested: not sent")

    def _malformed(self, error: AnswerMalformed) -> None:
        self.answers_malformed += 1
        self.answer_malformed_newest = str(error)
        _log.warning("an answer is not understood", venue=self.venue, request=error.request, field=error.field,
                     sample=error.sample, count=self.answers_malformed)

    async def _typed(self, call: Awaitable[Result], method: str, answer: HttpResponse, *, write: bool) -> Result:
        from ccxt.base.errors import BaseError

        try:
            # The library sets its caller's rounding to half up and leaves it so: not that of code which counts money.
            with decimal.localcontext():
                return await call
        except BaseError as error:
            raise venue_error(self.spec, self.host, error, answer, write=write) from error
        except STUMBLES as error:
            if not _of_the_library(error):
                raise
            raise AnswerMalformed(self.venue, method, "$", str(error), type(error).__name__) from error

    # --- sockets --------------------------------------------------------------------------------------------------

    def tap(self, callback: Tap) -> Callable[[], None]:
        """Every raw message of every socket goes to `callback(raw, url)` first; True means that it is consumed.

        Callbacks are called in the order they were added, must be quick and must not raise. The result removes it.
        """
        self._taps.append(callback)
        return functools.partial(self._taps.remove, callback)

    async def watch(self, method: str, *args: Any, on_url: Callable[[str], None] | None = None) -> Any:
        """Dial, subscribe and wait. For a stream that a tap consumes this ends only with a VenueError, when the
        connection does. `on_url` learns which socket carries it."""
        token = _ON_URL.set(on_url)
        try:
            return await self._typed(getattr(self.exchange, method)(*args), method, HttpResponse(), write=False)
        except asyncio.CancelledError:
            # The library cancels what waits on a connection that it closes: whoever waits would seem to have been asked
            # to end, and its stream would end with it.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise VenueUnreachable(self.venue, self.host, "the connection was closed while it was dialled") from None
        finally:
            _ON_URL.reset(token)

    @property
    def sockets(self) -> tuple[str, ...]:
        """Addresses of the sockets in use."""
        return (*self.raw.urls, *(() if self._exchange is None else self._exchange.clients))

    def drop(self, urls: Iterable[str], reason: str) -> None:
        """Give sockets up: everyone who waits on one gets VenueUnreachable, and the next watch dials anew."""
        from ccxt.base.errors import NetworkError

        self.raw.drop(urls, reason)
        for url in urls:
            socket = self.exchange.clients.get(url)
            if socket is not None:
                socket.on_error(NetworkError(f"{self.venue} {url} {reason}"))

    def sign_in_again(self) -> None:
        """The next dialling of the user stream asks for its key anew: the one that is kept may be the reason why the
        last one broke, nonsense for instance, and would be used again for many minutes."""
        for kept in self.exchange.options.values():
            if isinstance(kept, dict) and "listenKey" in kept:
                kept |= {"listenKey": None, "lastAuthenticatedTime": 0}

    async def close(self) -> None:
        await self.raw.close()
        if self._exchange is not None:
            await self._exchange.close()

    def _socket(self, original: Callable[[str], Any], url: str) -> Any:
        """Stands in for the unified client's factory of sockets: the same socket, with its raw messages tapped."""
        socket = original(url)
        if "handle_text_or_binary_message" not in vars(socket):
            handle = functools.partial(self._on_message, socket, socket.handle_text_or_binary_message)
            socket.handle_text_or_binary_message = handle
            read_in_turns(socket, _queue_overhead_bytes())
        on_url = _ON_URL.get()
        if on_url is not None:
            on_url(url)
        return socket

    def _offered(self, raw: str | bytes, url: str) -> bool:
        return any(tap(raw, url) for tap in self._taps)

    def _on_message(self, socket: Any, original: Callable[[str | bytes], None], raw: str | bytes) -> None:
        from ccxt.base.errors import BaseError, NetworkError

        try:
            if not self._offered(raw, socket.url):
                original(raw)
        except (BaseError, *STUMBLES) as error:
            # An exception here would end the socket's receive loop without closing it: silence for ever.
            self.handler_errors += 1
            socket.on_error(NetworkError(f"{self.venue} {socket.url} {type(error).__name__}: {error}"))


def _queue_overhead_bytes() -> int:
    from ccxt.async_support.base.ws import client

    return int(client.MSG_SIZE_OVERHEAD)


def host_of(url: str) -> str:
    """The venue's host behind an address, rewritten or not."""
    return host_in(url)


def _as_live(original: Callable[..., Any], status: int, reason: str, url: str, *rest: Any) -> Any:
    return original(status, reason, original_address(url), *rest)


def _noting(original: Callable[..., Any], status: int, reason: str, url: str, method: str,
            headers: Mapping[str, str] | None, *rest: Any) -> Any:
    answer = _ANSWER.get()
    if answer is not None:
        answer.note(status, headers)
    return original(status, reason, url, method, headers, *rest)


def _of_the_library(error: BaseException) -> bool:
    """Whether it was raised there, or in what it calls, and not in code of ours that it called."""
    deepest = error.__traceback__
    while deepest is not None and deepest.tb_next is not None:
        deepest = deepest.tb_next
    module = deepest.tb_frame.f_globals.get("__name__", "") if deepest is not None else ""
    return not module.startswith(f"{__package__.partition('.')[0]}.")


def _wait_s(state: RetryCallState) -> float:
    """What the venue asks for, else .25 s, .5 s, ..."""
    error = state.outcome.exception() if state.outcome is not None else None
    wait_s = error.retry_after_s if isinstance(error, VenueBusy) else None
    return wait_s if wait_s is not None else 0.25 * 2.0 ** (state.attempt_number - 1)


__all__ = [
    "Channel",
    "Credentials",
    "RequestBudget",
    "Retry",
    "Tap",
    "VenueClient",
    "VenueError",
    "VenueRefused",
    "VenueUnreachable",
    "host_of",
]
