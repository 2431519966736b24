"""The report of a backtest as plain text: a headline, then tables."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from liqbot.legible import counted
from liqbot.review.progress import lasting
from paper.backtest.plain_tables import aligned, table
from paper.backtest.planned_trips import TripLine
from paper.backtest.report import BacktestReport
from paper.backtest.strategy_table import strategy_table
from paper.backtest.verdict_counts import Count
from paper.tapes.info import iso

_TRIPS_SHOWN: Final = 40
_CODES_SHOWN: Final = 8
_DAYS_MIN: Final = 3.0
"""A shorter tape lasts minutes or hours."""


def text_of(report: BacktestReport, *first: str) -> str:
    """Several paragraphs; nothing that is empty is shown as a table. `first`: what else is known of this run and must
    be read before its money."""
    parts = [
        headline(report), report.caption, _strategies(report), *first, _money(report), _trades(report.trips),
        _decisions(report), _lacks(report), _tape(report), _speed(report),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def headline(report: BacktestReport) -> str:
    """One line that answers what came of it."""
    coins = ", ".join(report.tape.coins)
    held = ", ".join(f"{one.return_pct:+.2f} % ({one.coin})" for one in report.hold) or "unknown"
    trades = report.trades.closed + report.trades.open
    outcome = f"{counted(trades, 'trade')}, {_signed(report.money.net_pct)} % net"
    days = report.tape.days
    lasts = counted(round(days), "day") if days >= _DAYS_MIN else lasting(days * 86_400)
    return f"{coins} on {report.trade_venue}, {lasts}: {outcome}; buy and hold {held}"


def _money(report: BacktestReport) -> str:
    money, stats, fall = report.money, report.trades, report.drawdown
    when = f" ({iso(fall.peak_ms)} to {iso(fall.trough_ms)})" if fall.pct else ""
    rows = [
        ("equity", f"{_usd(money.start_usd)} -> {_usd(money.end_usd)} USD ({_signed(money.net_pct)} %)"),
        ("gross", f"{_usd(money.gross_usd, plus=True)} realised, {_usd(money.unrealised_usd, plus=True)} unrealised"),
        ("costs", f"fees {_usd(-money.fees_usd, plus=True)}, funding {_usd(money.funding_usd, plus=True)}"),
        ("net", _usd(money.net_usd, plus=True)),
        ("drawdown", f"{fall.pct:.2f} %, {fall.usd:,.2f} USD at ticks{when}"),
        ("exposure", (f"{report.exposure_pct:.2f} % of the time; leverage {report.leverage_mean:.2f} on average then, "
                     f"{report.leverage_max:.2f} at most")),
        ("trades", (f"{stats.closed} closed, {stats.open} open; win rate {_or_none(stats.win_rate_pct, '%')}, "
                   f"average {_or_none(stats.r_mean, 'R')}; liquidated {counted(report.liquidated, 'time')}")),
    ]  # fmt: skip
    rows += [
        ("buy and hold", (f"{one.coin} {one.first_price:g} -> {one.last_price:g}: {one.return_pct:+.2f} %, "
                         f"drawdown {one.drawdown_pct:.2f} %"))
        for one in report.hold
    ]  # fmt: skip
    if money.fees_other:
        rows.append(("not valued", f"fees of {money.fees_other}, in no figure above"))
    if money.house_differs_usd:
        rows.append(("warning", f"the house has {money.house_differs_usd} USD more than the exchange's facts explain"))
    return aligned(rows)


def _strategies(report: BacktestReport) -> str:
    traded = {one.strategy for one in report.by_strategy}
    found = strategy_table(report.by_strategy, [name for name in report.strategies if name not in traded])
    return f"{found}\n  R: what an entry would lose at its first stop; MAE, MFE, cost (fees, funding): means in R"


def _trades(trips: Sequence[TripLine]) -> str:
    if not trips:
        return ""
    head = ("opened", "coin", "side", "strategy", "entry", "exit", "size", "net USD", "R", "ended by")
    rows = [
        (iso(trip.opened_ms), trip.coin, trip.side, trip.strategy, f"{trip.entry_price:.8g}",
         f"{trip.exit_price:.8g}" if trip.exit_price is not None else "open", f"{trip.quantity_base:.6g}",
         _usd(trip.net_usd, plus=True), _or_none(trip.r_multiple, ""), trip.exit_reason.replace("_", " ") or "open")
        for trip in trips[:_TRIPS_SHOWN]
    ]  # fmt: skip
    more = [] if len(trips) <= _TRIPS_SHOWN else [f"... and {len(trips) - _TRIPS_SHOWN} more (--json has all)"]
    return "\n".join([table(head, rows), *more])


def _decisions(report: BacktestReport) -> str:
    sides = 2 * len(report.strategies)
    lines = [
        (f"decisions: {report.weighed:,} weighings x {sides} verdicts, {report.signals:,} signals, "
        f"{report.approvals} approved")
    ]
    lines += _codes("refused by risk", report.refusals) if report.refusals else ["  refused by risk: nothing"]
    lines += _codes("verdicts, first gate that failed", [one for one in report.verdicts if one.code != "SIGNAL"])
    lines += [f"  {name} failed and entered nothing since: {why}" for name, why in report.strategies_failed.items()]
    if report.orders:
        lines.append("  orders sent: " + ", ".join(f"{name} {count}" for name, count in report.orders.items()))
    if report.orders_rejected:
        lines.append("  rejected: " + ", ".join(f"{name} {count}" for name, count in report.orders_rejected.items()))
    return "\n".join(lines)


def _codes(title: str, counts: Iterable[Count]) -> list[str]:
    by_strategy: dict[str, list[Count]] = {}
    for count in counts:
        by_strategy.setdefault(count.strategy, []).append(count)
    lines = [f"  {title} (ticks; times it came up anew):"]
    for strategy, held in by_strategy.items():
        shown = ", ".join(f"{one.code} {one.times:,} ({one.changes:,})" for one in held[:_CODES_SHOWN])
        rest = sum(one.times for one in held[_CODES_SHOWN:])
        lines.append(f"    {strategy or 'unnamed':<16} {shown}{f', others {rest:,}' if rest else ''}")
    return lines


def _lacks(report: BacktestReport) -> str:
    waived = ", ".join(report.waive) or "none"
    lines = [f"verdicts that had to do without an input (gates waived by the profile: {waived}):"]
    lines += [
        f"  {one.input:<24} gate refused {one.refused:>9,}   gate waived {one.waived:>9,}" for one in report.lacks
    ]
    if not report.lacks:
        lines.append("  none")
    return "\n".join(lines)


def _tape(report: BacktestReport) -> str:
    tape = report.tape
    lines = [f"tape: {tape.rows:,} rows, {tape.first} to {tape.last}; it lacks"]
    lines += [f"  {line}" for line in tape.lacks or ("nothing the house asks for",)]
    lines += [f"  holes: {line}" for line in tape.holes]
    lines += [f"  note: {note}" for note in tape.notes]
    return "\n".join(lines)


def _speed(report: BacktestReport) -> str:
    speed = report.speed
    lines = []
    if speed is not None:
        lines.append(
            f"{report.bars:,} bars, {report.ticks:,} ticks in {speed.seconds:.2f} s: {speed.bars_per_s:,.0f} bars/s, "
            f"{speed.rows_per_s:,.0f} rows/s, peak memory {speed.peak_memory_mb:.0f} MB"
        )
    if report.journal is not None:
        lines.append(f"journal {report.journal}" + (f", ledger {report.ledger}" if report.ledger else ""))
    return "\n".join(lines)


def _usd(amount: Decimal, *, plus: bool = False) -> str:
    return f"{amount:+,.2f}" if plus else f"{amount:,.2f}"


def _signed(number: float) -> str:
    return f"{number:+.2f}"


def _or_none(number: float | None, unit: str) -> str:
    return "none" if number is None else f"{number:.2f} {unit}".rstrip()
