"""What files hold CME's open interest: recognised by their columns."""

from liqbot.venues.cme import cftc, databento
from liqbot.venues.streams import ReportedInterest


def reported(text: str) -> tuple[ReportedInterest, ...]:
    """ValueError that says what in it is not right."""
    return databento.reported(text) if databento.claims(text) else cftc.reported(text)
