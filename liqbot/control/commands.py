"""What may be said to a running bot, and what it answers: every order from outside enters as a fact."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from liqbot import __version__
from liqbot.blocks import EventBlock
from liqbot.commands import Purpose
from liqbot.control import protocol
from liqbot.engine import Engine
from liqbot.events import BiasSet, Event, Flatten, Halt, Resume
from liqbot.instruments import side_of
from liqbot.runtime.inbox import Inbox
from liqbot.settings import Settings

FLATTEN_S_MAX: Final = 60.0
LATCH_EVERY_S: Final = 0.5
PAUSED: Final = "paused"
CLOSED: Final = "close"
STOPPED_FLAT: Final = "stop --flatten"
_COIN: Final = re.compile(r"[A-Z0-9]{2,12}")


class ControlHandler:
    """A feed of the runtime: the control socket, and the latch that `panic` leaves."""

    def __init__(
        self, data: Path, settings: Settings, engine: Engine, clock: Callable[[], int], stop: asyncio.Event,
        more: Callable[[], dict[str, Any]],
    ) -> None:
        """`more` adds to the status."""
        self._data, self._settings, self._engine, self._clock = data, settings, engine, clock
        self._stop, self._more = stop, more
        self._inbox: Inbox | None = None
        self._started_ms = clock()
        self._verbs = {
            "status": self._status, "pause": self._pause, "resume": self._resume, "stop": self._stopping,
            "close": self._close, "bias": self._bias, "biases": self._biases,
        }  # fmt: skip

    async def run(self, inbox: Inbox) -> None:
        self._inbox = inbox
        async with asyncio.TaskGroup() as group:
            group.create_task(protocol.serve(protocol.socket_path(self._data), self._answer))
            group.create_task(self._watch_latch())

    async def _answer(self, asked: dict[str, Any]) -> protocol.Reply:
        verb = self._verbs.get(str(asked.get("verb")))
        if verb is None:
            raise ValueError(f"no such command: {asked.get('verb')!r}")
        return {"ok": True, **await verb(asked)}

    def _tell(self, fact: Event) -> None:
        if self._inbox is not None:
            self._inbox.put(EventBlock(facts=(fact,)))

    async def _watch_latch(self) -> None:
        """A panic that another process works on: we enter nothing more, and help."""
        honoured = False
        while True:
            why = protocol.read_latch(self._data, protocol.PANIC)
            if why and not honoured:
                self._tell(Flatten(time_ms=self._clock(), reason=f"panic: {why}"))
            honoured = bool(why)
            await asyncio.sleep(LATCH_EVERY_S)

    # --- verbs ----------------------------------------------------------------------------------------------------

    async def _pause(self, asked: dict[str, Any]) -> protocol.Reply:
        self._tell(Halt(time_ms=self._clock(), reason=f"{PAUSED}: {asked.get('why') or 'by hand'}"))
        return {"said": "no new entries; stops and exits go on"}

    async def _resume(self, asked: dict[str, Any]) -> protocol.Reply:
        was = protocol.drop_latch(self._data, protocol.PANIC)
        self._tell(Resume(time_ms=self._clock(), reason=str(asked.get("why") or "by hand")))
        return {"said": "entries are allowed again" + ("; the panic latch is off" if was else "")}

    async def _close(self, asked: dict[str, Any]) -> protocol.Reply:
        self._tell(Flatten(time_ms=self._clock(), reason=f"{CLOSED}: {asked.get('why') or 'by hand'}"))
        flat = await self._flat(float(asked.get("wait_s", FLATTEN_S_MAX)))
        return {"flat": flat, "said": "flat; no new entries until resume" if flat else "not flat yet"}

    async def _stopping(self, asked: dict[str, Any]) -> protocol.Reply:
        flat = not self._engine.account.positions
        if asked.get("flatten"):
            self._tell(Flatten(time_ms=self._clock(), reason=STOPPED_FLAT))
            flat = await self._flat(float(asked.get("wait_s", FLATTEN_S_MAX)))
            if not flat:
                return {"flat": False, "stopping": False, "said": "not flat yet: still running, still closing"}
        asyncio.get_running_loop().call_later(0.05, self._stop.set)
        return {"flat": flat, "stopping": True, "said": "stopping" if flat else "stopping; the stop stays at the venue"}

    async def _bias(self, asked: dict[str, Any]) -> protocol.Reply:
        coin, side = str(asked.get("coin")), asked.get("side")
        if not _COIN.fullmatch(coin) or coin not in self._settings.coins:
            raise ValueError(f"coin: {coin!r} is not one of {', '.join(self._settings.coins)}")
        until_ms = int(asked.get("until_ms") or 0)
        if side is not None and until_ms <= self._clock():
            raise ValueError("until: must lie in the future")
        found = side_of(str(side)) if side is not None else None
        self._tell(BiasSet(time_ms=self._clock(), coin=coin, side=found, until_ms=until_ms, why=str(asked.get("why"))))
        return {"said": f"{coin}: {found.word if found else 'no bias'}"}

    async def _biases(self, asked: dict[str, Any]) -> protocol.Reply:
        del asked
        now_ms = self._clock()
        given = self._engine.market.given_biases.items()
        return {"biases": [
            {"coin": coin, "side": side, "until_ms": until_ms} for coin, (side, until_ms) in given if until_ms > now_ms
        ]}  # fmt: skip

    async def _flat(self, wait_s: float) -> bool:
        """Until nothing is held and no order of ours could change that; False when the time is up."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + wait_s
        await asyncio.sleep(0.1)  # the order to flatten is on its way through the inbox
        while not self.flat:
            if loop.time() >= until_s:
                return False
            await asyncio.sleep(0.05)
        return True

    @property
    def flat(self) -> bool:
        """Nothing is held, and no order of ours may fill any more."""
        desk, venue = self._engine.desk, self._settings.trade_venue
        live = any(desk.book(venue, coin).live() for coin in self._settings.coins)
        return not self._engine.account.positions and not live

    # --- status ---------------------------------------------------------------------------------------------------

    async def _status(self, asked: dict[str, Any]) -> protocol.Reply:
        del asked
        account, now_ms = self._engine.account, self._clock()
        return {
            "version": __version__,
            "mode": self._settings.mode,
            "trade_venue": self._settings.trade_venue,
            "up_s": (now_ms - self._started_ms) // 1_000,
            "equity_usd": str(account.equity_usd),
            "halted": account.halted,
            "flattening": account.flattening,
            "drawdown_pct": account.drawdown.drawdown_pct,
            "positions": [self._position(one) for one in account.positions],
            "coins": [self._coin(view, now_ms) for view in self._engine.views],
            **self._more(),
        }

    def _position(self, held: Any) -> dict[str, Any]:
        book = self._engine.desk.book(held.venue, held.coin)
        stops = [stop for stop in book.live(Purpose.STOP) if stop.confirmed]
        return {
            "venue": held.venue, "coin": held.coin, "side": held.side.word, "quantity_base": str(held.quantity_base),
            "entry_price": str(held.entry_price), "leverage": held.leverage,
            "liquidation_price": str(held.liquidation_price) if held.liquidation_price else None,
            "stop_price": str(stops[-1].command.trigger_price) if stops else None,
            "protected": book.confirmed_base(held.side) >= held.quantity_base, "leaving": book.leaving,
        }  # fmt: skip

    def _coin(self, view: Any, now_ms: int) -> dict[str, Any]:
        holding = self._engine.account.holding(self._settings.trade_venue, view.coin)
        return {
            "coin": view.coin, "mark_price": view.mark_price, "age_ms": view.age_ms, "lag_ms": view.lag_ms,
            "tick_age_ms": now_ms - view.time_ms, "live_venues": view.live_venues,
            "warmth_long_pct": _known(view.warmth_long_pct), "warmth_short_pct": _known(view.warmth_short_pct),
            "reconciled": holding is not None and holding.reconciled,
        }  # fmt: skip


def _known(value: float) -> float | None:
    """JSON has no NaN."""
    return value if value == value else None
