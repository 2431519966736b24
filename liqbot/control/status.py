"""What a running house reports of itself, read from its engine between two steps."""

from decimal import Decimal
from typing import Any

from liqbot import __version__
from liqbot.accounting.positions import Position
from liqbot.commands import Purpose
from liqbot.engine import Engine
from liqbot.events import HaltCode
from liqbot.market.record import cluster_record
from liqbot.market.view import MarketView
from liqbot.risk.blackouts import in_force
from liqbot.risk.caution import caution_text, crowded_side
from liqbot.risk.limits import of_watched, unwatched_core
from liqbot.risk.thin_coins import is_thin
from liqbot.risk.translation import translation_at
from liqbot.settings import Settings


def status_of(engine: Engine, settings: Settings, now_ms: int) -> dict[str, Any]:
    """Plain values, as JSON takes them. `now_ms` is the time on the house's own clock."""
    account = engine.account
    return {
        "version": __version__,
        "mode": settings.mode,
        "trade_venue": settings.trade_venue,
        "time_ms": now_ms,
        "equity_usd": str(account.equity_usd),
        "halted": account.halted,
        "halt_code": str(halt_code(engine)),
        "flattening": account.flattening,
        "ladder": _ladder(engine, now_ms),
        "drawdown_pct": account.drawdown.drawdown_pct,
        "stops_read_back": sum(
            engine.order_manager.book(settings.trade_venue, coin).read_back for coin in settings.coins
        ),
        "strategies_disabled": dict(engine.guard.disabled),
        "biases": biases_of(engine, now_ms),
        "naked": _naked(engine, settings, now_ms),
        "positions": [_position(engine, held) for held in account.positions],
        "coins": [_coin(engine, settings, view, now_ms) for view in engine.views],
    }


def halt_code(engine: Engine) -> HaltCode:
    """Why nothing is entered, the account's own latch included; NONE when entries are allowed."""
    account = engine.account
    if not account.halted and account.drawdown.peak_latched:
        return HaltCode.DRAWDOWN
    return account.halt_code


def is_flat(engine: Engine, settings: Settings) -> bool:
    """Nothing is held, and no order of ours may fill any more."""
    order_manager, venue = engine.order_manager, settings.trade_venue
    live = any(order_manager.book(venue, coin).live() for coin in settings.coins)
    return not engine.account.positions and not live


def biases_of(engine: Engine, now_ms: int) -> list[dict[str, Any]]:
    """Those that hold now."""
    given = engine.market.given_biases.items()
    return [
        {"coin": coin, "side": one.side, "until_ms": one.until_ms, "why": one.why}
        for coin, one in given if one.until_ms > now_ms
    ]


def clusters_of(engine: Engine) -> list[dict[str, Any]]:
    """Of every coin its time, mark and clusters, as a map's record has them."""
    return [
        {
            "coin": view.coin, "time_ms": view.time_ms, "mark_price": view.mark_price,
            "clusters": [cluster_record(one) for one in (*view.above.clusters, *view.below.clusters)],
        }
        for view in engine.views
    ]  # fmt: skip


def _ladder(engine: Engine, now_ms: int) -> dict[str, Any]:
    """With money: recorded days that are missing, by which words it goes on without them, the share of size now."""
    ladder = engine.account.ladder
    return {
        "missing": ladder.missing, "override": ladder.typed, "size_pct": ladder.size_pct_at(now_ms),
        "capped_until_ms": ladder.capped_until_ms,
    }  # fmt: skip


def _naked(engine: Engine, settings: Settings, now_ms: int) -> dict[str, int]:
    """Time without a confirmed stop over a whole position: now, of the last position, of all in this journal."""
    found = engine.order_manager.naked
    return {
        "now_ms": engine.order_manager.naked_ms(now_ms), "last_ms": found.last_ms, "p99_ms": found.p99_ms,
        "max_ms": found.max_ms, "positions": found.positions, "limit_ms": settings.execution.unprotected_ms_max,
    }  # fmt: skip


def _position(engine: Engine, held: Position) -> dict[str, Any]:
    book = engine.order_manager.book(held.venue, held.coin)
    stops = [stop for stop in book.live(Purpose.STOP) if stop.confirmed]
    return {
        "venue": held.venue, "coin": held.coin, "side": held.side.word, "quantity_base": str(held.quantity_base),
        "entry_price": str(held.entry_price), "leverage": held.leverage,
        "liquidation_price": str(held.liquidation_price) if held.liquidation_price else None,
        "stop_price": str(stops[-1].command.trigger_price) if stops else None,
        "in_map": _in_map(engine, held),
        "protected": book.confirmed_base(held.side) >= held.quantity_base, "leaving": book.closing,
    }  # fmt: skip


