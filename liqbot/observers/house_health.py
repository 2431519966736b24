"""Whether a house is healthy: what a supervisor asks, judged from what its last Tick left behind."""

from collections.abc import Callable

import msgspec

from liqbot.engine import Engine
from liqbot.settings import Settings

STALE, UNPROTECTED, JOURNAL, SILENT, BEGINNING = "stale", "unprotected", "journal", "silent", "beginning"


class HouseHealth(msgspec.Struct, frozen=True):
    """As of a Tick; `troubles` by kind, in words. Empty: all is well."""

    time_ms: int
    troubles: dict[str, str]


def health_of(engine: Engine, settings: Settings, time_ms: int, journal_trouble: str) -> HouseHealth:
    """What the house itself knows: prices too old to enter on, a position without a confirmed stop for longer than its
    limit, a journal that cannot be written."""
    troubles: dict[str, str] = {}
    stale = [
        f"{view.coin}: newest price {view.age_ms} ms old" for view in engine.views
        if view.coin in settings.coins and view.age_ms > settings.risk.age_ms_max
    ]
    if stale:
        troubles[STALE] = ", ".join(stale)
    naked = unprotected(engine)
    naked_ms = engine.order_manager.naked_ms(time_ms)
    if naked and naked_ms > settings.execution.unprotected_ms_max:
        troubles[UNPROTECTED] = f"{', '.join(naked)}: no confirmed stop over all of it for {naked_ms} ms"
    if journal_trouble:
        troubles[JOURNAL] = journal_trouble
    return HouseHealth(time_ms, troubles)


class HealthWatch:
    """What is wrong with a house, asked from any thread, also while its own hangs. `journal_trouble` says why the
    journal cannot be written."""

    def __init__(self, settings: Settings, journal_trouble: Callable[[], str], clock_s: Callable[[], float]) -> None:
        self._settings, self._journal_trouble, self._clock_s = settings, journal_trouble, clock_s
        self._health: HouseHealth | None = None
        self._seen_s = clock_s()

    def on_tick(self, engine: Engine, time_ms: int) -> None:
        self._health = health_of(engine, self._settings, time_ms, self._journal_trouble())
        self._seen_s = self._clock_s()

    def troubles(self) -> dict[str, str]:
        """Now, by kind; empty: all is well."""
        found = judged(self._health, self._clock_s() - self._seen_s, self._settings.metrics.tick_age_s_max)
        stuck = self._journal_trouble()
        return {**found, JOURNAL: stuck} if stuck else found


def unprotected(engine: Engine) -> list[str]:
    """Positions that confirmed stops do not cover whole, in words."""
    return [
        f"{held.side.word} {held.quantity_base} {held.coin} on {held.venue}" for held in engine.account.positions
        if engine.order_manager.book(held.venue, held.coin).confirmed_base(held.side) < held.quantity_base
    ]


def judged(health: HouseHealth | None, age_s: float, age_s_max: float) -> dict[str, str]:
    """Troubles now, `age_s` after the house said that; None: it has not said anything yet."""
    if health is None:
        return {BEGINNING: "no step yet"} if age_s <= age_s_max else {SILENT: f"no step in {age_s:.0f} s"}
    silent = {SILENT: f"no step for {age_s:.0f} s"} if age_s > age_s_max else {}
    return {**health.troubles, **silent}
