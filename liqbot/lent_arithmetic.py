"""How this process reckons, lent to code of the user's own: what it sets of that is gone when it returns.

The precision of decimals and what numpy raises are one setting for everybody. A strategy that rounds to five digits for
itself would round our money, and one that wants its divisions by zero raised would end the fold of the market.
"""

import contextlib
import decimal
import warnings
from collections.abc import Iterator

import numpy as np


@contextlib.contextmanager
def lent_arithmetic() -> Iterator[None]:
    """Around a call."""
    with decimal.localcontext(), np.errstate():
        yield


@contextlib.contextmanager
def lent_at_load() -> Iterator[None]:
    """Around the running of a file, while nothing else runs: what becomes of warnings too."""
    with warnings.catch_warnings(), lent_arithmetic():
        yield
