"""`Market`: the ground floor's one fold. Rows are collected as they come and folded when the clock ticks."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from liqbot.blocks import DTYPES, KINDS, EventBlock, Roster, Rows
from liqbot.events import BiasSet, CodeVersion, Event, FeedDown, FeedUp
from liqbot.instruments import Side, side_of
from liqbot.market.coin import CoinMarket
from liqbot.market.coin_state import coin_state, load_coin_state
from liqbot.market.estimate.array_state import packed, unpacked
from liqbot.market.forecast.forecast import Forecast
from liqbot.market.map.drift import Drift, drift
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.whales import WhaleNews
from liqbot.market.map.zones import Cluster
from liqbot.market.observed.health import VenueHealth
from liqbot.market.observed.outliers import Columns
from liqbot.market.params import MarketParams
from liqbot.market.venue_health import venue_health
from liqbot.market.view import MarketView
from liqbot.market.view_builder import view_of


class GivenBias(NamedTuple):
    """A direction from outside."""

    side: str
    until_ms: int
    why: str


class Market:
    """The same rows give the same state and views, however a clock step was split over blocks."""

    def __init__(
        self, params: MarketParams, roster: Roster, trade_venue: str, coin_market: type[CoinMarket] = CoinMarket
    ) -> None:
        """`trade_venue` is the venue key whose mark, range and age the views carry. Research gives a `coin_market` that
        sees another map."""
        self.roster = roster
        self._coins = [coin_market(coin, roster.venues, trade_venue, params) for coin in roster.coins]
        self._pending: dict[str, list[Rows]] = {}
        """Rows collected since the last Tick, as they came in blocks, by kind."""
        self._bias: dict[str, GivenBias] = {}
        self._backfilled = False
        self._leverages = params.estimate.leverages
        self._priced = False
        """Whether the last Tick brought a price."""

    def on_fact(self, fact: Event) -> None:
        """Feeds that go down or come back, and directions given from outside; other facts are none of the market's."""
        if isinstance(fact, FeedUp | FeedDown):
            if fact.coin in self.roster.coins:
                self._coins[self.roster.coin_code(fact.coin)].outliers.health.on_fact(fact)
        elif isinstance(fact, CodeVersion):
            for coin in self._coins:
                coin.outliers.health.begin()
        elif isinstance(fact, BiasSet):
            if fact.side is None:
                self._bias.pop(fact.coin, None)
            else:
                self._bias[fact.coin] = GivenBias(fact.side.word, fact.until_ms, fact.why)

    def collect(self, block: EventBlock) -> None:
        """Keep a block's rows until its step's Tick."""
        self._backfilled = self._backfilled or block.backfilled
        for kind in KINDS:
            rows = block.rows(kind)
            if len(rows):
                self._pending.setdefault(kind, []).append(rows)

    def on_tick(self, tick_ms: int, lag_ms: int = 0, *, reading: bool = True) -> tuple[MarketView, ...]:
        """Fold what was collected; a view per coin that has a price. `lag_ms` is what the edge says of itself.

        Without `reading` nothing is read from the map that nothing is learnt from (clusters, zones), and there are no
        views: a third of the work saved where only the estimate is wanted.
        """
        self._priced = False
        for index, columns in self._by_coin():
            self._coins[index].fold(columns, tick_ms, backfilled=self._backfilled, reading=reading)
            self._priced |= self._coins[index].outliers.priced
        self._pending = {}
        backfilled, self._backfilled = self._backfilled, False
        if not reading:
            return ()
        for coin in self._coins:
            coin.catch_up()
        return self.views_at(tick_ms, backfilled=backfilled, lag_ms=lag_ms)

    def awaits_price(self, tick_ms: int) -> bool:
        """Whether the last Tick brought no price, of any coin, and the traded venue's next bar may still come."""
        return not self._priced and any(coin.expects_bar(tick_ms) for coin in self._coins)

    def _by_coin(self) -> list[tuple[int, Columns]]:
        """The collected rows of each coin that has any, in order of arrival: (coin's index, columns by kind)."""
        whole = {kind: _joined(parts) for kind, parts in self._pending.items()}
        if len(self._coins) == 1:
            return [(0, whole)] if whole else []
        found: list[tuple[int, Columns]] = []
        for index in range(len(self._coins)):
            mine = {kind: rows[rows["coin"] == index] for kind, rows in whole.items()}
            columns = {kind: rows for kind, rows in mine.items() if len(rows)}
            if columns:
                found.append((index, columns))
        return found

    @property
    def folded_ms(self) -> int:
        """The newest Tick that brought a price; 0 before the first."""
        return max(coin.now.time_ms for coin in self._coins)

    def views_at(self, tick_ms: int, *, backfilled: bool = False, lag_ms: int = 0) -> tuple[MarketView, ...]:
        """What is known, without folding anything."""
        return tuple(
            view_of(coin, tick_ms, given_bias=self._bias_of(coin.coin, tick_ms), backfilled=backfilled, lag_ms=lag_ms)
            for coin in self._coins
            if coin.ready
        )

    def _bias_of(self, coin: str, now_ms: int) -> Side | None:
        given = self._bias.get(coin)
        return side_of(given.side) if given is not None and now_ms < given.until_ms else None

    def map_of(
        self, coin: str, *, venues: Sequence[str] | None = None, leverages: Sequence[float] | None = None
    ) -> LiquidationMap:
        """The map of some venues and leverage tiers; every way of splitting it sums to the whole.

        Unknown coin, venue or tier, or a coin without a price yet: ValueError.
        """
        market = self._coin(coin)
        indices = None if venues is None else [self.roster.venue_code(venue) for venue in venues]
        known = self.leverages()
        for leverage in leverages or ():
            if leverage not in known:
                raise ValueError(f"leverage: {leverage:g} is not one of {', '.join(f'{tier:g}' for tier in known)}")
        tiers = None if leverages is None else [known.index(leverage) for leverage in leverages]
        return market.map_of(indices, tiers)

    def forecast(self, coin: str, horizon_h: int) -> Forecast:
        """Reported USD expected from each 20 bp band outward from the mark, if price visits it within the horizon.

        Unknown coin, a coin without a price yet, or a horizon that is not learnt: ValueError.
        """
        (found,) = self._coin(coin).forecasts(horizon_h)
        return found

    def map_history(self, coin: str) -> tuple[LiquidationMap, ...]:
        """Kept maps, oldest first, in bins of 20 bp within 20 % of each mark."""
        return self._coin(coin).history.maps()

    def map_drift(self, coin: str) -> tuple[Drift, ...]:
        """What became of the clusters since the map kept a day (`history.drift_ms`) ago; () where none reaches back."""
        market = self._coin(coin)
        before = market.history.at(market.now.time_ms - market.params.history.drift_ms)
        return drift(before, market.map_of(), market.params.clusters) if before is not None else ()

    def take_whale_news(self) -> tuple[WhaleNews, ...]:
        """What became of large reported positions near their liquidation, since it was taken last."""
        return tuple(news for coin in self._coins for news in coin.whales.take_news())

    def take_feed_news(self) -> tuple[FeedUp | FeedDown, ...]:
        """Venues whose price left the others' or is back, and quotes that departed or came back, since it was taken
        last."""
        return tuple(news for coin in self._coins for news in coin.outliers.take_news())

    def map_skill(self, coin: str) -> tuple[float, float]:
        """The map's own score of the last days: deviance explained in newly crossed bins, printed over promised USD.

        NaN until enough forced orders were reported.
        """
        score = self._coin(coin).evaluation.score
        return score.skill, score.promise_ratio

    def reporting_shares(self, coin: str) -> dict[str, float]:
        """Learnt share of forced USD that each mapped venue's feed reports; 1 for feeds known to report everything."""
        estimator = self._coin(coin).estimator
        shares = estimator.state.calibration.reporting.tolist()
        return {self.roster.venues[venue]: round(shares[row], 3) for venue, row in estimator.row_of.items()}

    def closing_pace(self, coin: str) -> float:
        """How many times as fast as the assumed rates (`estimate.close_h`) owners are found to close positions."""
        return self._coin(coin).estimator.closing.pace

    def clusters_of(self, coin: str) -> tuple[Cluster, ...]:
        """Of both sides, read from the map as it stands."""
        return self._coin(coin).clusters_now()

    def promised_usd(self, coin: str) -> dict[str, tuple[float, float]]:
        """Per venue (longs, shorts): what its feed was expected to report of the last step's newly crossed prices."""
        estimator = self._coins[self.roster.coin_code(coin)].estimator
        usd = estimator.reported_usd.tolist()
        return {self.roster.venues[venue]: (usd[row][0], usd[row][1]) for venue, row in estimator.row_of.items()
                if row < len(usd)}

    def venue_health(self, coin: str, now_ms: int) -> tuple[VenueHealth, ...]:
        return venue_health(self._coin(coin), now_ms)

    def leverages(self) -> tuple[float, ...]:
        """The tiers of the estimate, ascending."""
        return self._leverages

    def _coin(self, name: str) -> CoinMarket:
        market = self._coins[self.roster.coin_code(name)]
        if not market.ready:
            raise ValueError(f"coin: {name} has no price yet")
        return market

    @property
    def given_biases(self) -> dict[str, GivenBias]:
        """By coin, as set from outside; those that have run out may be among them."""
        return dict(self._bias)

    def state(self) -> dict[str, Any]:
        """Between ticks, collected rows included."""
        return {
            "coins": [coin_state(coin) for coin in self._coins],
            "pending": {
                kind: {name: packed(column) for name, column in _columns(_joined(parts)).items()}
                for kind, parts in self._pending.items()
            },
            "bias": {coin: list(bias) for coin, bias in self._bias.items()},
            "backfilled": self._backfilled,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        for coin, kept in zip(self._coins, state["coins"], strict=True):
            load_coin_state(coin, kept)
        self._pending = {
            kind: [_rows(kind, {name: unpacked(column) for name, column in columns.items()})]
            for kind, columns in state["pending"].items()
        }
        self._bias = {coin: GivenBias(*bias) for coin, bias in state["bias"].items()}
        self._backfilled = state["backfilled"]


def _joined(parts: Sequence[Rows]) -> Rows:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _columns(rows: Rows) -> dict[str, Any]:
    return {name: rows[name] for name in rows.dtype.names or ()}


def _rows(kind: str, columns: dict[str, Any]) -> Rows:
    """Inverse of `_columns`."""
    rows = np.empty(len(columns["time_ms"]), DTYPES[kind])
    for name, column in columns.items():
        rows[name] = column
    return rows
