"""The names a configuration may use, read off its model: which exist, which are secret, which is nearest to a typo."""

import difflib
import functools
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

Path = tuple[str, ...]
ANY_NAME: Final = "*"
"""Stands for the free key of a mapping, as in `keys.*.secret`."""


def leaves(model: type[BaseModel], prefix: Path = ()) -> Iterator[tuple[Path, FieldInfo]]:
    """Every single value of the model in the order it is declared."""
    for name, field in model.model_fields.items():
        path = (*prefix, name)
        inner = _entry_model(field.annotation)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaves(field.annotation, path)
        elif inner is not None:
            yield from leaves(inner, (*path, ANY_NAME))
        else:
            yield path, field


def _entry_model(annotation: Any) -> type[BaseModel] | None:
    """The model of a mapping's entries; None for anything else."""
    if get_origin(annotation) not in (dict, Mapping):
        return None
    entry = get_args(annotation)[-1]
    return entry if isinstance(entry, type) and issubclass(entry, BaseModel) else None


class Names:
    """All legal names of one model."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._leaves = dict(leaves(model))
        self._beginnings = {leaf[:depth] for leaf in self._leaves for depth in range(len(leaf) + 1)}
        self._secrets = [leaf for leaf, field in self._leaves.items() if _is_secret(field.annotation)]

    def known(self, path: Path) -> bool:
        """Whether `path` names a value, a section on the way to one, or an entry of a free mapping value."""
        return path in self._beginnings or any(
            _fits(path, leaf) or self._inside_mapping(path, leaf) for leaf in self._leaves
        )

    def secret(self, path: Path) -> bool:
        return any(len(path) == len(leaf) and _fits(path, leaf) for leaf in self._secrets)

    def number(self, path: Path) -> bool:
        """Whether it names a number, or several."""
        held = (leaf for leaf in self._leaves if len(path) == len(leaf) and _fits(path, leaf))
        inside = (leaf for leaf in self._leaves if self._inside_mapping(path, leaf))
        return any(_is_number(self._leaves[leaf].annotation) for leaf in (*held, *inside))

    def nearest(self, path: Path) -> Path | None:
        """The legal name most like `path`, of the same depth where there is one."""
        candidates = {}
        for leaf in self._leaves:
            for depth in range(1, len(leaf) + 1):
                cut = tuple(
                    path[i] if name == ANY_NAME and i < len(path) else name for i, name in enumerate(leaf[:depth])
                )
                candidates[".".join(cut)] = cut
        word = ".".join(path)
        same_depth = [name for name, cut in candidates.items() if len(cut) == len(path)]
        found = difflib.get_close_matches(word, same_depth, n=1) or difflib.get_close_matches(word, candidates, n=1)
        return candidates[found[0]] if found else None

    def _inside_mapping(self, path: Path, leaf: Path) -> bool:
        is_mapping = get_origin(self._leaves[leaf].annotation) in (dict, Mapping)
        return is_mapping and len(path) == len(leaf) + 1 and _fits(path[:-1], leaf)


@functools.cache
def names_of(model: type[BaseModel]) -> Names:
    """Read off once for each model: a model has hundreds of values, and nothing about them changes."""
    return Names(model)


def _fits(path: Path, leaf: Path) -> bool:
    return len(path) <= len(leaf) and all(a in (b, ANY_NAME) or b == ANY_NAME for a, b in zip(path, leaf, strict=False))


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or SecretStr in get_args(annotation)


def _is_number(annotation: Any) -> bool:
    parts = get_args(annotation)
    return annotation in (float, int) or (bool not in parts and any(_is_number(part) for part in parts))
