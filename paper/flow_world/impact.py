"""How flow moves price: the root of what was lately bought less sold, forgotten in minutes and in an hour.

The square root of flow over a day's volume, in units of a day's volatility, is the law measured on metaorders (Toth and
others, 2011). Taking the root of the *remembered* flow makes many small orders weigh as much as one large one.
"""

from typing import Final

import numpy as np

from paper.world.draws import Floats

SECONDS: Final = 60
_LIVES_S: Final = np.array([90.0, 2400.0])
_WEIGHTS: Final = np.array([[0.6], [0.4]])
_KEPT: Final = np.cumprod(np.repeat(1.0 - 1.0 / _LIVES_S[:, None], SECONDS, axis=1), axis=1)
"""[memory, second]: what is left after 1 to 60 seconds."""


class Impact:
    """Remembered flow through one minute after another; positive flow buys."""

    def __init__(self, impact: float, volatility_day: float, volume_day_usd: float) -> None:
        """`volatility_day` as a share (0.03), `impact` as in `FlowPriceParams`."""
        self._scale, self._volume_day_usd = impact * volatility_day, volume_day_usd
        self._flow_usd: Floats = np.zeros((2, SECONDS))
        """[memory, second] at the end of each second."""

    def begin(self, steady_usd: float) -> None:
        """A new minute, in which `steady_usd` of flow comes evenly."""
        each = np.concatenate((np.ones((2, 1)), _KEPT[:, :-1]), axis=1)
        steady = np.cumsum(each, axis=1) * _WEIGHTS * (steady_usd / SECONDS)
        self._flow_usd = self._flow_usd[:, -1:] * _KEPT + steady

    def push(self, flow_usd: Floats) -> None:
        """Flow per second of the minute: it moves price in its own second and after."""
        for second in np.flatnonzero(flow_usd).tolist():
            left = SECONDS - 1 - second
            self._flow_usd[:, second : second + 1] += flow_usd[second] * _WEIGHTS
            self._flow_usd[:, second + 1 :] += flow_usd[second] * _WEIGHTS * _KEPT[:, :left]

    def shift(self) -> Floats:
        """[second]: relative move of price at the end of each."""
        flow = self._flow_usd.sum(axis=0)
        return np.asarray(self._scale * np.sign(flow) * np.sqrt(np.abs(flow) / self._volume_day_usd))
