"""A strategy of a user's own, small and changeable."""

import msgspec
from pydantic import Field

from liqbot.signals.gates import GateSpec, same
from liqbot.signals.strategy import Exits, Strategy, StrategyParams


class QuietParams(StrategyParams):
    """Quiet market."""

    volume_ratio_max: float = Field(0.5, gt=0.0, le=1.0, description="Volume rate over its mean, at most.")


def own_strategy(**changes: object) -> Strategy:
    gates = (
        GateSpec("flow", ("volume_ratio",), same("volume_ratio"), "<=", "volume_ratio_max"),
        GateSpec("calm", ("range_pct",), same("range_pct"), "<=", 1.0, waivable=True),
    )
    plain = Strategy("quiet", QuietParams, gates, lambda _f, _p: Exits(1.0, None), lambda _f, _e: "it is quiet")
    return msgspec.structs.replace(plain, **({"origin": "quiet.py", "sha256": "ab"} | changes))
