"""The page's part on recorded wallets as a map: told some time before, against where they were liquidated."""

from accuracy_text import table

from paper.score.wallet_map import WITHIN_PCT, ToldMap

_TOLD = """**As a map, told some time before.** Of the {closed} rebuilt liquidations: positions that were open so long
before, and those of them told within so many percent of the mark at which they were closed; share of all closed USD.

{placed}

Told anew every hour, against the depth of the move: trades of others went through a told position in {reached} of
{hours} hours in which a coin had one. These hold {hits} of the {liquidated} hours with a liquidation and {usd:.0%} of
its USD; as many of the deepest hours hold {deepest} and {deepest_usd:.0%}. Of the {positions} positions reached, {then}
({then_usd:.0%} of their USD) were liquidated in that hour or the next: the others had been closed, or given more
margin, since.
"""


def told_text(told: ToldMap) -> str:
    """Two measures, each with its control."""
    rows = [
        [_age(one.age_min), f"{one.open_count}",
         *(f"{count} ({share:.0%})" for count, share in zip(one.within_count, one.within_usd_share, strict=True))]
        for one in told.placed
    ]  # fmt: skip
    head = ("told before", "open", *(f"within {limit:g} %" for limit in WITHIN_PCT))
    return _TOLD.format(
        closed=told.closed_count, placed=table(head, rows), reached=told.reached_hours_count, hours=told.hours_count,
        hits=told.reached_hits_count, liquidated=told.liquidated_hours_count, usd=told.reached_usd_share,
        deepest=told.deepest_hits_count, deepest_usd=told.deepest_usd_share, positions=told.reached_positions_count,
        then=told.then_closed_count, then_usd=told.then_closed_usd_share,
    )  # fmt: skip


def _age(minutes: int) -> str:
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h"
