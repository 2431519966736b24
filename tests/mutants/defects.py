"""What goes wrong in each deliberate defect of the live path: every function here makes a defective thing from the
sound one."""

from collections.abc import Callable, Generator
from typing import Any

import msgspec

from liqbot.accounting.currencies import FeeCost
from liqbot.commands import PlaceOrder, adds_risk
from liqbot.engine import Step
from liqbot.events import LeverageConfirmed, OrderCancelled
from liqbot.execution import client_order_id
from liqbot.execution.order_lifecycle import OrderEvent, OrderState
from liqbot.runtime import step as rule
from liqbot.runtime.ending import Unsettled
from paper.simulate.journal_first_mutants import not_waiting, silent_when_stuck

__all__ = ["not_waiting", "silent_when_stuck"]
Sound = Callable[..., Any]


def does_nothing(sound: Sound) -> Sound:
    del sound
    return lambda *_, **__: None


def all_settled(sound: Sound) -> Sound:
    del sound
    return lambda *_, **__: Unsettled()


def never(sound: Sound) -> Sound:
    del sound
    return lambda *_, **__: False


def always(sound: Sound) -> Sound:
    del sound
    return lambda *_, **__: True


def awaits_nothing(sound: Sound) -> Sound:
    del sound

    async def mutant(*_: Any) -> None: ...

    return mutant


def signs_only(sound: Sound) -> Sound:
    del sound
    return lambda _exchange, _expiry, original, path, *rest: original(path, *rest)


def always_patient(sound: Sound) -> Sound:
    del sound
    return lambda _order, params: params.query_ms_max


# --- journal first, then decide, then act -----------------------------------------------------------------------------


def one_queue(sound: Sound) -> Sound:
    """Whatever the request is for."""
    return lambda self, _channel, weight: sound(self, "normal", weight)


def everything_leaves(sound: Any) -> Any:
    def mutant(step: Step, *, durable: bool) -> list[rule.Request]:
        del durable
        requests: list[rule.Request] = sound.__func__(step, durable=True)
        return requests

    return staticmethod(mutant)


def nothing_expires(sound: Sound) -> Sound:
    del sound

    def mutant(self: rule.WriteAhead, now_ms: int) -> list[rule.Request]:
        # The deadline moves on, as it would with a rule that knows no bound.
        self._waiting = type(self._waiting)(
            msgspec.structs.replace(one, deadline_ms=max(one.deadline_ms, now_ms + 1_000)) for one in self._waiting
        )
        return []

    return mutant


def only_reductions_expire(sound: Sound) -> Sound:
    """What adds risk waits on."""

    def mutant(self: rule.WriteAhead, now_ms: int) -> list[rule.Request]:
        requests, kept = [], []
        for one in self._waiting:
            if one.deadline_ms > now_ms:
                kept.append(one)
                continue
            requests += [one for one in self._leaving(one.step, durable=False) if isinstance(one, rule.SendCommands)]
            risky = tuple(command for command in one.step.commands if adds_risk(command))
            kept.append(rule._Waiting(one.seq, msgspec.structs.replace(one.step, commands=risky), now_ms + 600_000))
        self._waiting = type(self._waiting)(kept)
        return requests

    del sound
    return mutant


def reports_nothing(sound: Any) -> Any:
    def mutant(step: Step, *, durable: bool) -> list[rule.Request]:
        return [one for one in sound.__func__(step, durable=durable) if not isinstance(one, rule.ReportFacts)]

    return staticmethod(mutant)


class _Decided:
    """An engine that has been asked already."""

    def __init__(self, step: Step) -> None:
        self._step = step

    def on_block(self, block: Any) -> Step:
        del block
        return self._step

    def leave_unrecorded(self, block: Any, step: Step) -> None:
        """Nobody asks."""


def decides_first(sound: Sound) -> Sound:
    def mutant(self: rule.WriteAhead, block: Any, now_ms: int) -> Generator[rule.Request, Any, Step]:
        engine = self.engine
        self.engine = _Decided(engine.on_block(block))
        step = yield from sound(self, block, now_ms)
        self.engine = engine
        return step

    return mutant


def observes_everything(sound: Sound) -> Sound:
    def mutant(self: rule.WriteAhead, block: Any, now_ms: int) -> Generator[rule.Request, Any, Step]:
        step = yield from sound(self, block, now_ms)
        if self._gap is not None:
            yield rule.ObserveStep(0, block, step)
        return step

    return mutant


def waits_for_the_disk(sound: Sound) -> Sound:
    async def mutant(self: Any, block: Any) -> Step:
        step = await sound(self, block)
        await self._release(until_idle=True)
        return step

    return mutant


def drops_liquidations(sound: Sound) -> Sound:
    def mutant(self: Any, block: Any) -> Any:
        merged = sound(self, block)
        return msgspec.structs.replace(merged, liquidations=merged.liquidations[:0])

    return mutant


