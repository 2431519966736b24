"""The book of a search: what was tried and what came of it, kept with Optuna in a SQL database.

Only finished candidates are written, each once, so that a search that was killed goes on with the rest, and whoever
else writes to the same database does no harm. Optuna's own tools (its dashboard among them) read it.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.samplers import TPESampler
from optuna.trial import TrialState, create_trial

from liqbot.exits import Exit, ExpectedError
from paper.research.search_space import SearchSpace, key_of
from paper.research.walks import Walked

_WALKED = "walked"
_MADE_FROM = "made_from"


class Tried(msgspec.Struct, frozen=True):
    """A finished candidate: its parameters, what it is judged by on the training tapes, and its trades on each."""

    candidate: dict[str, Any]
    value: float
    walked: dict[str, Walked]
    """By tape."""


class SearchBook:
    """One search in a database. ExpectedError (database) when that cannot be opened, or holds another search under the
    same name."""

    def __init__(self, storage: str, name: str, made_from: str) -> None:
        """`made_from`: digest of tapes, settings and code; results of another one are never mixed with these."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            self._study = optuna.create_study(
                storage=storage, study_name=name, direction="maximize", load_if_exists=True
            )
        except Exception as error:  # noqa: BLE001 -- whatever the database's driver raises
            raise ExpectedError(f"--storage {storage}: {' '.join(str(error).split())}", Exit.DATABASE) from None
        known = self._study.user_attrs.get(_MADE_FROM)
        if known is None:
            self._study.set_user_attr(_MADE_FROM, made_from)
        elif known != made_from:
            raise ExpectedError(
                f"--study {name}: was begun with other tapes, settings or code; give another name, or delete it",
                Exit.DATABASE,
            )

    def tried(self) -> dict[str, Tried]:
        """By key; the first of several that are alike."""
        found: dict[str, Tried] = {}
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            walked = msgspec.json.decode(trial.user_attrs[_WALKED], type=dict[str, Walked])
            value = trial.value if trial.value is not None else float("-inf")
            found.setdefault(key_of(trial.params), Tried(dict(trial.params), value, walked))
        return found

    def add(self, one: Tried, space: SearchSpace) -> None:
        """Only parameters that the candidate names have a distribution."""
        kinds = {
            dimension.name: CategoricalDistribution(dimension.values) for dimension in space.dimensions
            if dimension.name in one.candidate
        }  # fmt: skip
        self._study.add_trial(
            create_trial(
                params=one.candidate, distributions=dict(kinds), value=one.value,
                user_attrs={_WALKED: msgspec.json.encode(one.walked).decode()},
            )
        )


def suggested(space: SearchSpace, seed: int) -> Iterator[tuple[dict[str, Any], "Told"]]:
    """Candidates without end, each after what was told of the ones before (a tree-structured Parzen estimator): tell
    it a value before the next is asked for. The same seed and values, the same candidates."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=TPESampler(seed=seed, multivariate=False))
    while True:
        trial = study.ask()
        candidate = {
            dimension.name: trial.suggest_categorical(dimension.name, dimension.values)
            for dimension in space.dimensions
        }
        told = Told()
        yield candidate, told
        study.tell(trial, told.value)


class Told(msgspec.Struct):
    """What a suggested candidate was worth."""

    value: float = 0.0
