"""A strategy that enters whenever it may on the side it was told: what a soak tries is the way in and out, not the
reason. `_soak_profile` puts it into the bot's configuration as a user's file."""

from pydantic import Field

from liqbot.signals.gates import GateSpec, same
from liqbot.signals.strategy import Exits, Strategy, StrategyParams


class EagerParams(StrategyParams):
    """Enters on the side of the bias."""

    bias_min: float = Field(0.5, ge=0.0, le=1.0, description="A bias below this: no trade.")
    stop_pct: float = Field(1.0, gt=0.0, le=10.0, description="Stop distance.")
    take_r: float = Field(4.0, gt=0.0, le=20.0, description="Take at this many times the stop distance.")


STRATEGY = Strategy(
    "eager", EagerParams, (GateSpec("bias", ("bias",), same("bias"), ">=", "bias_min"),),
    lambda _features, params: Exits(params.stop_pct, params.take_r * params.stop_pct),
    lambda _features, _exits: "told to",
)
