"""`MarketView` from a coin's folds: every field the floors above may read, absent where it is not known."""

from typing import Any, Final

from liqbot.instruments import Side
from liqbot.market.coin import CoinMarket
from liqbot.market.forecast.forecast import Forecast
from liqbot.market.observed.agreement import Accord
from liqbot.market.observed.health import LISTING_FEED, TERMS_FEED
from liqbot.market.observed.prices import VenuePrice
from liqbot.market.view import MarketView

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 86_400_000
_NEVER: Final = VenuePrice()
_CONTRACT: Final = (LISTING_FEED, TERMS_FEED)
_MARK: Final = frozenset({"mark_price", "return_1h_pct", "return_24h_pct", "trend_pct", "acceleration_ratio", "map"})
_FORCED: Final = frozenset({"liquidated_long_1h_usd", "liquidated_short_1h_usd"})
_NONE: Final[frozenset[str]] = frozenset()


def view_of(
    coin: CoinMarket, tick_ms: int, *, given_bias: Side | None, backfilled: bool, lag_ms: int
) -> MarketView:
    """Of a coin that is `ready`. Without the trading venue's price the reference stands in, infinitely old."""
    own = coin.prices[coin.trade_venue] if coin.trade_venue >= 0 else _NEVER
    live, stale_count = coin.outliers.health.live(coin.venues, coin.prices, tick_ms)
    return MarketView(
        coin=coin.coin,
        time_ms=tick_ms,
        backfilled=backfilled,
        age_ms=tick_ms - own.seen_ms,
        live_venues=len(live),
        stale_venues=stale_count,
        venues_live=live,
        lag_ms=lag_ms,
        map=coin.map,
        below=coin.sides[Side.LONG],
        above=coin.sides[Side.SHORT],
        thin_zones_of=coin.thin_zones,
        forecasts_of=_Forecasts(coin),
        given_bias=given_bias,
        derived=_derived(coin, own, tick_ms),
        whales=coin.whales.near,
        **_price_trouble(coin),
        **_price_features(coin, own),
        **_crowd_features(coin, tick_ms),
    )


class _Forecasts:
    """A coin's forecasts as of the view, read when they are needed, as they seldom are."""

    def __init__(self, coin: CoinMarket) -> None:
        self._coin, self._time_ms = coin, coin.now.time_ms

    def __call__(self) -> tuple[Forecast, ...]:
        return self._coin.forecasts_at(self._time_ms)

    def __repr__(self) -> str:
        return repr(self())


def _price_trouble(coin: CoinMarket) -> dict[str, Any]:
    agreement, quotes = coin.outliers.agreement, coin.outliers.quotes
    reasons = coin.outliers.health.reasons(coin.venues[coin.trade_venue], _CONTRACT) if coin.trade_venue >= 0 else ()
    if not reasons and not agreement.apart and not quotes.translating:
        return {}
    out = coin.trade_venue >= 0 and agreement.quarantined(coin.trade_venue)
    accord = Accord.QUARANTINED if out else Accord.DISPUTED if agreement.disputed else Accord.AGREES
    quote, away_pct = quotes.held
    return {
        "contract_trouble": "; ".join(reasons), "price_accord": accord.value, "depeg_quote": quote,
        "depeg_pct": away_pct,
    }


def _price_features(coin: CoinMarket, own: VenuePrice) -> dict[str, Any]:
    mark_price = own.mark_price if own.known else coin.now.reference_price
    bars, now = coin.bars, coin.now
    return {
        "mark_price": mark_price,
        "index_price": own.index_price,
        "last_price": now.last_price,
        "high_price": now.high_price,
        "low_price": now.low_price,
        "bar_span_ms": own.bar_span_ms,
        "volume_ratio": bars.volume_ratio,
        "taker_imbalance": bars.taker_imbalance,
        "return_1h_pct": bars.return_pct(now.time_ms, _HOUR_MS, mark_price),
        "return_24h_pct": bars.return_pct(now.time_ms, _DAY_MS, mark_price),
        "trend_pct": bars.trend_pct,
        "range_pct": bars.range_pct,
        "acceleration_ratio": bars.acceleration_ratio(
            now.time_ms, max(coin.params.rolling.acceleration_ms, own.bar_span_ms), mark_price
        ),
        "us_basis_pct": coin.us_basis_pct(own.index_price if own.index_price == own.index_price else mark_price),
        "minute_volume_usd": bars.mean_per_minute_usd(coin.venues[coin.trade_venue] if coin.trade_venue >= 0 else ""),
    }


def _crowd_features(coin: CoinMarket, tick_ms: int) -> dict[str, Any]:
    warmth_long_pct, warmth_short_pct = coin.warmth_pct
    funding = coin.funding.means
    forced_long_usd, forced_short_usd = coin.forced.last_hour_usd(tick_ms)
    return {
        "oi_usd": coin.now.oi_base * coin.now.reference_price,
        "oi_change_1h_pct": coin.open_interest.change_pct(tick_ms, _HOUR_MS),
        "oi_change_24h_pct": coin.open_interest.change_pct(tick_ms, _DAY_MS),
        "funding_8h_pct": funding.rate_8h_pct,
        "funding_usual_8h_pct": funding.usual_8h_pct,
        "funding_percentile": funding.percentile,
        "funding_us_8h_pct": funding.us_8h_pct,
        "funding_offshore_8h_pct": funding.offshore_8h_pct,
        "funding_us_percentile": funding.us_percentile,
        "funding_offshore_percentile": funding.offshore_percentile,
        "funding_spread_pct": funding.us_8h_pct - funding.offshore_8h_pct,
        "funding_of_venues": coin.funding.of_venues(),
        "liquidated_long_1h_usd": forced_long_usd,
        "liquidated_short_1h_usd": forced_short_usd,
        "warmth_long_pct": warmth_long_pct,
        "warmth_short_pct": warmth_short_pct,
        "map_skill_share": coin.evaluation.score.skill,
        "map_printed_ratio": coin.evaluation.score.promise_ratio,
    }


def _derived(coin: CoinMarket, own: VenuePrice, tick_ms: int) -> frozenset[str]:
    """What stands in for a measurement: trades for the mark, totals over hours taken in proportion."""
    mark = _MARK if own.mark_row_ms < own.mark_ms or not own.known else _NONE
    return mark | _FORCED if coin.forced.coarse(tick_ms) else mark
