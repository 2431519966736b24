"""`MarketView` from a coin's folds: every field the floors above may read, absent where it is not known."""

from liqbot.instruments import Side
from liqbot.market.coin import CoinMarket
from liqbot.market.prices import VenuePrice
from liqbot.market.view import MarketView

_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000
_NEVER = VenuePrice()


def view_of(
    coin: CoinMarket, tick_ms: int, *, given_bias: Side | None, backfilled: bool, lag_ms: int
) -> MarketView:
    home = coin.prices[coin.home] if coin.home >= 0 else _NEVER
    mark_price = home.mark_price if home.known else coin.now.reference_price
    bars, open_interest, now = coin.bars, coin.open_interest, coin.now
    live, stale = coin.intake.health.counts(coin.venues, coin.prices, tick_ms)
    warmth_long_pct, warmth_short_pct = coin.warmth_pct
    forced_long_usd, forced_short_usd = coin.forced.last_hour_usd(tick_ms)
    home_name = coin.venues[coin.home] if coin.home >= 0 else ""
    return MarketView(
        coin=coin.coin,
        time_ms=tick_ms,
        backfilled=backfilled,
        mark_price=mark_price,
        index_price=home.index_price,
        last_price=now.last_price,
        high_price=now.high_price,
        low_price=now.low_price,
        bar_span_ms=home.bar_span_ms,
        volume_ratio=bars.volume_ratio,
        taker_imbalance=bars.taker_imbalance,
        return_1h_pct=bars.return_pct(tick_ms, _HOUR_MS, mark_price),
        return_24h_pct=bars.return_pct(tick_ms, _DAY_MS, mark_price),
        trend_pct=bars.trend_pct,
        range_pct=bars.range_pct,
        oi_usd=now.oi_base * now.reference_price,
        oi_change_1h_pct=open_interest.change_pct(tick_ms, _HOUR_MS),
        oi_change_24h_pct=open_interest.change_pct(tick_ms, _DAY_MS),
        funding_8h_pct=coin.funding.rate_8h_pct,
        funding_percentile=coin.funding.percentile,
        liquidated_long_1h_usd=forced_long_usd,
        liquidated_short_1h_usd=forced_short_usd,
        warmth_long_pct=warmth_long_pct,
        warmth_short_pct=warmth_short_pct,
        age_ms=tick_ms - home.seen_ms,
        live_venues=live,
        stale_venues=stale,
        lag_ms=lag_ms,
        map=coin.map,
        below=coin.sides[Side.LONG],
        above=coin.sides[Side.SHORT],
        thin_zones=coin.thin_zones,
        given_bias=given_bias,
        derived=_derived(coin, home, tick_ms),
        minute_volume_usd=bars.usual_per_minute_usd(home_name),
    )


_MARK = frozenset({"mark_price", "return_1h_pct", "return_24h_pct", "trend_pct", "map"})
_FORCED = frozenset({"liquidated_long_1h_usd", "liquidated_short_1h_usd"})
_NONE: frozenset[str] = frozenset()


def _derived(coin: CoinMarket, home: VenuePrice, tick_ms: int) -> frozenset[str]:
    """What stands in for a measurement: trades for the mark, long totals taken in proportion for the last hour's."""
    mark = _MARK if home.mark_row_ms < home.mark_ms or not home.known else _NONE
    forced = _FORCED if coin.forced.coarse(tick_ms) else _NONE
    return mark | forced if forced else mark


