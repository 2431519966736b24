"""What a configuration may not begin to trade with, though it can be read: asked when a house starts and never of one
that is recorded, shown or ended, since whoever holds a position must be able to manage it."""

from liqbot.exits import Exit, ExpectedError
from liqbot.risk.limits import unwatched_core
from liqbot.risk.thin_coins import thin_trouble
from liqbot.settings.model import Settings


def require_tradable(settings: Settings) -> Settings:
    """The settings themselves. ExpectedError (configuration) for thin coins that nobody allowed, for any with money,
    and for money without a core venue."""
    trouble = thin_trouble(settings.coins, settings.mode, allowed=settings.allow_thin_coin)
    if trouble:
        raise ExpectedError(f"coins: {trouble}", Exit.CONFIG)
    lacking = unwatched_core(settings.risk, settings.venues) if settings.mode == "live" else ()
    if lacking:
        raise ExpectedError(
            f"venues: {', '.join(lacking)} of risk.core_venues: with money all of them are watched", Exit.CONFIG
        )
    return settings
