"""Every enabled strategy on both sides of one view, in a fixed order."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final, NamedTuple

import msgspec

from liqbot.accounting.positions import Position
from liqbot.facts import encodable
from liqbot.instruments import Side
from liqbot.legible import cut
from liqbot.market.view import MarketView
from liqbot.signals.failures import StrategyGuard
from liqbot.signals.features import Features, derived_features, features_of
from liqbot.signals.gates import Condition, code_of, conditions, shown
from liqbot.signals.registry import SignalParams
from liqbot.signals.strategy import Exits, Reason, Strategy, StrategyParams
from liqbot.signals.verdict import SIGNAL, STRATEGY_FAILED, Signal, Verdict

STOP_PCT_MAX: Final = 100.0
TAKE_PCT_MAX: Final = 1_000.0
CODE_MAX: Final = 40
WHY_MAX: Final = 1_000
"""Of what strategies of the user's own say, in books that are kept for ever."""
SIDES: Final = (Side.LONG, Side.SHORT)

_derived = lru_cache(maxsize=64)(derived_features)


class EnabledStrategy(NamedTuple):
    """A strategy on one side, with its parameters and the gates that they switch on."""

    strategy: Strategy
    side: Side
    params: StrategyParams
    conditions: tuple[Condition, ...]
    own: bool


@lru_cache(maxsize=64)
def enabled_strategies(params: SignalParams) -> tuple[EnabledStrategy, ...]:
    """What is evaluated, in the order of the answers of `evaluate` and `codes`."""
    return tuple(
        EnabledStrategy(strategy, side, own, conditions(strategy.gates, own, params.waive), strategy.own)
        for strategy in params.strategies
        if (own := params.of(strategy)).enabled
        for side in SIDES
    )


def evaluate(view: MarketView, params: SignalParams) -> tuple[Verdict, ...]:
    """A verdict per enabled strategy and side, every gate shown."""
    return StrategyEvaluator(view, params).verdicts()


def codes(view: MarketView, params: SignalParams) -> tuple[str, ...]:
    """The codes of `evaluate` alone, several times faster: the gates matter when a code changes or signals."""
    return StrategyEvaluator(view, params).codes()


class StrategyEvaluator:
    """One view under one set of parameters: codes at once, verdicts with all their gates for those that matter."""

    def __init__(
        self,
        view: MarketView,
        params: SignalParams,
        enabled: tuple[EnabledStrategy, ...] | None = None,
        guard: StrategyGuard | None = None,
    ) -> None:
        """`enabled` is `enabled_strategies(params)`, for who evaluates view after view."""
        self._view, self._params = view, params
        self._features = {side: features_of(view, side, params.cluster_reach_pct) for side in SIDES}
        self._enabled = enabled_strategies(params) if enabled is None else enabled
        self._guard = guard or StrategyGuard()
        self._lent: dict[str, dict[Side, Features]] = {}

    def codes(self) -> tuple[str, ...]:
        """In the order of `enabled_strategies`."""
        features = self._features
        return tuple([
            self._own_code(index) if own else code_of(required, features[side], params)
            for index, (_, side, params, required, own) in enumerate(self._enabled)
        ])  # fmt: skip

    def verdict(self, index: int) -> Verdict:
        """Of the strategy and side at this place of `enabled_strategies`."""
        strategy, side, *_, own = self._enabled[index]
        if not own:
            return self._verdict(index)
        found = self._guard.attempt(strategy, lambda: _encodable(self._verdict(index)), None)
        if found is not None:
            return found
        reason = self._guard.disabled.get(strategy.name, "")
        return Verdict(strategy.name, self._view.coin, side, STRATEGY_FAILED, (), reason=reason)

    def verdicts(self) -> tuple[Verdict, ...]:
        return tuple(self.verdict(index) for index in range(len(self._enabled)))

    def _own_code(self, index: int) -> str:
        strategy, side, params, required, _ = self._enabled[index]
        features, lent = self._features_for(strategy)[side], params.model_copy()
        return self._guard.attempt(strategy, lambda: code_of(required, features, lent), STRATEGY_FAILED)

    def _features_for(self, strategy: Strategy) -> dict[Side, Features]:
        """A strategy of the user's own gets a market of its own: what it writes into it nobody else reads."""
        if not strategy.own:
            return self._features
        if strategy.name not in self._lent:
            view = self._view.lent()
            lent = {side: msgspec.structs.replace(row, view=view) for side, row in self._features.items()}
            self._lent[strategy.name] = lent
        return self._lent[strategy.name]

    def _verdict(self, index: int) -> Verdict:
        strategy, side, params, *_ = self._enabled[index]
        features = self._features_for(strategy)[side]
        lent = params.model_copy() if strategy.own else params  # what it writes into them is gone with the call
        code, gates = shown(strategy.gates, features, lent, self._params.waive, _derived(self._view.derived))
        signal = _signal(strategy, side, features, self._view, params, lent) if code is SIGNAL else None
        return Verdict(strategy.name, self._view.coin, side, code, gates, signal)


