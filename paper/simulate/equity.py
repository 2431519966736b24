"""The true result of an account in a simulation: what the exchange says, deposits and withdrawals taken out."""

from decimal import Decimal
from typing import Final

from liqbot import events
from liqbot.risk.drawdown import Drawdown
from liqbot.risk.limits import RiskLimits
from paper.exchange.exchange import Happened
from paper.simulate.scenario import Scenario

_ONE: Final = Decimal(1)
_DAY_MS: Final = 86_400_000


class TrueEquity:
    """Value of one unit of the account, as a fund counts it, and its deepest fall."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._value = self._highest = _ONE
        self._worst_pct = 0.0
        self._day, self._day_value = -1, _ONE
        self._before_usd: Decimal | None = None
        self._flows_usd = Decimal(0)

    def forget(self) -> None:
        """A new journal knows no past."""
        self._value = self._highest = _ONE
        self._worst_pct, self._before_usd, self._day = 0.0, None, -1

    def saw(self, happened: Happened) -> None:
        self._flows_usd += sum(
            (fact.amount_usd for fact in happened.facts if isinstance(fact, events.Transfer)), Decimal(0)
        )

    def stepped(self) -> None:
        now_usd = self._equity_usd()
        if self._before_usd is not None and self._before_usd + self._flows_usd > 0:
            self._value *= now_usd / (self._before_usd + self._flows_usd)
        self._before_usd, self._flows_usd = now_usd, Decimal(0)
        day = self._scenario.now_ms // _DAY_MS
        if day > self._day:
            self._day, self._day_value = day, self._value
        self._highest = max(self._highest, self._value)
        self._worst_pct = max(self._worst_pct, float((self._highest - self._value) / self._highest * 100))

    @property
    def lost_today_pct(self) -> float:
        """Since the UTC day began, or this journal if that was later."""
        if self._day_value <= 0 or self._scenario.now_ms // _DAY_MS > self._day:
            return 0.0
        return float((self._day_value - self._value) / self._day_value * 100)

    def _equity_usd(self) -> Decimal:
        venue, coin = self._scenario.key
        held = self._scenario.exchange.accounts.holding(self._scenario.key)
        wallet_usd = self._scenario.exchange.wallet(venue).wallet_usd
        if held is None:
            return wallet_usd
        mark_price = Decimal(str(self._scenario.exchange.quote(venue, coin).mark_price))
        return wallet_usd + held.side * (mark_price * held.quantity_base - held.cost_usd)

    def false_latch(self, drawdown: Drawdown, limits: RiskLimits) -> str:
        """Why a latch that holds has no loss to show for it; empty when all is well. Inside a bar equity may have been
        lower than at its end, so only a latch far from any loss counts."""
        latched = (
            (drawdown.daily_latched, limits.daily_loss_pct_max),
            (drawdown.weekly_latched, limits.weekly_loss_pct_max),
            (drawdown.peak_latched, limits.drawdown_pct_max),
        )
        for holds, limit_pct in latched:
            if holds and self._worst_pct < limit_pct / 2:
                return f"latched at {limit_pct} % with a true loss of at most {self._worst_pct:.2f} %"
        return ""
