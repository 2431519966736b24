"""The made markets of the worked examples in strategies.md: in each of them what a strategy waits for happens once.

They prove nothing about profit: after the entry price does what it was made to do.
"""

import random
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from flush_market import START_PRICE, Stretch, Told, crowd, flush

_SEED: Final = 11
_STEP_MIN: Final = 3
_BESIDE_PCT: Final = 0.05


class MadeMarket(NamedTuple):
    """`image`: the mirror of what is told: shorts are where the stretches have longs."""

    stretches: tuple[Stretch, ...]
    image: bool = False

    def told(self) -> Told:
        return Told(image=self.image)


def jagged(from_price: float, stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """The same ways in steps of some minutes, each of which ends beside the way by chance; the last ends on it."""
    chance = random.Random(_SEED)  # noqa: S311 - not a secret
    for stretch in stretches:
        step_min = max(_STEP_MIN, stretch.bar_minutes)
        count = stretch.minutes // step_min
        for number in range(1, count + 1):
            beside = 0.0 if number == count else chance.gauss(0.0, _BESIDE_PCT)
            on_the_way = from_price + (stretch.to_price - from_price) * number / count
            yield stretch._replace(
                minutes=step_min, to_price=on_the_way * (1 + beside / 100),
                oi_pct=stretch.oi_pct / count, forced_usd=stretch.forced_usd / count,
            )
        from_price = stretch.to_price


def _grabbed() -> MadeMarket:
    """A flush through the liquidations of a crowd, and back over their near edge; then buyers carry it on."""
    down_and_back = flush(96_600, 97_600, 12)[:2]
    after = (Stretch(60, 98_300, 3.0, 0.57), Stretch(60, 99_850, 2.0, 0.56), Stretch(60, 99_700))
    return MadeMarket((*crowd(), *down_and_back, *jagged(97_600, after)))


def _cascaded() -> MadeMarket:
    """Two crowds below each other; price breaks into the liquidations of the second one's 50x and speeds up, is forced
    on for some minutes, and turns before the next cluster."""
    crowds = (
        *crowd(98_000, 98_000), Stretch(120, 95_500, 1.0, 0.46, bar_minutes=5),
        Stretch(360, 95_500, 8.0, 0.57, 20.0, bar_minutes=5),
    )
    broken = (Stretch(60, 94_300, 1.0, 0.46), Stretch(8, 93_600, 20.0, 0.33, -2.0, 30e6))
    after = (
        Stretch(24, 92_300, 12.0, 0.38, -4.0, 40e6), Stretch(24, 93_000, 5.0, 0.55), Stretch(60, 93_300, 2.0, 0.53),
    )
    return MadeMarket((*crowds, *broken, *jagged(93_600, after)))


def _squeezed() -> MadeMarket:
    """Eight quiet days with usual funding, then a crowd that pays dearly; price drifts its way all the same. Told as
    longs, and turned into shorts: the usual rate of the image is the +.01 % of most venues."""
    half_day = Stretch(720, START_PRICE, funding_pct=-0.01, bar_minutes=60)
    days = [half_day._replace(to_price=START_PRICE * (1.006 if number % 2 else 0.994)) for number in range(15)]
    paid = Stretch(360, 102_000, 10.0, 0.65, 30.0, bar_minutes=5, funding_pct=0.08)
    after = [Stretch(120, 102_000, 0.5, funding_pct=0.08, bar_minutes=5)]
    after += [Stretch(minutes, price, 0.8, funding_pct=0.08)
              for minutes, price in ((90, 101_850), (120, 102_300), (180, 102_800), (60, 102_650))]
    return MadeMarket((
        *days, half_day, Stretch(240, 102_000, funding_pct=-0.01, bar_minutes=5), paid,
        *jagged(102_000, after),
    ), image=True)  # fmt: skip


MARKETS: Final = {"grab_reverse": _grabbed, "cascade": _cascaded, "funding_squeeze": _squeezed}
