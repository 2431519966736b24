"""Commands from outside to a running house, live or simulated: each enters as a fact, and what it did is reported."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from liqbot import hung_calls
from liqbot.blocks import EventBlock
from liqbot.control import protocol
from liqbot.control.one_position import OnePosition, coin_of
from liqbot.control.outcome import until
from liqbot.control.panic_latch import lift_panic, panic_reason
from liqbot.control.status import biases_of, clusters_of, is_flat, status_of
from liqbot.engine import Engine
from liqbot.events import BiasSet, Event, Flatten, Halt, HaltCode, Resume
from liqbot.instruments import side_of
from liqbot.risk.by_hand import BY_HAND
from liqbot.settings import Settings

FLATTEN_S_MAX: Final = 60.0
LATCH_EVERY_S: Final = 0.5


class FactsInbox(Protocol):
    """Takes facts that the house is to see next."""

    def put(self, part: EventBlock, /) -> None: ...


class ControlHandler:
    """A feed: serves the control socket, and watches for the latch that `panic` leaves."""

    def __init__(
        self, data: Path, settings: Settings, engine: Engine, clock: Callable[[], int], stop: asyncio.Event,
        more: Callable[[], dict[str, Any]],
    ) -> None:
        """`clock` is the house's own (UTC milliseconds, market time where the market is simulated); `more` adds to the
        status."""
        self._data, self._settings, self._engine, self._clock = data, settings, engine, clock
        self._stop, self._more = stop, more
        self._inbox: FactsInbox | None = None
        self._started_s = time.monotonic()
        self._by_hand = OnePosition(settings, engine, clock, self._submit)
        self._verbs = {
            "status": self._status, "pause": self._pause, "resume": self._resume, "stop": self._stopping,
            "close": self._close, "panic": self._panic, "bias": self._bias, "biases": self._biases, "clock": self._time,
            "clusters": self._clusters, "move-stop": self._by_hand.move_stop,
        }  # fmt: skip

    async def run(self, inbox: FactsInbox) -> None:
        self._inbox = inbox
        async with asyncio.TaskGroup() as group:
            group.create_task(protocol.serve(protocol.socket_path(self._data), self.answer))
            group.create_task(self._watch_latch())

    async def answer(self, request: dict[str, Any]) -> protocol.Reply:
        """To one command, wherever it came from. ValueError with what would be right."""
        verb = self._verbs.get(str(request.get("verb")))
        if verb is None:
            raise ValueError(f"no such command: {request.get('verb')!r}")
        return {"ok": True, **await verb(request)}

    def _submit(self, fact: Event) -> None:
        if self._inbox is not None:
            self._inbox.put(EventBlock(facts=(fact,)))

    async def _watch_latch(self) -> None:
        """A panic that another process works on: we enter nothing more, and help."""
        honoured = False
        while True:
            why = panic_reason(self._data)
            if why and not honoured:
                self._submit(Flatten(time_ms=self._clock(), reason=f"panic: {why}", code=HaltCode.PANIC))
            honoured = bool(why)
            await asyncio.sleep(LATCH_EVERY_S)

    # --- verbs ----------------------------------------------------------------------------------------------------

    async def _pause(self, request: dict[str, Any]) -> protocol.Reply:
        reason = f"paused: {request.get('why') or BY_HAND}"
        self._submit(Halt(time_ms=self._clock(), reason=reason, code=HaltCode.OPERATOR_PAUSE))
        return {"said": "no new entries; stops and exits go on"}

    async def _resume(self, request: dict[str, Any]) -> protocol.Reply:
        latched = lift_panic(self._data)
        hung_calls.forget(self._data)
        reason = str(request.get("why") or BY_HAND)
        self._submit(Resume(time_ms=self._clock(), reason=reason, code=HaltCode.OPERATOR_RESUME))
        barred = self._engine.account.ladder.barred
        said = f"resumed, but nothing is entered: {barred}" if barred else "entries are allowed again"
        return {"said": said + ("; the panic latch is off" if latched else "")}

    async def _close(self, request: dict[str, Any]) -> protocol.Reply:
        if request.get("coin"):
            return await self._by_hand.close(request)
        reason = f"close: {request.get('why') or BY_HAND}"
        self._submit(Flatten(time_ms=self._clock(), reason=reason, code=HaltCode.OPERATOR_CLOSE))
        flat = await self._flat(float(request.get("wait_s", FLATTEN_S_MAX)))
        return {"flat": flat, "said": "flat; no new entries until resume" if flat else "not flat yet"}

    async def _panic(self, request: dict[str, Any]) -> protocol.Reply:
        """As from the latch, for when that cannot be written: in the journal it lasts over restarts too."""
        reason = f"panic: {request.get('why') or BY_HAND}"
        self._submit(Flatten(time_ms=self._clock(), reason=reason, code=HaltCode.PANIC))
        return {"said": "closing; nothing is entered until resume"}

    async def _stopping(self, request: dict[str, Any]) -> protocol.Reply:
        flat = not self._engine.account.positions
        if request.get("flatten"):
            self._submit(Flatten(time_ms=self._clock(), reason="stop --flatten", code=HaltCode.OPERATOR_STOP))
            flat = await self._flat(float(request.get("wait_s", FLATTEN_S_MAX)))
            if not flat:
                return {"flat": False, "stopping": False, "said": "not flat yet: still running, still closing"}
        asyncio.get_running_loop().call_later(0.05, self._stop.set)
        return {"flat": flat, "stopping": True, "said": "stopping" if flat else "stopping; the stop stays at the venue"}

    async def _bias(self, request: dict[str, Any]) -> protocol.Reply:
        coin, side_word = coin_of(request, self._settings), request.get("side")
        until_ms = int(request.get("until_ms") or 0)
        if side_word is not None and until_ms <= self._clock():
            raise ValueError("until: must lie in the future")
        side = side_of(str(side_word)) if side_word is not None else None
        why = str(request.get("why"))
        self._submit(BiasSet(time_ms=self._clock(), coin=coin, side=side, until_ms=until_ms, why=why))
        return {"said": f"{coin}: {side.word if side else 'no bias'}"}

    async def _biases(self, request: dict[str, Any]) -> protocol.Reply:
        del request
        return {"biases": biases_of(self._engine, self._clock())}

    async def _clusters(self, request: dict[str, Any]) -> protocol.Reply:
        del request
        return {"coins": clusters_of(self._engine)}

    async def _time(self, request: dict[str, Any]) -> protocol.Reply:
        del request
        return {"time_ms": self._clock()}

    async def _status(self, request: dict[str, Any]) -> protocol.Reply:
        del request
        up_s = int(time.monotonic() - self._started_s)
        return {"up_s": up_s, **status_of(self._engine, self._settings, self._clock()), **self._more()}

    async def _flat(self, wait_s: float) -> bool:
        """Until nothing is held and no order of ours could change that; False when the time is up."""
        return await until(lambda: is_flat(self._engine, self._settings), wait_s)
