"""One pass over a tape: the scored path, the forced orders on it, and what every online model said at the time."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.blocks import EventBlock, Roster
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import AGGREGATE, Side
from paper.score.models import Outlook, ScoredModel
from paper.score.params import ScoreParams
from paper.score.placed_orders import PlacedOrders, Placing
from paper.score.price_path import Floats, PricePath, Whole, prices_at
from paper.score.volume_maps import RisingInterest, TierMap, exact_shifts, naive_shifts

OURS: Final = "liqbot"
ONLINE: Final = ("B2", "B2b", "B3")
_HOUR_MS: Final = 3_600_000


class Setting(msgspec.Struct, frozen=True):
    """What is scored, and how coarse the tape is."""

    roster: Roster
    coin: str
    home: str
    """The venue whose price is the scored path."""
    streaming: tuple[str, ...] = ()
    with_totals: tuple[str, ...] = ()
    step_ms: int = 300_000
    origin_every_ms: int = _HOUR_MS
    horizons_h: tuple[int, ...] = (1, 4, 24)


class ScoreRecord(msgspec.Struct, frozen=True, eq=False):
    """S steps of the tape, O origins, V venues, K score bins; side 0 is long. Positions are grid bins of 5 bp."""

    setting: Setting
    time_ms: Whole
    before: Floats
    low: Floats
    high: Floats
    printed_usd: Floats
    """[S, V, 2] as told of the path of the step."""
    pieces: PlacedOrders
    bar_low: Floats
    bar_high: Floats
    volume_usd: Floats
    """[S, V] each, moved to the home venue's price."""
    touched_usd: dict[str, Floats]
    """[S, 2] per model."""
    venue_touched_usd: Floats
    """[S, V, 2] of our own."""
    origin_step: Whole
    origin_marks: Floats
    """[O, V]."""
    positions_usd: dict[str, Floats]
    """[O, 2, K] per model."""
    forecast_usd: dict[int, Floats]
    """[O, 2, K] per horizon, of our own."""
    percentile: Floats
    """[O, 2, K], of our own."""
    venue_positions_usd: Floats
    """[O, V, 2, K], of our own: each venue's part, from its own mark."""
    clustered: Floats
    """[O, 2, K], of our own: share of each bin that lies in a cluster."""

    @property
    def origin_ms(self) -> Whole:
        return self.time_ms[self.origin_step]


class Recorder:
    """Feeds blocks to everything that must see them in order."""

    def __init__(self, setting: Setting, params: ScoreParams, model: ScoredModel) -> None:
        self.setting, self._params, self._model = setting, params, model
        roster = setting.roster
        count, codes = len(roster.venues), roster.venue_code
        aggregate = codes(AGGREGATE) if AGGREGATE in roster.venues else -1
        streaming = [codes(venue) for venue in setting.streaming]
        self._frame = PricePath(count, roster.coin_code(setting.coin), codes(setting.home), streaming)
        with_totals = frozenset(codes(venue) for venue in setting.with_totals)
        self._placing = Placing(count, with_totals, aggregate=aggregate)
        exact = exact_shifts(roster.venues, setting.coin)
        shifts = {"B2": naive_shifts(count), "B2b": exact, "B3": naive_shifts(count)}
        self._tiers = TierMap(np.concatenate([shifts[name] for name in ONLINE]))
        self._rising = RisingInterest(count, aggregate)
        self._steps: dict[str, list[Any]] = {}
        self._origins: dict[str, list[Any]] = {}
        self._outlooks: list[Outlook] = []
        self._times: list[int] = []
        self._last_origin = -1

    def take(self, block: EventBlock) -> None:
        """One clock step; steps before the home venue has a price warm the models and are not recorded."""
        frame = self._frame
        frame.step(block)
        self._model.take(block)
        if not frame.known or block.tick_ms is None:
            return
        both = np.repeat(frame.volume_usd[:, None] / 2, 2, axis=1)
        rising = self._rising.opened_usd(block, frame, prices_at(frame.mark))
        opened = {"B2": both, "B2b": both, "B3": rising}
        self._tiers.step(frame, np.concatenate([opened[name] for name in ONLINE]))
        touched = self._tiers.touched_usd.reshape(len(ONLINE), -1, 2).sum(axis=1)
        moved = frame.offset()
        printed_usd = self._placing.step(block, frame, len(self._times))
        self._times.append(block.tick_ms)
        home = frame.home
        self._keep(
            before=frame.before[home], low=frame.low[home], high=frame.high[home], printed_usd=printed_usd,
            bar_low=frame.bar_low + moved, bar_high=frame.bar_high + moved, volume_usd=frame.volume_usd,
            ours=self._model.touched_usd().copy(),
            **dict(zip(ONLINE, touched, strict=True)),
        )
        passed = block.tick_ms // self.setting.origin_every_ms
        if passed > self._last_origin:
            self._last_origin = passed
            self._freeze()

    def _keep(self, **values: Any) -> None:
        for name, value in values.items():
            self._steps.setdefault(name, []).append(value)

    def _freeze(self) -> None:
        frame, bins = self._frame, self._params.bins
        outlook = self._model.outlook(self.setting.horizons_h, bins)
        self._outlooks.append(outlook)
        kept = {"step": len(self._times) - 1, "marks": frame.mark.copy(), OURS: outlook.positions_usd}
        kept |= {name: self._tiers.outward_usd(frame, bins, number) for number, name in enumerate(ONLINE)}
        for name, value in kept.items():
            self._origins.setdefault(name, []).append(value)

    def record(self) -> ScoreRecord:
        """All that was seen. ExpectedError when that is too short for one frozen map to be held to its end."""
        hours = self.setting.origin_every_ms / 3_600_000
        if len(self._origins.get("step", ())) < 2:
            raise ExpectedError(
                f"{self.setting.coin} on {self.setting.home}: prices over less than two steps of {hours:g} h, "
                "too short a tape to score anything", Exit.USAGE,
            )  # fmt: skip
        steps = {name: np.array(values) for name, values in self._steps.items()}
        origins = {name: np.array(values) for name, values in self._origins.items()}
        ours = steps.pop("ours")
        touched = {OURS: ours.sum(axis=1), **{name: steps.pop(name) for name in ONLINE}}
        forecasts = {
            hours: np.array([outlook.forecast_usd[hours] for outlook in self._outlooks])
            for hours in self.setting.horizons_h
        }
        return ScoreRecord(
            setting=self.setting, time_ms=np.array(self._times), pieces=self._placing.pieces(),
            touched_usd=touched, venue_touched_usd=ours, origin_step=origins.pop("step"),
            origin_marks=origins.pop("marks"), positions_usd=origins, forecast_usd=forecasts,
            percentile=np.array([outlook.percentile for outlook in self._outlooks]),
            venue_positions_usd=np.array([outlook.venue_positions_usd for outlook in self._outlooks]),
            clustered=np.array([outlook.clustered for outlook in self._outlooks]), **steps,
        )


def recorded(
    blocks: Iterable[EventBlock], setting: Setting, params: ScoreParams, model: ScoredModel,
    *others: Callable[[EventBlock], None],
) -> ScoreRecord:
    """The record of all blocks; `others` are shown every block after the model."""
    recorder = Recorder(setting, params, model)
    for block in blocks:
        recorder.take(block)
        for other in others:
            other(block)
    return recorder.record()


def side_word(side: int) -> str:
    return (Side.LONG if side == 0 else Side.SHORT).word
