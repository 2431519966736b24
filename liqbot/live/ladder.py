"""The ladder of conduct: money is traded by a program and a configuration that have watched, pretended and practised.

It restrains entries, never what protects: with a position open the start goes on, and enters nothing.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from liqbot import places
from liqbot.connection.endpoints import Access
from liqbot.events import Event, LadderOverridden, LiveStarted
from liqbot.exits import Exit, ExpectedError
from liqbot.runtime.rungs import Rung, identity_of, recorded_days
from liqbot.settings import Settings

WEEK_DAYS: Final = 7.0
DAY_MS: Final = 86_400_000
_NEXT: Final[Mapping[Rung, str]] = {
    Rung.OBSERVE: "liqbot observe --profile {profile}",
    Rung.PAPER: "liqbot paper --market live --profile {profile} --set mode=paper --data DIRECTORY",
    Rung.TESTNET: "liqbot start --profile {profile} --set mode=demo --data DIRECTORY",
}
"""By which a rung is climbed with the very configuration of the profile."""


class Climbed(NamedTuple):
    """One rung below live."""

    rung: Rung
    days: float
    """Recorded with this program and configuration."""
    needed_days: float

    @property
    def missing(self) -> bool:
        return self.days < self.needed_days

    def describe(self) -> str:
        """For people."""
        return f"{self.rung} {self.days:.1f} of {self.needed_days:g} days"


class Climb(NamedTuple):
    """What a start found, and what it is allowed. The default asks nothing: no money is at stake."""

    missing: str = ""
    typed: str = ""
    size_pct: float = 100.0
    capped_ms: int = 0
    """Time left of the first week, as recorded days have it."""
    asks: bool = False

    def facts(self, time_ms: int) -> tuple[Event, ...]:
        """For the journal, at a start."""
        if not self.asks:
            return ()
        began = LiveStarted(
            time_ms=time_ms, missing=self.missing, size_pct=self.size_pct, capped_until_ms=time_ms + self.capped_ms
        )
        typed = LadderOverridden(time_ms=time_ms, typed=self.typed, missing=self.missing)
        return (began, typed) if self.typed else (began,)


NOTHING_ASKED: Final = Climb()


def rung_of(access: Access) -> Rung:
    """Where days of trading count."""
    return Rung.LIVE if access == "live" else Rung.TESTNET


def climbed(settings: Settings, now_ms: int) -> tuple[tuple[Climbed, ...], float]:
    """The rungs below live as the record has them, and the days live has run."""
    days, conduct = recorded_days(places.rungs_path(), identity_of(settings), now_ms), settings.conduct
    rungs = (
        Climbed(Rung.OBSERVE, days[Rung.OBSERVE], conduct.observe_days),
        Climbed(Rung.PAPER, days[Rung.PAPER], conduct.paper_days),
        Climbed(Rung.TESTNET, days[Rung.TESTNET], conduct.testnet_days),
    )
    return rungs, days[Rung.LIVE]


def sentence(profile: str) -> str:
    """What a person types to trade money without the recorded days."""
    return f"I trade profile {profile} without the recorded days"


def require_climbed(settings: Settings, profile: str, typed: str | None, now_ms: int, *, held: bool) -> Climb:
    """ExpectedError (configuration) when days are missing and no override was typed; (usage) for one that says
    something else. With a position that may be open (`held`) nothing is refused: the answer bars entries."""
    if typed is not None and typed != sentence(profile):
        raise ExpectedError(f"--override-ladder {typed!r}: type {sentence(profile)!r}", Exit.USAGE)
    rungs, live_days = climbed(settings, now_ms)
    lacking = [one for one in rungs if one.missing]
    missing = ", ".join(one.describe() for one in lacking)
    if lacking and typed is None and not held:
        raise ExpectedError(f"live asks for recorded days of this program and configuration: {missing}; "
                            f"next: {_NEXT[lacking[0].rung].format(profile=profile)} (docs/risk.md)", Exit.CONFIG)
    left_days = max(0.0, WEEK_DAYS - live_days)
    return Climb(
        missing, (typed or "") if lacking else "", settings.conduct.first_week_size_pct, int(left_days * DAY_MS),
        asks=True,
    )
