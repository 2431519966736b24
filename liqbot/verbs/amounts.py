"""Sums of money as people type them."""

import math
import re
from typing import Final

from liqbot.exits import Exit, ExpectedError

_TIMES: Final = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}


def usd_of(text: str, option: str) -> float:
    """`50000`, `50k`, `$1.5M`, `2B`; anything else, and nothing, is a usage error."""
    found = re.fullmatch(r"\$?\s*(\d+(?:[_,]\d{3})*(?:\.\d+)?|\.\d+)\s*([kKmMbB]?)", text.strip())
    amount_usd = 0.0 if found is None else float(re.sub("[_,]", "", found[1])) * _TIMES[found[2].lower()]
    if not 0 < amount_usd < math.inf:
        raise ExpectedError(f"{option} {text!r}: a positive amount of USD, as in 50000, 50k or 1.5M", Exit.USAGE)
    return amount_usd
