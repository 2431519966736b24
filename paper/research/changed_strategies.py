"""Settings whose strategies are others than those that were loaded: with other gates, or fewer of them."""

from typing import Any

from pydantic import create_model

from liqbot.signals.registry import SignalParams
from liqbot.signals.strategy import Strategy


def with_strategies(signals: SignalParams, strategies: tuple[Strategy, ...], **sections: Any) -> SignalParams:
    """The same parameters, but for `sections` by name; what is evaluated is `strategies`, in their order."""
    made: Any = create_model  # whose type checker wants to know the base before it is known
    model: type[SignalParams] = made("ChangedSignals", __base__=type(signals))
    model.strategies = strategies
    values = {name: getattr(signals, name) for name in type(signals).model_fields}
    return model.model_construct(**(values | sections))
