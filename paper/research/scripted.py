"""A strategy that enters when it is told to: exits, invalidations and name are the original's, the gates are not."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from liqbot.instruments import Side
from liqbot.risk.limits import RiskLimits
from liqbot.settings import Settings
from liqbot.signals.features import Features
from liqbot.signals.gates import GateSpec
from liqbot.signals.strategy import Exits, Strategy
from paper.research.changed_strategies import with_strategies


class Script:
    """What to enter at the next Tick, if anything."""

    def __init__(self) -> None:
        self.coin, self.side = "", Side.LONG
        self.exits: Exits | None = None
        """None: as the strategy's own rules say then."""

    def order(self, coin: str, side: Side, exits: Exits | None) -> None:
        self.coin, self.side, self.exits = coin, side, exits

    def clear(self) -> None:
        self.coin = ""

    def opens(self, features: Features) -> float:
        return 1.0 if features.view.coin == self.coin and features.side == float(self.side) else 0.0


def scripted_settings(settings: Settings, strategy: Strategy, script: Script) -> Settings:
    """The settings of a house that has this strategy alone, told by `script`, and nothing of its account or of the
    market that would refuse an entry: what is asked is what an entry would have earned."""
    signals = settings.signals
    gate = GateSpec("scripted", ("side",), lambda features, _params: script.opens(features), ">=", 1.0)
    told = msgspec.structs.replace(
        strategy, gates=(gate,), exits=_exits(strategy.exits, script), why=lambda _features, _exits: "scripted"
    )
    enabled = signals.of(strategy).model_copy(update={"enabled": True})
    alone = with_strategies(signals, (told,), **{strategy.name: enabled})
    return settings.model_copy(update={"signals": alone, "risk": unrestrained(settings.risk)})


_NO_LIMIT: Final = 10**9


def unrestrained(limits: RiskLimits) -> RiskLimits:
    """Limits that refuse nothing, at the same risk per trade and the same care of an open position."""
    loose: dict[str, float] = {name: _NO_LIMIT for name in type(limits).model_fields if name.endswith("_max")}
    loose |= {name: -_NO_LIMIT for name in type(limits).model_fields if name.endswith("_min")}
    loose |= {name: 0 for name in type(limits).model_fields if name.startswith("cooldown")}
    return limits.model_copy(update=loose | {"leverage_max": 1, "price_band_pct": _NO_LIMIT, "margin_pct_max": 100.0})


def _exits(original: Callable[[Features, Any], Exits], script: Script) -> Callable[[Features, Any], Exits]:
    return lambda features, params: original(features, params) if script.exits is None else script.exits
