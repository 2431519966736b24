"""Which facts about our money were folded before: venues and reconnects deliver some twice."""

from typing import Final

import msgspec

from liqbot.events import Fill, FundingPaid, MoneyFact

REMEMBERED_MAX: Final = 8_192
"""How many ids any memory of them keeps. More than any venue delivers again after a reconnect."""


class RecentIds(msgspec.Struct):
    """Remembers the newest ids; the oldest are forgotten. Constant time whatever it holds."""

    keys: dict[str, bool] = {}

    def is_repeat(self, key: str) -> bool:
        """Whether this id came before; remembers it."""
        if key in self.keys:
            return True
        self.keys[key] = True
        if len(self.keys) > REMEMBERED_MAX:
            del self.keys[next(iter(self.keys))]
        return False


def identity_of(fact: Fill | MoneyFact) -> str:
    """What distinguishes this fact from all others of its kind: the venue's id of it, within one account. Without one,
    everything it says; but a funding payment is identified by time and amount, because its rate may be published
    later."""
    where = f"{fact.account} {fact.venue} {fact.coin}".strip()
    if isinstance(fact, Fill):
        return f"fill {where} {fact.fill_id}"
    if fact.event_id:
        return f"{type(fact).__name__} {where} {fact.event_id}"
    if isinstance(fact, FundingPaid):
        return f"FundingPaid {where} at {fact.time_ms}: {fact.amount_usd}"
    return repr(fact)
