"""Whether the reason for an open position is gone: the question several strategies share, and how all are asked."""


from liqbot.accounting.positions import Position
from liqbot.market.view import MarketView
from liqbot.signals.strategy import Reason, StrategyParams
from liqbot.strict_params import limit


class LiquidationShareParams(StrategyParams):
    """Of a strategy that follows liquidations ahead of the price and gives up when they lie behind it."""

    fuel_share_exit: float = limit(
        0.25, "Less than this share of the fuel ahead and a heavy cluster behind ends the trade.", ge=0, le=0.5
    )
    behind_ratio_exit: float = limit(1.5, "What is heavy there: cluster size against its usual size.", ge=0, le=1_000)


def share_turned(view: MarketView, position: Position, params: LiquidationShareParams) -> Reason | None:
    """Little fuel ahead and a heavy cluster behind: the pull is the other way now."""
    ahead, behind = view.ahead(position.side), view.behind(position.side)
    fuel_usd = ahead.fuel_usd + behind.fuel_usd
    heavy = behind.largest
    if heavy is None or not fuel_usd > 0 or heavy.ratio < params.behind_ratio_exit:
        return None
    share = ahead.fuel_usd / fuel_usd
    if share >= params.fuel_share_exit:
        return None
    return Reason("FUEL_TURNED", f"{share * 100:.0f} % of the fuel lies ahead, a cluster of ${heavy.usd:,.0f} behind")
