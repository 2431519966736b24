"""Ranks with ties, and what is left of ranks when those of other things have been taken out."""

import numpy as np

from paper.score.price_path import Floats, Whole


def falling(values: Floats) -> Whole:
    """Numbers of the entries from the largest value on; of ties the earlier first."""
    order: Whole = np.argsort(-values, kind="stable")
    return order


def ranked(values: Floats, order: Whole | None = None) -> Floats:
    """Ranks from 1 for the smallest, ties share their mean. `order` is `falling(values)`, where it is known."""
    order = falling(values) if order is None else order
    ordered = values[order]
    new = np.r_[True, ordered[1:] != ordered[:-1]]
    group = np.cumsum(new) - 1
    starts = np.flatnonzero(new)
    ends = np.r_[starts[1:], len(values)]
    found = np.empty(len(values))
    found[order] = len(values) + 1 - ((starts + 1 + ends) / 2.0)[group]
    return found


class Residual:
    """Takes the ranks of the controls out of other ranks, linearly."""

    def __init__(self, *controls: Floats) -> None:
        columns = [ranked(control) for control in controls if len(control)]
        columns = [column - column.mean() for column in columns]
        kept = [column / norm for column in columns if (norm := float(np.linalg.norm(column))) > 0]
        if kept:
            basis, lengths = np.linalg.qr(np.stack(kept, axis=1))
            # Controls that say the same count once.
            self._basis = basis[:, np.abs(np.diag(lengths)) > 1e-9]
        else:
            self._basis = np.zeros((len(controls[0]) if controls else 0, 0))

    def of(self, values: Floats, order: Whole | None = None) -> Floats:
        """Ranks of the values, less their mean and what the controls explain."""
        ranks = ranked(values, order)
        ranks -= (len(ranks) + 1) / 2.0
        if self._basis.shape[1]:
            ranks -= self._basis @ (self._basis.T @ ranks)
        return ranks


def correlation(a: Floats, b: Floats) -> float:
    """NaN when either does not vary."""
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 1e-9 * len(a) else float("nan")
