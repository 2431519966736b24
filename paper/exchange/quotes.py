"""What the simulated exchange knows of the market: last price and mark of its instruments, and their news.

While nobody trades, blocks are only put aside and read later in one go, so that an idle exchange costs almost nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.blocks import DTYPES, EventBlock, Roster, Rows
from liqbot.instruments import Instrument
from paper.exchange.price_path import PathBar, PathMark, dense

Key = tuple[str, str]
BLOCKS_ASIDE_MAX: Final = 256
FLOW_WINDOW_MS: Final = 600_000


class Quote(msgspec.Struct):
    """0 stands for `not known yet`."""

    last_price: float = 0.0
    mark_price: float = 0.0
    mark_ms: int = 0
    bar_ms: int = 0
    """End of the newest bar: until then the path has been walked."""
    bar_span_ms: int = 0
    minute_usd: float = 0.0
    """What has been traded per minute, over some ten minutes: the depth that large orders are measured against."""


class News(msgspec.Struct):
    """What one block says about one instrument, in arrival order."""

    bars: list[PathBar] = []
    marks: list[PathMark] = []


def flow_after(minute_usd: float, volume_usd: float, span_ms: int) -> float:
    """Volume per minute after one more bar; the first bar tells it alone."""
    if span_ms <= 0 or not volume_usd >= 0:
        return minute_usd
    rate_usd = volume_usd * 60_000 / span_ms
    if not minute_usd:
        return rate_usd
    return minute_usd + (rate_usd - minute_usd) * span_ms / (span_ms + FLOW_WINDOW_MS)


class Quotes:
    """One `Quote` per instrument, by (venue, coin)."""

    def __init__(self, instruments: Iterable[Instrument], roster: Roster) -> None:
        keys = [(instrument.venue, instrument.coin) for instrument in instruments]
        self.keys = {(roster.venue_code(venue), roster.coin_code(coin)): (venue, coin) for venue, coin in keys}
        """Instruments by the codes of venue and coin."""
        self.of = {key: Quote() for key in keys}
        self._aside: list[EventBlock] = []

    def put_aside(self, block: EventBlock) -> None:
        """A block that met neither orders nor positions."""
        self._aside.append(block)
        if len(self._aside) >= BLOCKS_ASIDE_MAX:
            self.catch_up()

    def catch_up(self) -> None:
        """Read what was put aside: only the newest row of each kind matters."""
        if not self._aside:
            return
        aside, self._aside = self._aside, []
        bars, marks = (_joined(aside, kind) for kind in ("bars", "marks"))
        for codes, key in self.keys.items():
            quote = self.of[key]
            for volume_usd, span_ms in _flows(bars, codes):
                quote.minute_usd = flow_after(quote.minute_usd, volume_usd, span_ms)
            bar, mark = _newest(bars, codes), _newest(marks, codes)
            if bar is not None:
                quote.last_price = float(bar["close"])
                quote.bar_ms, quote.bar_span_ms = int(bar["time_ms"]), int(bar["span_ms"])
                # A mark older than what has traded since is no mark any more.
                quote.mark_price, quote.mark_ms = quote.last_price, 0
            if mark is not None:
                quote.mark_price, quote.mark_ms = float(mark["mark_price"]), int(mark["time_ms"])

    def expects_bar(self, now_ms: int) -> bool:
        """Whether the next bar of any instrument may still come: it is missing from twice its span after the last."""
        self.catch_up()
        return any(now_ms < quote.bar_ms + 2 * quote.bar_span_ms for quote in self.of.values())

    def tells_price(self, block: EventBlock) -> bool:
        """Whether a block has a price of any instrument."""
        codes = [row[1:3] for rows in (block.bars, block.marks) for row in rows.tolist()]
        return not self.keys.keys().isdisjoint(codes)

    def read(self, block: EventBlock) -> dict[Key, News]:
        """Every instrument's rows of a block; the quotes themselves are moved by the exchange as time passes."""
        news = {key: News() for key in self.of}
        keys = self.keys
        for row in block.bars.tolist():
            if (key := keys.get((row[1], row[2]))) is not None:
                news[key].bars.append(PathBar(row[0], row[3], row[4], row[5], row[6], row[7], row[8]))
        for row in block.marks.tolist():
            if (key := keys.get((row[1], row[2]))) is not None:
                news[key].marks.append(PathMark(row[0], row[3]))
        return news

    def moved(self, key: Key, news: News, bounds: tuple[float, float], mark_gap_ms_max: int) -> Quote | None:
        """The quote after this news, when every price of it and the quote before lie strictly between the bounds.

        None: they do not, or only walking through the bars tells where the mark ends.
        """
        quote, (low, high) = self.of[key], bounds
        prices = [quote.last_price or quote.mark_price, quote.mark_price or quote.last_price]
        prices += [price for bar in news.bars for price in (bar.open, bar.low, bar.high, bar.close)]
        prices += [mark.price for mark in news.marks]
        if min(prices) <= low or max(prices) >= high:
            return None
        last_price, mark_price, mark_ms = quote.last_price, quote.mark_price, quote.mark_ms
        bar_ms, bar_span_ms = quote.bar_ms, quote.bar_span_ms
        if news.bars:
            last_price = news.bars[-1].close
            bar_ms, bar_span_ms = max(bar_ms, news.bars[-1].end_ms), news.bars[-1].span_ms
        if news.marks:
            newest = max(news.marks, key=lambda mark: mark.time_ms)
            if newest is not news.marks[-1] or (news.bars and newest.time_ms < news.bars[-1].end_ms):
                return None
            mark_price, mark_ms = newest.price, max(mark_ms, newest.time_ms)
        elif news.bars and not dense(news.bars[-1], mark_ms, (), mark_gap_ms_max):
            mark_price = last_price
        return Quote(
            last_price, mark_price, mark_ms, bar_ms, bar_span_ms, flow_of(news.bars, quote.minute_usd)
        )

    def state(self) -> list[Any]:
        self.catch_up()
        return [msgspec.to_builtins(quote) for quote in self.of.values()]

    def load_state(self, state: Sequence[Any]) -> None:
        self._aside = []
        self.of = {key: msgspec.convert(quote, Quote) for key, quote in zip(self.of, state, strict=True)}


def flow_of(bars: Iterable[PathBar], minute_usd: float) -> float:
    """Volume per minute after these bars."""
    for bar in bars:
        minute_usd = flow_after(minute_usd, bar.volume_usd, bar.span_ms)
    return minute_usd


def _joined(blocks: Sequence[EventBlock], kind: str) -> Rows:
    """The rows of one kind, in order. By their bytes: numpy compares the fields of every piece before it joins them."""
    return np.frombuffer(b"".join([block.rows(kind).tobytes() for block in blocks]), DTYPES[kind])


def _flows(rows: Rows, codes: tuple[int, int]) -> list[tuple[float, int]]:
    """(volume, span) of every bar of these codes, in order."""
    ours = rows[(rows["venue"] == codes[0]) & (rows["coin"] == codes[1])]
    return list(zip(ours["volume_usd"].tolist(), ours["span_ms"].tolist(), strict=True))


def _newest(rows: Rows, codes: tuple[int, int]) -> Any:
    """The last row of these codes, None when there is none."""
    (found,) = np.nonzero((rows["venue"] == codes[0]) & (rows["coin"] == codes[1]))
    return rows[found[-1]] if len(found) else None
