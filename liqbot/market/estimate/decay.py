"""How running sums forget."""

from typing import Final

_HOUR_MS: Final = 3_600_000.0
_LN2: Final = 0.693


def fading(elapsed_ms: float, half_life_h: float) -> float:
    """What is left of a running sum after `elapsed_ms`.

    A rational stand-in of 2 ** (-elapsed / half-life), so that a replay gives the same bytes on any machine.
    """
    return 1.0 / (1.0 + _LN2 * elapsed_ms / (half_life_h * _HOUR_MS))


def fading_per_hour(half_life_h: float) -> float:
    """`fading` of what is counted once an hour."""
    return fading(_HOUR_MS, half_life_h)
