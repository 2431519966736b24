"""Loading of code: what it makes stays, and is not looked through for garbage while it grows."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def no_collections() -> Iterator[None]:
    """While this is entered no garbage is collected: a tenth to a fifth of what many imports cost. May be entered by
    several threads; whoever found collecting on turns it on again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
