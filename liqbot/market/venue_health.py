"""`VenueHealth` of a coin's venues, from the folds that know a part of it each."""

from liqbot.market.coin import CoinMarket
from liqbot.market.estimate.kernels import LONG, SHORT
from liqbot.market.map.zones import ABSENT
from liqbot.market.observed.health import VenueHealth


def venue_health(coin: CoinMarket, now_ms: int) -> tuple[VenueHealth, ...]:
    """Every venue that ever gave a price, in the roster's order."""
    bounds, totals, row_of = coin.bounds_base(), coin.estimator.side_totals_usd(), coin.estimator.row_of
    rated = coin.funding.of_venues()
    return tuple(
        VenueHealth(
            venue=coin.venues[venue],
            mark_price=price.mark_price,
            age_ms=now_ms - price.seen_ms,
            stale=coin.outliers.stale(venue, now_ms),
            down=coin.outliers.health.down(coin.venues[venue]),
            reasons=coin.outliers.health.reasons(coin.venues[venue]),
            rejected=price.rejected,
            oi_usd=bounds[venue] * coin.outliers.usd_price(venue),
            long_usd=totals[row_of[venue]][LONG] if venue in row_of else 0.0,
            short_usd=totals[row_of[venue]][SHORT] if venue in row_of else 0.0,
            funding_8h_pct=rated.get(coin.venues[venue], (ABSENT, ABSENT))[0],
            funding_percentile=rated.get(coin.venues[venue], (ABSENT, ABSENT))[1],
            accord=coin.outliers.agreement.accord_of(venue).value,
            quote=coin.outliers.quotes.quotes[venue],
            trust_weight=coin.trust.weights[venue],
            quote_ratio=coin.outliers.quotes.of_venue[venue],
            **coin.estimator.reported.covered(row_of.get(venue, -1), now_ms),
        )
        for venue, price in enumerate(coin.prices)
        if price.known
    )
