"""An account whose every answer may come mangled, with orders under way: the adapter and edge behind the unmodified
client, without a socket between it and the venue, on a clock that waits for nothing."""

import asyncio
import contextlib
import json
import random
import selectors
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Any, Final, Self

from liqbot import events
from liqbot.commands import PlaceOrder, Purpose
from liqbot.connection.client import VenueClient
from liqbot.venues.conformance.mangling import RUBBISH
from liqbot.venues.errors import VenueError
from liqbot.venues.registry import VENUES
from liqbot.venues.spec import RequestBudget
from paper.dialects.faults import Faults, Kind, WireFault
from paper.dialects.http import Request
from paper.dialects.server import Server
from paper.dialects.serving import Loopback
from tests.builders.loopback_broker import Rig, rig
from tests.builders.venue_keys import credentials_of
from tests.builders.wrong_answers import STRANGE_STATUS

WHOLE: Final = (b"", b"null", b'"maintenance"', b"<html><body>Back soon</body></html>", b"{}", b"[{}]", b"[null]", b"7")
STATES: Final = ("status", "algoStatus", "orderStatus", "state", "execType", "side", "marginType", "marginMode",
                 "mgnMode", "posMode", "posSide", "incomeType", "type", "workingType", "triggerBy")  # fmt: skip
PLAUSIBLE: Final = "plausible"
"""A mutation after which the answer may be another true one: nobody can tell it from one."""
_MUTATED: ContextVar[list[str] | None] = ContextVar("mutated", default=None)


OPENED_AGAIN: Final = 0.2
"""Share of the episodes in which the contracts are loaded once more."""