def _in_map(engine: Engine, held: Position) -> dict[str, str | None] | None:
    """Entry and liquidation as the map has them; None where its prices are the trading market's, or not known there."""
    mark = engine.mark_of(held.coin)
    if not engine.marks.test_market or not mark.known:
        return None
    mapped = translation_at(Decimal(0), mark).position_in_map(held)
    liquidation_price = mapped.liquidation_price
    return {
        "entry_price": f"{mapped.entry_price:.8g}",
        "liquidation_price": f"{liquidation_price:.8g}" if liquidation_price else None,
    }


def _coin(engine: Engine, settings: Settings, view: MarketView, now_ms: int) -> dict[str, Any]:
    holding = engine.account.holding(settings.trade_venue, view.coin)
    return {
        "coin": view.coin, "mark_price": view.mark_price, "age_ms": view.age_ms, "lag_ms": view.lag_ms,
        "tick_age_ms": now_ms - view.time_ms, "live_venues": view.live_venues,
        "warmth_long_pct": _or_none(view.warmth_long_pct), "warmth_short_pct": _or_none(view.warmth_short_pct),
        "reconciled": holding is not None and holding.reconciled,
        "foreign_base": str(holding.unexplained_base) if holding is not None and holding.unexplained_base else None,
        **_restraints(engine, settings, view),
        "price_accord": view.price_accord, "apart": _apart(engine, view.coin, now_ms),
        "told": _reported_positions(engine, view.coin, now_ms),
        "mark": _mark(engine, view.coin, settings),
        "whales": [{"venue": whale.venue, "position": whale.text()} for whale in view.whales],
    }  # fmt: skip


def _restraints(engine: Engine, settings: Settings, view: MarketView) -> dict[str, Any]:
    """What keeps entries small or away, whatever is signalled: core venues that are silent, the side that a crowd is
    on, the blackout in force, a thin coin."""
    limits = of_watched(settings.risk, engine.market.roster.venues)
    crowded = crowded_side(view, limits)
    return {
        "core_venues_missing": list(unwatched_core(limits, view.venues_live)),
        "caution": "" if crowded is None else caution_text(view, crowded),
        "blackout": in_force(limits.blackouts, view.time_ms), "thin_coin": is_thin(view.coin),
    }  # fmt: skip


def _mark(engine: Engine, coin: str, settings: Settings) -> dict[str, Any] | None:
    """How a test market's mark compares with the map's, by what orders' prices are translated, and which refusal that
    means for entries; None where orders rest in the map's own market."""
    if not engine.marks.test_market:
        return None
    mark = engine.mark_of(coin)
    refusal = engine.mark_refusal(coin)
    return {
        "ratio": _or_none(mark.ratio), "deviation_pct": _or_none(mark.deviation_pct),
        "deviation_pct_max": settings.risk.mark_deviation_pct_max, "spread_pct": _or_none(mark.spread_pct),
        "age_ms": mark.age_ms if mark.known else None, "samples": mark.samples,
        "map_price": _or_none(mark.map_price), "trading_price": _or_none(mark.trading_price),
        "refusal": None if refusal is None else str(refusal),
    }  # fmt: skip


def _reported_positions(engine: Engine, coin: str, now_ms: int) -> list[dict[str, Any]]:
    """Venues that make positions known: share of either side's open interest, and the age of the newest snapshot."""
    return [
        {
            "venue": one.venue, "long_share": one.measured_long_share, "short_share": one.measured_short_share,
            "age_ms": int(one.measured_age_ms),
        }
        for one in engine.market.venue_health(coin, now_ms) if one.measured_age_ms == one.measured_age_ms
    ]  # fmt: skip


def _apart(engine: Engine, coin: str, now_ms: int) -> list[dict[str, Any]]:
    """Venues whose price is not that of the others, whose quote is not at a dollar, or with feeds that are down."""
    return [
        {
            "venue": one.venue, "accord": one.accord, "mark_price": one.mark_price, "quote": one.quote,
            "quote_ratio": one.quote_ratio, "trust_weight": one.trust_weight,
            "down": list(one.down), "reasons": list(one.reasons),
        }
        for one in engine.market.venue_health(coin, now_ms)
        if one.accord or one.down or (one.quote_ratio, one.trust_weight) != (1.0, 1.0)
    ]  # fmt: skip


def _or_none(value: float) -> float | None:
    """JSON has no NaN."""
    return value if value == value else None
