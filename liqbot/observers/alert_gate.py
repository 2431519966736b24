"""How often alerts are told: switches, repeats, an hour's worth, quiet hours."""

import datetime as dt
from collections.abc import Iterable
from typing import Final

from liqbot.observers.alert_rules import NOT_URGENT, Alert
from liqbot.settings.alerts import AlertParams

_HOUR_MS: Final = 3_600_000


class AlertGate:
    """Lets an alert pass or not: switches, repeats, an hour's worth, quiet hours. Counts on the alerts' own times."""

    def __init__(self, params: AlertParams) -> None:
        self._params = params
        self._repeat_ms = int(params.repeat_min * 60_000)
        self._passed: dict[tuple[str, str], int] = {}
        """By code and what it is about: when it was told last."""
        self._hour: list[int] = []
        self.held_back = 0
        """Not told for the limit an hour or for quiet hours, since something was told."""

    def passes(self, alert: Alert) -> bool:
        """Whether it is to be told; asked once for each."""
        if alert.code in self._params.off:
            return False
        key = alert.code, alert.about
        told_ms = self._passed.get(key)
        if alert.about and told_ms is not None and alert.time_ms - told_ms < self._repeat_ms:
            return False
        self._hour = [ms for ms in self._hour if alert.time_ms - ms < _HOUR_MS]
        if alert.code in NOT_URGENT and (len(self._hour) >= self._params.hourly_max or self._is_quiet(alert.time_ms)):
            self.held_back += 1
            return False
        self._hour.append(alert.time_ms)
        self._passed[key] = alert.time_ms
        for old in [one for one, ms in self._passed.items() if alert.time_ms - ms >= max(self._repeat_ms, _HOUR_MS)]:
            del self._passed[old]
        return True

    def noted(self, alert: Alert) -> Alert:
        """With a word on what was held back before it."""
        held, self.held_back = self.held_back, 0
        return alert._replace(text=f"{alert.text} ({held} others were held back)") if held else alert

    def _is_quiet(self, time_ms: int) -> bool:
        begin, end = self._params.quiet_from, self._params.quiet_until
        if not begin or begin == end:
            return False
        now = dt.datetime.fromtimestamp(time_ms / 1_000, dt.UTC).strftime("%H:%M")
        return begin <= now < end if begin < end else now >= begin or now < end

def told(alerts: Iterable[Alert], gate: AlertGate) -> list[Alert]:
    """Those that pass."""
    return [gate.noted(alert) for alert in alerts if gate.passes(alert)]
