"""Which facts about our money were folded before: venues and reconnects deliver some twice."""

from typing import Final

import msgspec

from liqbot.events import Fill, FundingPaid, MoneyFact

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


def identity_of(fact: Fill | MoneyFact) -> str:
    """What tells this fact from all others of its kind: the venue's id of it. Without one, everything it says; but a
    funding payment is told by time and amount, because its rate may be published after it."""
    if isinstance(fact, Fill):
        return f"fill {fact.venue} {fact.coin} {fact.fill_id}"
    if fact.event_id:
        return f"{type(fact).__name__} {fact.venue} {fact.coin} {fact.event_id}"
    if isinstance(fact, FundingPaid):
        return f"FundingPaid {fact.venue} {fact.coin} at {fact.time_ms}: {fact.amount_usd}"
    return repr(fact)