def reason_gone(
    view: MarketView, position: Position, strategy: str, params: SignalParams, guard: StrategyGuard
) -> Reason | None:
    """Why the strategy that opened a position would end it now. A strategy that is not loaded any more, or that is
    disabled by a fault, has no opinion: stop, take and time still end the position."""
    found = params.named(strategy)
    if found is None:
        return None
    if not found.own:
        return next(filter(None, (ask(view, position, params.of(found)) for ask in found.invalidations)), None)
    lent, own = view.lent(), params.of(found).model_copy()
    asked = (partial(_in_words, partial(ask, lent, position, own)) for ask in found.invalidations)
    return next(filter(None, (guard.attempt(found, call, None) for call in asked)), None)


def _in_words(ask: Callable[[], Reason | None]) -> Reason | None:
    """The answer of a user's own strategy as text that books take."""
    reason = ask()
    return None if reason is None else Reason(_in_books(reason[0], CODE_MAX), _in_books(reason[1], WHY_MAX))


def _in_books(said: str, most: int) -> str:
    return encodable(cut(said, most))


def _encodable(verdict: Verdict) -> Verdict:
    """A number that is none (of a user's own gate) fails here, under guard, and not in the journal."""
    msgspec.msgpack.encode(verdict)
    return verdict


def _require_distances(exits: Exits) -> None:
    """ValueError for what no position could be ended by. An absent value (NaN) is no distance either: a gate is where
    a strategy says what it must know."""
    if not 0.0 < exits.stop_pct < STOP_PCT_MAX:
        raise ValueError(f"exits: stop_pct is {exits.stop_pct!r}; above 0 and below {STOP_PCT_MAX:g} is right")
    if exits.take_pct is not None and not 0.0 < exits.take_pct < TAKE_PCT_MAX:
        raise ValueError(f"exits: take_pct is {exits.take_pct!r}; None or above 0 and below {TAKE_PCT_MAX:g} is right")


def _why(strategy: Strategy, features: Features, exits: Exits) -> str:
    said = strategy.why(features, exits)
    return cut(said, WHY_MAX) if strategy.own else said


def _signal(
    strategy: Strategy, side: Side, features: Features, view: MarketView, params: StrategyParams, lent: StrategyParams
) -> Signal:
    exits = strategy.exits(features, lent)
    if strategy.own:
        _require_distances(exits)
    mark_price, sign = view.mark_price, float(side)
    away = view.map.distances
    take_price = None if exits.take_pct is None else away.price(mark_price, sign * exits.take_pct)
    partial = params.partial_take_r is not None and (
        exits.take_pct is None or params.partial_take_r * exits.stop_pct < exits.take_pct
    )
    partial_pct = exits.stop_pct * (params.partial_take_r or 0.0)
    return Signal(
        strategy=strategy.name,
        coin=view.coin,
        side=side,
        entry_price=mark_price,
        limit=False,
        stop_price=away.price(mark_price, -sign * exits.stop_pct),
        take_price=take_price,
        # On bars the first chance to fill is a bar away.
        expires_ms=view.time_ms + view.bar_span_ms + params.expiry_ms,
        max_hold_ms=params.max_hold_ms,
        why=_why(strategy, features, exits),
        partial_take_price=away.price(mark_price, sign * partial_pct) if partial else None,
        partial_take_share=params.partial_take_share if partial else 0.0,
        cooldown_ms=params.cooldown_ms,
    )
