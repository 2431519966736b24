"""How estimates, ways and tables are written on the accuracy page."""

from collections.abc import Iterable, Sequence

from paper.score.bootstrap import Estimate
from paper.score.result import Lead, Score


def shown(estimate: Estimate, digits: int = 3) -> str:
    """`0.123 (0.1 to 0.2)`; a dash where there is nothing."""
    if estimate.value != estimate.value:
        return "-"
    return f"{estimate.value:.{digits}f} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f})"


def way(one: Lead) -> str:
    """How much of the gap to the truth is closed; where the gap may be nothing, the gap itself."""
    if not one.ceiling:
        return "-"
    if not one.gap_resolved:
        return f"gap not resolved: {shown(one.gap)}"
    return shown(one.closed_share, 2)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def lead_of(score: Score, measure: str) -> Lead:
    """StopIteration for a measure that the score does not have."""
    return next(one for one in score.leads if one.measure == measure)


def deciding_measures(score: Score) -> tuple[str, str]:
    """What decides on this tape: where only totals are told, the place inside a move is not known."""
    return ("M1", "M2 window") if score.placed_by == "totals" else ("M1", "M2")


def worst_first(scores: dict[str, Score]) -> list[str]:
    """By the lower end of the lead in either measure that decides, whichever is worse."""
    return sorted(
        scores,
        key=lambda name: min(_low(lead_of(scores[name], one).lead) for one in deciding_measures(scores[name])),
    )


def _low(estimate: Estimate) -> float:
    """What cannot be measured is worst."""
    return estimate.low if estimate.low == estimate.low else -9.0
