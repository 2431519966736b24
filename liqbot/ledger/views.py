"""The views a trader queries: ISO times, dollars, and plain words. A public interface, the same in both dialects."""

import re
from typing import Final

from liqbot.accounting.round_trips import BY_DELEVERAGING, BY_LIQUIDATION, BY_VENUE
from liqbot.commands import Purpose
from liqbot.risk.decision import PARTS

_ISO: Final = {
    "sqlite": r"strftime('%Y-%m-%dT%H:%M:%fZ', (\1) / 1000.0, 'unixepoch')",
    "postgresql": r"""to_char(to_timestamp((\1) / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')""",
}
_DAY: Final = {
    "sqlite": r"strftime('%Y-%m-%d', (\1) / 1000.0, 'unixepoch')",
    "postgresql": r"to_char(to_timestamp((\1) / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
}


def by_strategy(chosen: str = "") -> str:
    """The query of `v_strategy`, over the trades that are closed and `chosen` (AND ...)."""
    return f"""
        SELECT strategy, COUNT(*) AS trades, SUM(CASE WHEN net_usd > 0 THEN 1 ELSE 0 END) AS won,
            SUM(gross_usd) AS gross_usd, SUM(fees_usd) AS fees_usd, SUM(funding_usd) AS funding_usd,
            SUM(net_usd) AS net_usd, AVG(r_multiple) AS r_mean, AVG(held_min) AS held_min_mean,
            MIN(mae_usd) AS mae_usd_worst, SUM(CASE WHEN fees_other <> '' THEN 1 ELSE 0 END) AS fees_not_valued
        FROM v_trades WHERE status <> 'open' {chosen} GROUP BY strategy"""  # noqa: S608  ours


_OF_A_PART: Final = " OR ".join(f"substr(e.reason, 1, {len(code) + 1}) = '{code}:'" for code in sorted(PARTS))
_WHY: Final = r"""(
                    SELECT e.reason FROM decision e JOIN decision d ON d.id = t.decision_row
                    WHERE e.decision_id = d.decision_id AND e.kind = 'reduction' AND e.code = '\1'
                        AND NOT (e.code = 'STOP_MOVED' AND (OF_A_PART))
                        AND e.id > d.id AND e.time_ms <= t.closed_ms + 10000 ORDER BY e.id DESC LIMIT 1)"""
"""The reason of a trade's newest reduction with that code, but for those that only took a part. The clock of a venue
may be seconds off ours."""
_WHY_THERE: Final = r"""(
                    SELECT e.reason FROM decision e
                    WHERE e.kind = 'reduction' AND e.code = '\1' AND e.venue = t.venue AND e.coin = t.coin
                        AND e.side = t.side AND NOT (e.code = 'STOP_MOVED' AND (OF_A_PART))
                        AND e.time_ms BETWEEN t.opened_ms - 10000 AND t.closed_ms + 10000 ORDER BY e.id DESC LIMIT 1)"""
