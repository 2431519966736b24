"""Which facts were folded before: venues and reconnects deliver some twice."""

from typing import Final

import msgspec

SEEN_MAX: Final = 8_192


class Seen(msgspec.Struct):
    """Remembers the newest keys; the oldest are forgotten."""

    keys: dict[str, bool] = {}

    def again(self, key: str) -> bool:
        """Whether this key came before; remembers it."""
        if key in self.keys:
            return True
        self.keys[key] = True
        if len(self.keys) > SEEN_MAX:
            del self.keys[next(iter(self.keys))]
        return False