# --- start-up is recovery ---------------------------------------------------------------------------------------------


def sends_again(sound: Sound) -> Sound:
    """The first answer of a recovered engine carries all commands of the records that were run again."""

    def mutant(path: Any, settings: Any, roster: Any, instruments: Any, observe: Any) -> Any:
        said: list[Any] = []

        def keep(record: Any, step: Any, engine: Any) -> None:
            said.extend(step.commands)
            observe(record, step, engine)

        found = sound(path, settings, roster, instruments, keep)
        on_block = found.engine.on_block

        def again(block: Any) -> Step:
            step, commands = on_block(block), tuple(said)
            said.clear()
            return msgspec.structs.replace(step, commands=(*commands, *step.commands))

        found.engine.on_block = again
        return found

    return mutant


def forgets_orders(sound: Sound) -> Sound:
    return lambda self, state: sound(self, {**state, "books": [{**book, "orders": []} for book in state["books"]]})


# --- protection -------------------------------------------------------------------------------------------------------


def one_stop_only(sound: Sound) -> Sound:
    def mutant(book: Any, *args: Any, **kwargs: Any) -> Any:
        placed = any(order.purpose == "stop" for order in book.orders)
        return [] if placed else sound(book, *args, **kwargs)

    return mutant


def any_size_fits(sound: Sound) -> Sound:
    return lambda order, _quantity_base, price: sound(order, order.remaining_base, price)


def triggers_on_last(sound: Sound) -> Sound:
    """As the venue would be asked by an adapter that forgot to say which price."""

    async def mutant(self: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        return await sound(self, method, *[_on_last(one) for one in args], **kwargs)

    return mutant


_LAST = {
    "workingType": "CONTRACT_PRICE", "triggerBy": "LastPrice", "slTriggerPxType": "last", "triggerPxType": "last",
}  # fmt: skip


def _on_last(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _LAST.get(key, _on_last(one)) for key, one in value.items()}
    return [_on_last(one) for one in value] if isinstance(value, list) else value


def reads_nothing_wrong(sound: Sound) -> Sound:
    del sound
    return lambda *_: ""


def opens_anything(sound: Sound) -> Sound:
    async def mutant(self: Any, order: PlaceOrder, traded: Any) -> None:
        await sound(self, msgspec.structs.replace(order, reduce_only=False), traded)

    return mutant


# --- orders of unknown outcome ----------------------------------------------------------------------------------------


def sends_anew(sound: Sound) -> Sound:
    del sound

    async def mutant(self: Any, order: PlaceOrder, traded: Any) -> None:
        sequence = client_order_id.sequence_of(order.client_id, self._orders.journal_id) or 0
        new_id = client_order_id.client_id(self._orders.journal_id, sequence + 1_000, order.purpose)
        await self._place(msgspec.structs.replace(order, client_id=new_id), traded)

    return mutant


def calls_it_refused(sound: Sound) -> Sound:
    del sound

    async def mutant(self: Any, order: PlaceOrder, traded: Any) -> None:
        del traded
        self._refused(order, "UNKNOWN", "no answer")

    return mutant


def missing_is_filled(sound: dict[Any, OrderState]) -> dict[Any, OrderState]:
    return sound | {(OrderState.UNKNOWN, OrderEvent.MISSING): OrderState.FILLED}


def believes_the_cancel(sound: Sound) -> Sound:
    async def mutant(self: Any, client_id: str, traded: Any) -> None:
        instrument = traded.instrument
        self._orders.publish(OrderCancelled(
            time_ms=self._orders.clock(), venue=instrument.venue, coin=instrument.coin, client_id=client_id
        ))  # fmt: skip
        await sound(self, client_id, traded)

    return mutant


# --- the account ------------------------------------------------------------------------------------------------------


def any_mode(sound: Sound) -> Sound:
    del sound

    def mutant(self: Any, traded: Any, found: Any) -> None:
        instrument = traded.instrument
        self._orders.publish(LeverageConfirmed(
            time_ms=self._orders.clock(), venue=instrument.venue, coin=instrument.coin, leverage=found.leverage,
            isolated=found.isolated,
        ))  # fmt: skip

    return mutant


def fee_as_dollars(sound: Sound) -> Sound:
    del sound
    return lambda fee, *_: FeeCost(fee)


# --- new risk ---------------------------------------------------------------------------------------------------------


def passes(code: str) -> Callable[[Any], Any]:
    """The checks with this code always pass."""

    def replace(sound: Any) -> Any:
        return tuple((one, _passing(check) if one == code else check) for one, check in sound)

    return replace


def _passing(check: Sound) -> Sound:
    def passing(case: Any) -> Any:
        found = check(case)
        return None if found is None else msgspec.structs.replace(found, passed=True)

    return passing


def measures_no_lag(sound: Sound) -> Sound:
    return lambda self, _steps_waiting: msgspec.structs.replace(sound(self, 0), lag_ms=0)
