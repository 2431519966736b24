"""Our money as an engine keeps it, for observations that no engine made."""

import msgspec

from liqbot.ledger import Observation
from liqbot.risk.account import Account
from liqbot.risk.limits import RiskLimits


class KeptAccount:
    """Takes the facts of observations in their order and completes each with what the books answered."""

    def __init__(self) -> None:
        self.account = Account(RiskLimits())

    def complete(self, observation: Observation, *, equity: bool = False) -> Observation:
        """With `equity` also what the account is worth."""
        self.account.begin_block()
        for fact in observation.facts:
            self.account.on_fact(fact)
        if observation.views:
            self.account.on_tick(observation.time_ms, observation.views)
        return msgspec.structs.replace(
            observation, changes=self.account.changes, cash=self.account.cash,
            equity_usd=self.account.equity_usd if equity else observation.equity_usd,
        )