"""The same of a trade that no entry of ours describes, or by another decision than its entry's: what was said of that
position while it was open."""
ENDED: Final[dict[str, str]] = {
    Purpose.EXIT: "COALESCE(why[EXIT], there[EXIT], 'closed at market: no stop was confirmed over all of it in time, "
    "an entry filled too late or too large')",
    Purpose.STOP: "COALESCE(CASE WHEN t.decision_row IS NULL THEN there[STOP_MOVED] ELSE why[STOP_MOVED] END, "
    "'the first stop was reached')",
    Purpose.TAKE: "'the take was reached'",
    Purpose.ENTRY: "'an entry to the other side closed it'",
    BY_LIQUIDATION: "'the venue liquidated it'",
    BY_DELEVERAGING: "'the venue deleveraged it for the losses of others'",
    BY_VENUE: "'the venue holds it no more'",
    "unknown": "'closed by an order that these books do not know: by hand at the venue, or by panic'",
}
"""By what a trade ended (`exit_reason`): the words of it, in SQL."""
_ENDED_CASES: Final = "\n                ".join(f"WHEN '{by}' THEN {words}" for by, words in ENDED.items())
_VIEWS: Final[dict[str, str]] = {
    "v_trades": """
        SELECT t.id AS trade_id, iso[t.opened_ms] AS opened, iso[t.closed_ms] AS closed, t.status, t.venue, t.coin,
            t.strategy, t.side, nano[t.quantity_base] AS quantity_base, nano[t.entry_price] AS entry_price,
            nano[t.exit_price] AS exit_price, usd[t.gross_usd] AS gross_usd, usd[t.fees_usd] AS fees_usd,
            usd[t.funding_usd] AS funding_usd, usd[t.gross_usd - t.fees_usd + t.funding_usd] AS net_usd,
            real[t.gross_usd - t.fees_usd + t.funding_usd] / NULLIF(t.risk_usd, 0) AS r_multiple,
            usd[t.risk_usd] AS risk_usd, nano[t.initial_stop_price] AS initial_stop_price,
            nano[t.liquidation_price] AS liquidation_price, t.leverage, usd[t.mae_usd] AS mae_usd,
            usd[t.mfe_usd] AS mfe_usd, real[t.closed_ms - t.opened_ms] / 60000.0 AS held_min, t.exit_reason,
            t.decision_row AS decision, t.run_id, t.fees_other, t.account, t.naked_ms, t.mark_ratio,
            ended[t.exit_reason] AS closed_because
        FROM trade t""",
    "v_open": """
        SELECT trade_id, opened, venue, coin, strategy, side, quantity_base, entry_price, initial_stop_price,
            liquidation_price, leverage, gross_usd, fees_usd, funding_usd, mae_usd, mfe_usd, decision, fees_other
        FROM v_trades WHERE status = 'open'""",
    "v_decisions": """
        SELECT d.id AS decision, iso[d.time_ms] AS first_seen, iso[d.last_seen_ms] AS last_seen, d.count, d.kind,
            d.strategy, d.coin, d.side, d.code, d.reason, nano[d.entry_price] AS entry_price,
            nano[d.stop_price] AS stop_price, nano[d.take_price] AS take_price,
            nano[d.quantity_base] AS quantity_base, d.leverage, nano[d.liquidation_price] AS liquidation_price,
            d.liquidation_density_pct, d.map_id, d.run_id, d.mark_ratio, d.max_hold_ms
        FROM decision d""",
    "v_orders": """
        SELECT o.id AS order_row, o.client_id, iso[o.sent_ms] AS sent, iso[o.ack_ms] AS acknowledged,
            iso[o.done_ms] AS done, o.status, o.venue, o.coin, o.side, o.purpose, o.kind,
            nano[o.quantity_base] AS quantity_base, nano[o.filled_base] AS filled_base,
            nano[o.limit_price] AS limit_price, nano[o.trigger_price] AS trigger_price,
            nano[o.average_price] AS average_price, o.decision_id, o.account
        FROM "order" o""",
    "v_refusals": """
        SELECT strategy, coin, side, code, COUNT(*) AS times, SUM(count) AS ticks, iso[MIN(time_ms)] AS first_seen,
            iso[MAX(last_seen_ms)] AS last_seen
        FROM decision WHERE kind = 'entry' AND code NOT IN ('APPROVED', 'ACCEPTED', 'NO_ENTRY')
        GROUP BY strategy, coin, side, code""",
    "v_daily_pnl": """
        SELECT day, usd[SUM(gross)] AS gross_usd, usd[SUM(fees)] AS fees_usd, usd[SUM(funding)] AS funding_usd,
            usd[SUM(gross - fees + funding)] AS net_usd, SUM(closed) AS trades_closed, SUM(won) AS trades_won,
            SUM(unvalued) AS fees_not_valued
        FROM (
            SELECT day[time_ms] AS day, realised_usd AS gross, fee_usd AS fees, 0 AS funding, 0 AS closed, 0 AS won,
                CASE WHEN fee_unvalued IS NULL THEN 0 ELSE 1 END AS unvalued
            FROM fill
            UNION ALL SELECT day[time_ms], 0, 0, amount_usd, 0, 0, 0 FROM funding_payment
            UNION ALL SELECT day[closed_ms], 0, 0, 0, 1,
                CASE WHEN gross_usd - fees_usd + funding_usd > 0 THEN 1 ELSE 0 END, 0
            FROM trade WHERE closed_ms IS NOT NULL
        ) flows GROUP BY day""",
    "v_fees_other": """
        SELECT day[time_ms] AS day, fee_currency AS currency, COUNT(*) AS fills, nano[SUM(fee_other)] AS amount,
            usd[SUM(fee_usd)] AS valued_usd, nano[SUM(COALESCE(fee_unvalued, 0))] AS not_valued
        FROM fill WHERE fee_other IS NOT NULL GROUP BY day[time_ms], fee_currency""",
    "v_strategy": by_strategy(),
    "v_drawdown": """
        SELECT iso[time_ms] AS time, usd[equity_usd] AS equity_usd, usd[profit] AS profit_usd,
            usd[peak - profit] AS drawdown_usd,
            100.0 * real[peak - profit] / NULLIF(transfers_usd + peak, 0) AS drawdown_pct
        FROM (
            SELECT time_ms, equity_usd, transfers_usd, equity_usd - transfers_usd AS profit,
                MAX(equity_usd - transfers_usd) OVER (ORDER BY id) AS peak
            FROM equity
        ) curve""",
    "v_slippage": """
        SELECT o.client_id, iso[o.sent_ms] AS sent, o.venue, o.coin, o.side, o.purpose, o.kind,
            nano[o.expected_price] AS expected_price, nano[o.average_price] AS average_price,
            CASE WHEN (o.side = 'long') = (o.purpose = 'entry') THEN 1 ELSE -1 END
                * 10000.0 * real[o.average_price - o.expected_price] / NULLIF(o.expected_price, 0) AS slippage_bps,
            o.ack_ms - o.sent_ms AS acknowledged_after_ms, o.done_ms - o.sent_ms AS done_after_ms
        FROM "order" o WHERE o.average_price IS NOT NULL""",
    "v_timeline": """
        SELECT iso[time_ms] AS time, what, coin, detail FROM (
            SELECT time_ms, 'decision ' || code AS what, coin, strategy || ' ' || side || ': ' || reason AS detail
            FROM decision WHERE code = 'APPROVED' OR kind = 'reduction'
            UNION ALL SELECT e.time_ms, 'order ' || e.event, COALESCE(o.coin, ''),
                e.client_id || COALESCE(' ' || o.purpose, '')
            FROM order_event e LEFT JOIN "order" o ON o.id = e.order_id
            UNION ALL SELECT time_ms, kind, coin, side || CASE WHEN reduces THEN ' closed ' ELSE ' opened ' END
                || nano[quantity_base] || ' at ' || nano[price] FROM fill
            UNION ALL SELECT opened_ms, 'trade opened', coin, strategy || ' ' || side FROM trade
            UNION ALL SELECT closed_ms, 'trade ' || status, coin, strategy || ' ' || side || ' by ' || exit_reason
            FROM trade WHERE closed_ms IS NOT NULL
            UNION ALL SELECT time_ms, 'funding', coin, CAST(usd[amount_usd] AS TEXT) FROM funding_payment
            UNION ALL SELECT time_ms, kind, venue, CAST(usd[amount_usd] AS TEXT) FROM transfer
            UNION ALL SELECT time_ms, 'incident ' || kind, coin, severity || ': ' || detail FROM incident
        ) happened ORDER BY time_ms""",
    "v_map_calibration": """
        SELECT coin, side, density_decile, COUNT(*) AS prints, usd[SUM(size_usd)] AS realised_usd,
            usd[SUM(predicted_usd)] AS predicted_usd
        FROM liquidation WHERE density_decile IS NOT NULL GROUP BY coin, side, density_decile""",
    "v_map_score": """
        SELECT iso[time_ms] AS time, coin, skill_share, printed_ratio, usd[long_usd] AS long_usd,
            usd[short_usd] AS short_usd
        FROM map_snapshot WHERE skill_share IS NOT NULL""",
    "v_marks": """
        SELECT iso[time_ms] AS time, coin, nano[low_price] AS low_price, nano[high_price] AS high_price,
            nano[mark_price] AS mark_price
        FROM mark_minute""",
    "v_incidents": """
        SELECT iso[time_ms] AS time, severity, kind, venue, coin, detail FROM incident""",
    "v_equity": """
        SELECT iso[time_ms] AS time, usd[wallet_usd] AS wallet_usd, usd[equity_usd] AS equity_usd,
            usd[transfers_usd] AS transfers_usd, usd[unexplained_usd] AS unexplained_usd
        FROM equity""",
}
_CALL: Final = re.compile(r"\b(iso|day|usd|nano|real|why|there|ended)\[([^\[\]]*)\]")
_REAL: Final = r"CAST(\1 AS DOUBLE PRECISION)"


def views(dialect: str) -> dict[str, str]:
    """CREATE VIEW statements by name, each after those it stands on."""
    forms = {
        "iso": _ISO[dialect], "day": _DAY[dialect], "real": _REAL, "usd": f"({_REAL} / 1e6)",
        "nano": f"({_REAL} / 1e9)", "why": _WHY.replace("OF_A_PART", _OF_A_PART),
        "there": _WHY_THERE.replace("OF_A_PART", _OF_A_PART),
    }

    def spelled(body: str) -> str:
        return _CALL.sub(lambda call: forms[call[1]].replace(r"\1", call[2]), body)

    forms["ended"] = f"CASE \\1\n                {spelled(_ENDED_CASES)}\n                ELSE \\1 END"
    return {name: f"CREATE VIEW {name} AS {spelled(body).strip()}" for name, body in _VIEWS.items()}
