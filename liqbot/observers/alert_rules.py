"""Rules of the alerts: each looks at every step and says what has begun. What lasts is said once, until it was over."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Protocol

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.events import Event, FeedDown, FeedUp, Flatten, Halt, PositionDeleveraged, PositionLiquidated
from liqbot.instruments import Side
from liqbot.legible import short_usd
from liqbot.market.map.whales import WhaleChange
from liqbot.market.map.zones import Cluster, Sweep
from liqbot.market.view import MarketView
from liqbot.settings.alerts import AlertParams, ClusterAlertParams
from liqbot.signals.verdict import STRATEGY_FAILED

CLUSTER, SWEPT, WHALE, UNPROTECTED, FEED_DOWN = "CLUSTER", "SWEPT", "WHALE", "UNPROTECTED", "FEED_DOWN"
LOSS_LIMIT: Final = "LOSS_LIMIT"
NOT_URGENT: Final = frozenset({CLUSTER, SWEPT, WHALE, FEED_DOWN})
"""These keep quiet hours and the limit an hour; everything else is about our money."""
_RELEASE: Final = 0.9
"""A cluster is over once it is smaller than this share of the size, or farther than the distance over it."""
_SAME_PCT: Final = 1.0
"""A cluster whose peak moved by less is the same one."""


class Alert(NamedTuple):
    """`code` is stable, `text` is for people. What has the same `about` is the same news; empty: each is its own."""

    time_ms: int
    code: str
    text: str
    about: str = ""


class Rule(Protocol):
    """Looks at every step."""

    def look(self, block: EventBlock, step: Step, engine: Engine) -> Iterable[Alert]: ...


def rules_of(params: AlertParams) -> list[Rule]:
    """All that these parameters ask for."""
    rules: list[Rule] = [AccountRule(), UnprotectedRule(params.unprotected_s), FeedRule(params.feed_down_s)]
    rules += [ClusterRule(name, one) for name, one in params.clusters.items()]
    if params.swept_usd_min:
        rules.append(SweptRule(params.swept_usd_min))
    if params.whale_usd_min:
        rules.append(WhaleRule(params.whale_usd_min))
    return rules


# --- the map --------------------------------------------------------------------------------------------------------


def cluster_text(cluster: Cluster) -> str:
    """As in `$512M in LONG liquidations at $58,200 (3.1% away)`; USD is an estimate."""
    size = short_usd(cluster.usd)
    word = cluster.side.word.upper()
    return f"{size} in {word} liquidations at ${price_text(cluster.peak_price)} ({cluster.peak_distance_pct:.1f}% away)"


def clusters_over(
    clusters: Iterable[Cluster], usd_min: float, within_pct: float, side: str = ""
) -> list[Cluster]:
    """Those that are large and near enough, largest first."""
    found = [
        one for one in clusters
        if one.usd >= usd_min and one.peak_distance_pct <= within_pct and side in {"", one.side.word}
    ]
    return sorted(found, key=lambda one: -one.usd)


class ClusterRule:
    """A cluster over a size within a distance: once for each, until it has shrunk, gone away, or been passed."""

    def __init__(self, name: str, params: ClusterAlertParams) -> None:
        self._name, self._params = name, params
        self._told: dict[str, list[Cluster]] = {}
        """By coin."""

    def look(self, block: EventBlock, step: Step, engine: Engine) -> Iterator[Alert]:
        if block.tick_ms is None or block.backfilled:
            return
        for view in engine.views:
            if self._params.coin in {"", view.coin}:
                yield from self._look_at(view, step.time_ms)

    def _look_at(self, view: MarketView, time_ms: int) -> Iterator[Alert]:
        for cluster in self.fresh(view.coin, (*view.above.clusters, *view.below.clusters)):
            about = f"{self._name} {view.coin} {cluster.side.word} {cluster.peak_price:.3g}"
            yield Alert(time_ms, CLUSTER, f"{view.coin}: {cluster_text(cluster)}", about)

    def fresh(self, coin: str, clusters: Iterable[Cluster]) -> list[Cluster]:
        """Those of now that are over the limits and have not been told since they were clearly below."""
        params, told, now = self._params, self._told.get(coin, []), tuple(clusters)
        kept = clusters_over(now, params.usd_min * _RELEASE, params.within_pct / _RELEASE, params.side)
        known = [one for one in kept if _same(one, told)]
        fresh = []
        for cluster in clusters_over(now, params.usd_min, params.within_pct, params.side):
            if not _same(cluster, known):
                fresh.append(cluster)
                known.append(cluster)
        self._told[coin] = known
        return fresh


def _same(cluster: Cluster, others: Iterable[Cluster]) -> bool:
    return any(
        one.side is cluster.side and abs(one.peak_price / cluster.peak_price - 1) * 100 <= _SAME_PCT for one in others
    )


class SweptRule:
    """A flush into clusters that is over: what the map had there, and what was reported of it."""

    def __init__(self, usd_min: float) -> None:
        self._usd_min = usd_min
        self._told: dict[tuple[str, Side], int] = {}
        """By coin and side: when the newest that was told of began."""

    def look(self, block: EventBlock, step: Step, engine: Engine) -> Iterator[Alert]:
        if block.tick_ms is None or block.backfilled:
            return
        for view in engine.views:
            for sweep in (view.below.sweep, view.above.sweep):
                if sweep is not None and self._is_news(view, sweep):
                    self._told[view.coin, sweep.side] = sweep.started_ms
                    yield Alert(step.time_ms, SWEPT, f"{view.coin}: {swept_text(sweep)}")

    def _is_news(self, view: MarketView, sweep: Sweep) -> bool:
        """It is over once the market says so, which it does by showing it; one from before the start is none."""
        over = sweep.rejected or view.time_ms > sweep.ended_ms
        begun = self._told.setdefault((view.coin, sweep.side), sweep.started_ms if over else 0)
        return over and sweep.started_ms > begun and sweep.cluster_usd >= self._usd_min


def swept_text(sweep: Sweep) -> str:
    """Modelled against reported; a venue reports a part of its forced orders, so that is a floor."""
    printed = "nobody reports" if sweep.printed_usd != sweep.printed_usd else f"{short_usd(sweep.printed_usd)} reported"
    became = "price came back" if sweep.rejected else "price stayed beyond"
    return (
        f"{sweep.side.word.upper()} cluster of {short_usd(sweep.cluster_usd)} (modelled) swept at "
        f"${price_text(sweep.price_low)}..${price_text(sweep.price_high)}: {printed}; {became}"
    )


class WhaleRule:
    """A large position that its venue reports, near its liquidation, or reached."""

    def __init__(self, usd_min: float) -> None:
        self._usd_min = usd_min

    def look(self, block: EventBlock, step: Step, engine: Engine) -> Iterator[Alert]:
        del block, engine
        for news in step.whales:
            if news.change in {WhaleChange.NEAR, WhaleChange.REACHED} and news.whale.usd >= self._usd_min:
                about = f"{news.change.value} {news.coin} {news.whale.venue} {news.whale.price:.4g}"
                text = f"{news.coin} on {news.whale.venue}: {news.whale.text()}; {news.change.value}"
                yield Alert(news.time_ms, WHALE, text, about)


# --- our money ------------------------------------------------------------------------------------------------------


class AccountRule:
    """Halts, forced orders of ours, strategies that failed, the latch of the drawdown."""

    def __init__(self) -> None:
        self._latched = False
        self._disabled: frozenset[str] = frozenset()

    def look(self, block: EventBlock, step: Step, engine: Engine) -> Iterator[Alert]:
        for fact in block.facts:
            yield from alerts_of(fact)
        disabled = engine.guard.disabled
        for name in sorted(disabled.keys() - self._disabled):
            yield Alert(step.time_ms, STRATEGY_FAILED, f"{name} enters nothing: {disabled[name]}")
        self._disabled = frozenset(disabled)
        drawdown = engine.account.drawdown
        if drawdown.latched and not self._latched:
            text = f"{drawdown.drawdown_pct:.2f} % below the highest equity: nothing is entered"
            yield Alert(step.time_ms, LOSS_LIMIT, text)
        self._latched = drawdown.latched


def alerts_of(fact: Event) -> Iterator[Alert]:
    """What a person must know of one fact."""
    if isinstance(fact, Halt | Flatten):
        yield Alert(fact.time_ms, fact.code or type(fact).__name__.upper(), fact.reason)
    elif isinstance(fact, PositionLiquidated | PositionDeleveraged):
        code = "LIQUIDATED" if isinstance(fact, PositionLiquidated) else "DELEVERAGED"
        held = f"{fact.side.word} {fact.quantity_base} {fact.coin} on {fact.venue}"
        yield Alert(fact.time_ms, code, f"our {held} was taken at {fact.price}")


class UnprotectedRule:
    """A position without a confirmed stop over all of it, for longer than a stop takes."""

    def __init__(self, after_s: float) -> None:
        self._after_ms = int(after_s * 1_000)
        self._since_ms: dict[tuple[str, str], int] = {}
        self._told: set[tuple[str, str]] = set()

    def look(self, block: EventBlock, step: Step, engine: Engine) -> Iterator[Alert]:
        del block
        naked: set[tuple[str, str]] = set()
        for held in engine.account.positions:
            key = held.venue, held.coin
            if engine.order_manager.book(held.venue, held.coin).confirmed_base(held.side) >= held.quantity_base:
                continue
            naked.add(key)
            since_ms = self._since_ms.setdefault(key, step.time_ms)
            if step.time_ms - since_ms >= self._after_ms and key not in self._told:
                self._told.add(key)
                seconds = (step.time_ms - since_ms) / 1_000
                what = f"{held.side.word} {held.quantity_base} {held.coin} on {held.venue}"
                text = f"{what} has had no confirmed stop over all of it for {seconds:.0f} s"
                yield Alert(step.time_ms, UNPROTECTED, text)
        self._told &= naked
        self._since_ms = {key: since_ms for key, since_ms in self._since_ms.items() if key in naked}


class FeedRule:
    """A feed that has been down for long, and once more when it is back."""

    def __init__(self, after_s: float) -> None:
        self._after_ms = int(after_s * 1_000)
        self._down: dict[tuple[str, str, str], FeedDown] = {}
        self._told: set[tuple[str, str, str]] = set()

    def look(self, block: EventBlock, step: Step, engine: Engine) -> Iterator[Alert]:
        del engine
        for fact in (*block.facts, *step.feeds):
            if isinstance(fact, FeedDown):
                self._down.setdefault((fact.venue, fact.coin, fact.feed), fact)
            elif isinstance(fact, FeedUp):
                key = fact.venue, fact.coin, fact.feed
                down = self._down.pop(key, None)
                if key in self._told and down is not None:
                    minutes = (step.time_ms - down.time_ms) / 60_000
                    yield Alert(step.time_ms, FEED_DOWN, f"{_feed(fact)} is back after {minutes:.0f} min")
                self._told.discard(key)
        for key, fact in self._down.items():
            if key not in self._told and step.time_ms - fact.time_ms >= self._after_ms:
                self._told.add(key)
                yield Alert(step.time_ms, FEED_DOWN, f"{_feed(fact)} is down: {fact.reason}", f"down {' '.join(key)}")


def _feed(fact: FeedUp | FeedDown) -> str:
    return f"{fact.feed} of {fact.coin or 'all coins'} on {fact.venue or 'this machine'}"


def price_text(price: float) -> str:
    """With the digits that matter: 58,200 and 0.1234."""
    return f"{price:,.0f}" if price >= 1_000 else f"{price:,.5g}"
