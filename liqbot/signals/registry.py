"""Which strategies there are, and the section of the configuration they make together.

The built-in ones are found by looking into `strategies/`: a file there that defines `STRATEGY` is one. The user's own
come from `loader`.
"""

import difflib
import importlib
import pkgutil
from functools import cache
from typing import Any, ClassVar, Final

from pydantic import Field, create_model, field_validator

from liqbot.signals import strategies
from liqbot.signals.own_answers import answering
from liqbot.signals.strategy import EntryCondition, Strategy
from liqbot.strict_params import StrictParams


def _built_in() -> tuple[Strategy | EntryCondition, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(strategies.__path__))
    return tuple(importlib.import_module(f"{strategies.__name__}.{name}").STRATEGY for name in names)


_FOUND: Final = _built_in()
STRATEGIES: Final[tuple[Strategy, ...]] = tuple(
    sorted((one for one in _FOUND if isinstance(one, Strategy)), key=lambda one: (one.rank, one.name))
)
"""The built-in ones in the order of their verdicts."""
CONDITIONS: Final[tuple[EntryCondition, ...]] = tuple(one for one in _FOUND if isinstance(one, EntryCondition))


class SignalParams(StrictParams):
    """What all strategies share; `signal_model` adds a section for each of them."""

    strategies: ClassVar[tuple[Strategy, ...]] = ()
    """In the order of their verdicts."""
    waivable: ClassVar[tuple[str, ...]] = ()
    """Names of gates that may be waived."""

    files: tuple[str, ...] = Field(
        (), description="Strategies of your own: Python files in `strategies/` beside the profiles; named there only."
    )
    entry_points: tuple[str, ...] = Field(
        (), description="... or entry points of the group `liqbot.strategies` of an installed package."
    )
    call_ms_max: int = Field(
        250, ge=1, le=60_000, description="A call of a strategy of your own that takes longer disables its entries."
    )
    cluster_reach_pct: float = Field(
        6.0, gt=0.0, le=30.0, description="Clusters farther from price than this are not looked at."
    )
    waive: tuple[str, ...] = Field((), description="Gates that pass when their input is absent.")

    @field_validator("waive")
    @classmethod
    def _only_waivable(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in cls.waivable:
                near = difflib.get_close_matches(name, cls.waivable, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"waive: {name!r} cannot be waived; only {', '.join(cls.waivable)} can{hint}")
        return names

    def of(self, one: Strategy | EntryCondition) -> Any:
        """The parameters of a strategy: an instance of its `params`."""
        return getattr(self, one.name)

    @property
    def own(self) -> tuple[Strategy, ...]:
        """Those of the user's own."""
        return tuple(one for one in self.strategies if one.own)

    def named(self, name: str) -> Strategy | None:
        """None for a strategy that is not loaded (any more)."""
        return next((one for one in self.strategies if one.name == name), None)


@cache
def signal_model(own: tuple[Strategy, ...] = ()) -> type[SignalParams]:
    """The section `[signals]` with the built-in strategies and these of the user's own."""
    every = (*STRATEGIES, *(answering(one) if one.own else one for one in own))
    waivable = tuple(sorted({spec.name for one in every for spec in one.gates if spec.waivable}))
    sections: tuple[Strategy | EntryCondition, ...] = (*every, *CONDITIONS)
    fields: dict[str, Any] = {
        one.name: (one.params, Field(one.params(), description=first_sentence(one.params))) for one in sections
    }
    fields["waive"] = (
        tuple[str, ...],
        Field(
            (),
            description=f"Gates that pass when their input is absent, counted in every report: {', '.join(waivable)}.",
        ),
    )
    model = create_model("SignalParams", __base__=SignalParams, __doc__="Parameters of all strategies.", **fields)
    model.strategies, model.waivable = every, waivable
    return model


def first_sentence(kind: type[Any]) -> str:
    """The first paragraph of a docstring, for the description of a section."""
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split())
