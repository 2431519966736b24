"""Whether the reason for an open position is gone: the check several strategies share, and how all are evaluated."""


from liqbot.accounting.positions import Position
from liqbot.market.view import MarketView
from liqbot.signals.strategy import Reason, StrategyParams
from liqbot.strict_params import limit


class LiquidationShareParams(StrategyParams):
    """Of a strategy that follows liquidations ahead of the price and gives up when they lie behind it."""

    notional_ahead_share_exit: float = limit(
        0.25, "Less than this share of the liquidation notional ahead and a heavy cluster behind ends it.", ge=0, le=0.5
    )
    behind_ratio_exit: float = limit(1.5, "What is heavy there: cluster size against its usual size.", ge=0, le=1_000)


def share_turned(view: MarketView, position: Position, params: LiquidationShareParams) -> Reason | None:
    """Little liquidation notional ahead and a heavy cluster behind: forced orders would now push the other way."""
    ahead, behind = view.ahead(position.side), view.behind(position.side)
    notional_usd = ahead.fuel_usd + behind.fuel_usd
    heavy = behind.largest
    if heavy is None or not notional_usd > 0 or heavy.ratio < params.behind_ratio_exit:
        return None
    share = ahead.fuel_usd / notional_usd
    if share >= params.notional_ahead_share_exit:
        return None
    why = f"{share * 100:.0f} % of the liquidations in range lie ahead, a cluster of ${heavy.usd:,.0f} behind"
    return Reason("NOTIONAL_TURNED", why)