class Mutator:
    """Seeded: the same answers become the same nonsense."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def __call__(self, body: bytes, *, nonsense: bool) -> tuple[str, bytes]:
        """(kind, other body). `nonsense`: never a plausible one."""
        while True:
            kind, changed = self._other(body)
            if kind != PLAUSIBLE or not nonsense:
                return kind, changed

    def _other(self, body: bytes) -> tuple[str, bytes]:
        kind = self.chance.choice(("whole", "cut", "field", "field", "field", "rubbish", "rubbish", "state", "bytes"))
        if kind == "whole":
            return kind, self.chance.choice(WHOLE)
        if kind == "cut":
            return kind, body[: self.chance.randrange(len(body))] if body else b"["
        if kind == "bytes":
            at = self.chance.randrange(len(body)) if body else 0
            changed = body[:at] + bytes((self.chance.randrange(256),)) + body[at + 1 :]
            return PLAUSIBLE if _is_json(changed) else kind, changed
        try:
            value = json.loads(body)
        except ValueError:
            return "whole", self.chance.choice(WHOLE)
        return self._changed(kind, value)

    def _changed(self, kind: str, value: Any) -> tuple[str, bytes]:
        paths = list(_paths(value))
        if kind == "state":
            paths = [path for path in paths if path[-1] in STATES] or paths
        if not paths:
            return "whole", self.chance.choice(WHOLE)
        *inner, last = self.chance.choice(paths)
        parent = value
        for step in inner:
            parent = parent[step]
        if kind == "field":
            del parent[last]
            kind = PLAUSIBLE if isinstance(last, int) else kind
        elif kind == "state":
            parent[last] = STRANGE_STATUS
        else:
            parent[last] = self.chance.choice(RUBBISH)
            plausible = parent[last] in (0, -1, "-1", "", 1e308) or parent[last] in ([], None)
            kind = PLAUSIBLE if plausible else kind
        return kind, json.dumps(value).encode()


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def _paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*here, key)
        yield from _paths(part, (*here, key))


class FuzzedFaults(Faults):
    """Instead of faults on order: every answer with this chance while `on`."""

    def __init__(self, seed: int, share: float) -> None:
        super().__init__()
        self.mutator, self.share, self.on, self.nonsense = Mutator(seed), share, False, False
        self.count: Counter[str] = Counter()
        """Mutated answers by endpoint."""
        self.kinds: Counter[str] = Counter()

    def take(self, endpoint: str) -> WireFault | None:
        if not self.on or self.mutator.chance.random() >= self.share:
            return None
        return WireFault(endpoint, Kind.CHANGED, change=self._change(endpoint))

    def _change(self, endpoint: str) -> Callable[[bytes], bytes]:
        def change(body: bytes) -> bytes:
            kind, changed = self.mutator(body, nonsense=self.nonsense)
            self.count[endpoint] += 1
            self.kinds[kind] += 1
            noted = _MUTATED.get()
            if noted is not None:
                noted.append(kind)
            return changed

        return change


class Straight:
    """In place of the client's session: its requests go to the server's handlers as they are, without a socket."""

    def __init__(self, server: Server) -> None:
        self._server, self.headers = server, dict[str, str]()

    async def close(self) -> None:
        """Nothing is open."""

    def get(self, url: Any, **asked: Any) -> "_Asked":
        return _Asked(self._server, "GET", url, asked)

    def post(self, url: Any, **asked: Any) -> "_Asked":
        return _Asked(self._server, "POST", url, asked)

    def put(self, url: Any, **asked: Any) -> "_Asked":
        return _Asked(self._server, "PUT", url, asked)

    def delete(self, url: Any, **asked: Any) -> "_Asked":
        return _Asked(self._server, "DELETE", url, asked)


class _Asked:
    """One request, and what aiohttp would give for its answer."""

    def __init__(self, server: Server, method: str, url: Any, asked: dict[str, Any]) -> None:
        host, _, path = url.raw_path.lstrip("/").partition("/")
        headers = {name.lower(): value for name, value in asked["headers"].items()}
        self._server = server
        self._request = Request(method, host, f"/{path}", url.raw_query_string, headers, asked["data"] or b"")

    async def __aenter__(self) -> Self:
        room = self._server._room(self._request.host, self._request.headers)
        assert room is not None, self._request.host
        endpoint = room.dialect.endpoint(self._request)
        fault = self._server.hub.faults.take(endpoint)
        answer = await self._server._answer(room, self._request, fault)
        assert answer is not None, "no fault of this kind is ordered here"
        self._server._note(self._request, endpoint, answer.status)
        self._body, self.status, self.reason = answer.payload, answer.status, "OK"
        self.headers = {"Content-Type": "application/json", **answer.headers}
        self.content = self._body
        return self

    async def __aexit__(self, *error: object) -> None:
        return None

    async def text(self, errors: str) -> str:
        return self._body.decode(errors=errors)


class HurriedLoop(asyncio.SelectorEventLoop):
    """Its clock leaps to whatever is due next. For programs that wait for nothing outside of themselves."""

    def __init__(self) -> None:
        super().__init__(_Leaping(self))
        self.ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s


class _Leaping(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    def __init__(self, loop: HurriedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0 if timeout else timeout)
        if not ready and timeout:
            self._loop.ahead_s += timeout
        return ready


class Outcomes:
    """What became of mutated answers: `AnswerMalformed` and other errors by name, `fits` where the answer still was
    one."""

    def __init__(self, client: VenueClient) -> None:
        self.count: Counter[str] = Counter()
        self._once = client._once
        client._once = self._noted  # type: ignore[method-assign]

    async def _noted(self, *asked: Any, **more: Any) -> Any:
        kinds: list[str] = []
        token = _MUTATED.set(kinds)
        outcome = "fits"
        try:
            return await self._once(*asked, **more)
        except VenueError as error:
            outcome = type(error).__name__
            raise
        finally:
            _MUTATED.reset(token)
            if kinds:
                self.count[outcome] += len(kinds)


class Fuzzed:
    """An account under fuzz: `episode` after `episode`, each one trade with everything that is read about it."""

    def __init__(self, one: Rig, faults: FuzzedFaults) -> None:
        self.one, self.faults, self.outcomes = one, faults, Outcomes(one.client)
        self.chance = random.Random(faults.mutator.chance.random())
        self.wrong: list[str] = []
        """What should never have been believed."""

    async def episode(self) -> None:
        """In, protected, around, out; every answer may be nonsense. Then sense returns, and all must be as it is."""
        one, before = self.one, len(self.one.engine.facts)
        self.faults.nonsense = self.chance.random() < 0.75
        self.faults.on = True
        await one.leverage()
        entry = one.engine.order(Purpose.ENTRY, quantity="0.02")
        stop = one.engine.order(Purpose.STOP, quantity="0.02", trigger_price="49000")
        take = one.engine.order(Purpose.TAKE, quantity="0.01", limit_price="52000")
        await self._told(one.send(entry))
        await one.advance()
        await self._told(one.send(stop, take))
        await self._told(self._reads())
        await self._told(one.cancel(take))
        await self._told(one.send(one.engine.order(Purpose.EXIT, quantity="0.02")))
        if self.faults.nonsense and one.account.holding("BTC") is not None:
            self._judge(before, stop)
        await one.advance()
        await self._told(one.cancel(stop))
        self.faults.on = False
        await self._calm()

    async def _told(self, work: Any) -> None:
        """And whatever follows from it, for as long as anybody waits for an answer."""
        await work
        for _ in range(self.chance.randint(1, 3)):
            await asyncio.sleep(0.7)
            with contextlib.suppress(VenueError):
                await self.one.edge.reconciler.once()

    async def _reads(self) -> None:
        """What is read at a start, by `doctor` and by nobody else."""
        one, adapter = self.one, self.one.edge.adapter
        readings: tuple[Callable[[], Any], ...] = (
            lambda: adapter.permissions(one.client, with_money=True), lambda: adapter.server_ms(one.client),
            lambda: adapter.funding_rates(one.client, one.edge.traded[0], 1, one.hub.now_ms),
            lambda: adapter.owner(one.client, one.edge.traded[0], "1"),
        )
        for reading in readings:
            with contextlib.suppress(VenueError):
                await reading()
        if self.chance.random() < OPENED_AGAIN:
            await self._open()

    async def _open(self) -> None:
        """The contracts, as a start loads them."""
        client = VenueClient(
            VENUES[self.one.venue], credentials=credentials_of(self.one.venue),
            loopback=self.one.loop.url, budget=RequestBudget(units=10_000),
        )
        straight(client, self.one.loop)
        outcomes = Outcomes(client)
        try:
            with contextlib.suppress(VenueError):
                await client.open(("BTC",))
                client.instruments(("BTC",))
        finally:
            self.outcomes.count += outcomes.count
            await client.close()

    def _judge(self, before: int, stop: PlaceOrder) -> None:
        """While it is held: nobody was told that nothing is held, nor that the stop which rests is gone."""
        facts = self.one.engine.facts[before:]
        filled = next((at for at, fact in enumerate(facts) if isinstance(fact, events.Fill)), len(facts))
        flat = [fact for fact in facts[filled:] if isinstance(fact, events.PositionSnapshot) and not fact.quantity_base]
        self.wrong += [f"flat, while it is held: {fact}" for fact in flat]
        record = self.one.account.order(client_id=stop.client_id)
        if record is not None and record.open:
            ended = events.OrderMissing | events.OrderRejected | events.OrderCancelled
            gone = [fact for fact in facts if isinstance(fact, ended) and fact.client_id == stop.client_id]
            self.wrong += [f"gone, while it rests: {fact}" for fact in gone]

    async def _calm(self) -> None:
        """All that rests goes, all that is held is closed, and a reading says so."""
        one = self.one
        for order in one.account.open_orders():
            await one.cancel(order.command)
        await asyncio.sleep(6)
        held = one.account.holding("BTC")
        if held is not None:
            await one.send(one.engine.order(Purpose.EXIT, side=held.side, quantity=str(held.quantity_base)))
            await asyncio.sleep(1)
            await one.advance()
        await asyncio.sleep(30)
        if not await one.edge.reconciler.once():
            self.wrong.append("sense returned, and the account was not read")
        if one.account.open_orders() or one.account.holding("BTC") is not None:
            self.wrong.append(f"left: {one.account.open_orders()}, {one.account.holding('BTC')}")
        last = [fact for fact in one.engine.facts if isinstance(fact, events.PositionSnapshot)][-1]
        if last.quantity_base:
            self.wrong.append(f"the last word is {last}")
        del one.engine.facts[:]
        for task in one.edge._tasks:
            if task.done() and not task.cancelled() and task.exception() is not None:
                self.wrong.append(f"a part ended: {task.exception()!r}")


@contextlib.asynccontextmanager
async def fuzzed(venue: str, seed: int, share: float = 0.5) -> AsyncIterator[Fuzzed]:
    """Without a user stream, so that nothing is heard but answers; to be run on a `HurriedLoop`."""
    async with rig(venue, running=False, prepare=straight) as one:
        faults = FuzzedFaults(seed, share)
        one.hub.faults = faults
        one.hub.quiesce = _at_once
        one.edge._tasks = (asyncio.create_task(one.edge.broker.run()),)
        await asyncio.sleep(0)
        assert await one.edge.reconciler.once()
        try:
            yield Fuzzed(one, faults)
        finally:
            faults.on = False
            await one.edge.close()


def straight(client: VenueClient, loop: Loopback) -> None:
    client.exchange.session = Straight(loop.server)


async def _at_once() -> None:
    await asyncio.sleep(0)


def counted(fuzz: Fuzzed) -> bool:
    """Every mutated answer came to an end that is counted."""
    return fuzz.outcomes.count.total() == fuzz.faults.count.total()
