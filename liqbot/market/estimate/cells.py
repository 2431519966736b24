"""`Cells`: what positions are kept in, an array [row, side, tier, bin] of USD, and how long each has stood open.

Time stands in a second array as USD times the clock at opening. The clock of a tier counts the closings that a position
of it has been exposed to (its cumulative hazard), so that time passing touches no cell: hazard since opening is USD
times the clock now, less that.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from liqbot.market.estimate.array_state import packed, unpacked
from liqbot.market.estimate.entry_to_liquidation import Floats

BINS: Final = 4096
"""Width of the window: at least -53 % to +115 % around the mark when it has drifted as far as `Positions` lets it."""
_USD, _BORN = 0, 1


class Cells:
    """USD here is before a row's common scale (`Positions`)."""

    def __init__(self, tiers: int) -> None:
        self._both = np.zeros((2, 0, 2, tiers, BINS))
        """USD, and USD times the clock at opening."""
        self.clock: Floats = np.zeros(tiers)

    @property
    def usd(self) -> Floats:
        """[row, side, tier, bin]."""
        found: Floats = self._both[_USD]
        return found

    @property
    def nbytes(self) -> int:
        return self._both.nbytes + self.clock.nbytes

    def admit(self) -> None:
        """One more row, empty."""
        both = self._both
        self._both = np.concatenate([both, np.zeros((2, 1, *both.shape[2:]))], axis=1)

    def add(self, index: npt.NDArray[np.int64], usd: Floats) -> None:
        """USD [row, side, tier, bin] opened now, at indices into the flat array; none may be named twice."""
        of_usd, of_born = self._both.reshape(2, -1)
        of_usd[index] += usd
        of_born[index] += usd * self.clock[:, None]

    def add_line(self, row: int, side: int, tier: int, usd: Floats) -> None:
        """USD opened now, for each bin of one line."""
        self._both[_USD, row, side, tier] += usd
        self._both[_BORN, row, side, tier] += usd * self.clock[tier]

    def remove(self, row: int, side: int, crossed: slice, end: int, kept: float) -> tuple[Floats, Floats]:
        """Empty the crossed bins; of the end bin a share is kept. Per tier: USD removed, and times its hazard."""
        cells = self._both[:, row, side, :, crossed]
        stays = self._both[:, row, side, :, end] * kept
        usd, born = np.add.reduce(cells, axis=2) - stays
        cells[:] = 0.0
        self._both[:, row, side, :, end] = stays
        return usd, usd * self.clock - born

    def keep(self, row: int, shares: Floats) -> None:
        """Keep a share [side, tier] of a row, wherever it stands."""
        self._both[:, row] *= shares[..., None]

    def settle(self, scale: Floats) -> None:
        """Write the scale [row, side, tier] into the cells, and start the clock anew."""
        self._both[_BORN] -= self._both[_USD] * self.clock[:, None]
        self.clock[:] = 0.0
        self._both *= scale[..., None]

    def move(self, bins: int) -> None:
        """The window's first bin moves up by so many; what leaves it goes to its end bins."""
        old, step = self._both, min(abs(bins), BINS - 1)
        self._both = np.zeros_like(old)
        if bins > 0:
            self._both[..., : BINS - step] = old[..., step:]
            self._both[..., 0] += old[..., :step].sum(axis=4)
        else:
            self._both[..., step:] = old[..., : BINS - step]
            self._both[..., -1] += old[..., BINS - step :].sum(axis=4)

    def state(self) -> dict[str, Any]:
        usd, born = ([packed(line) for line in kind.reshape(-1, BINS)] for kind in self._both)
        return {"usd": usd, "born": born, "clock": packed(self.clock)}

    def load_state(self, state: dict[str, Any], shape: tuple[int, ...]) -> None:
        """`shape` is [row, side, tier]."""
        self.clock = unpacked(state["clock"])
        self._both = np.zeros((2, *shape, BINS))
        for kind, name in enumerate(("usd", "born")):
            for line, kept in zip(self._both[kind].reshape(-1, BINS), state[name], strict=True):
                line[:] = unpacked(kept)
