"""Margin mechanics of a venue's book of positions, with a stand-in, marked as assumed, where figures are missing."""

from typing import Final

from liqbot.instruments import split_venue_key
from liqbot.margin import steps
from liqbot.margin.formulas import MarginRule, tier_table
from liqbot.margin.mechanics import Fees, Mechanics
from liqbot.venues.spec import ContractMargin, VenueSpec

_STAND_IN_SOURCE: Final = "stand-in: the smallest tiers of large linear contracts, not this venue's figures"
STAND_IN_MAJOR: Final = tier_table(
    ((50_000, 125, 0.4), (500_000, 100, 0.5), (1_000_000, 75, 0.65), (5_000_000, 50, 1.0), (50_000_000, 20, 2.5),
     (100_000_000, 10, 5.0), (200_000_000, 5, 10.0), (400_000_000, 2, 25.0), (800_000_000, 1, 50.0)),
    source=_STAND_IN_SOURCE, as_of="2026-09-29",
)
"""For BTC and ETH at a venue whose tiers are not recorded."""
STAND_IN_MINOR: Final = tier_table(
    ((20_000, 75, 0.65), (50_000, 50, 1.0), (250_000, 25, 2.0), (1_000_000, 10, 5.0), (5_000_000, 5, 10.0),
     (10_000_000, 2, 25.0), (20_000_000, 1, 50.0)),
    source=_STAND_IN_SOURCE, as_of="2026-09-29",
)
"""For every other coin."""
STAND_IN_MARGIN: Final = ContractMargin(
    rule=MarginRule(basis="mark"), cross_rule=None, ladder=steps.WHOLE, fees=Fees(0.02, 0.05)
)


def mechanics_for(spec: VenueSpec | None, venue_key: str, coin: str) -> Mechanics:
    """Margin physics of a book of positions.

    A venue, contract or coin without recorded figures gets the stand-in with `assumed=True`: the venue's own rule where
    it is known, generic maintenance on the mark where it is not; inverse if the key's contract is `coin`.
    """
    contract = split_venue_key(venue_key)[1]
    found = spec.contract(contract) if spec is not None else None
    margin = found.margin if found is not None and found.margin is not None else STAND_IN_MARGIN
    table = dict(margin.tables).get(coin)
    sessions = dict(margin.sessions).get(coin, ())
    return Mechanics(
        venue_key=venue_key,
        coin=coin,
        rule=margin.rule,
        cross_rule=margin.cross_rule,
        table=table or (STAND_IN_MAJOR if coin in {"BTC", "ETH"} else STAND_IN_MINOR),
        inverse=found.inverse if found is not None else contract == "coin",
        fees=margin.fees,
        ladder=margin.ladder,
        session=sessions[0][0] if sessions else "",
        sessions=sessions,
        assumed=table is None,
    )
