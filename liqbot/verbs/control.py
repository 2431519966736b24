"""`liqbot status|pause|resume|stop|close`: commands to the house that runs on a state directory, live or simulated."""

import datetime as dt
import json
import time
from typing import Annotated, Any, Final

import typer

from liqbot import places
from liqbot.control import protocol
from liqbot.control.panic_latch import lift_panic
from liqbot.exits import Exit, ExpectedError
from liqbot.legible import counted, spelled
from liqbot.risk.ladder import WHOLE_PCT
from liqbot.risk.thin_coins import THIN_LABEL
from liqbot.verbs.options import Data, Json, Profile

Why = Annotated[str, typer.Option("--why", help="Why; goes on record.")]
WAIT_S: Final = 60.0


def status(profile: Profile = "paper", data: Data = None, as_json: Json = False) -> int:
    """Say how the running bot is doing: equity, positions and their stops, feeds, halts. Exit code 6 without one."""
    report = protocol.request(places.data_dir(data, profile), {"verb": "status"})
    print(json.dumps(report, indent=2) if as_json else status_text(report))
    return Exit.OK


def pause(why: Why = "", profile: Profile = "paper", data: Data = None, as_json: Json = False) -> int:
    """Enter nothing new; stops and exits go on. Lasts over restarts, until resume."""
    return _report(protocol.request(places.data_dir(data, profile), {"verb": "pause", "why": why}), as_json=as_json)


def resume(why: Why = "", profile: Profile = "paper", data: Data = None, as_json: Json = False) -> int:
    """Lift a pause, a halt, a drawdown latch or a panic. Without a running bot the next start begins resumed."""
    directory = places.data_dir(data, profile)
    try:
        return _report(protocol.request(directory, {"verb": "resume", "why": why}), as_json=as_json)
    except ExpectedError as error:
        if error.exit_code != Exit.NOT_FOUND or not places.journal_path(directory).exists():
            raise
    lift_panic(directory)
    protocol.write_latch(directory, protocol.RESUME, time_ms=time.time_ns() // 1_000_000, why=why or "by hand")
    return _report({"ok": True, "said": "no bot is running: the next start begins resumed"}, as_json=as_json)


def stop(
    flatten: Annotated[bool, typer.Option("--flatten", help="Close every position first.")] = False,
    profile: Profile = "paper",
    data: Data = None,
    as_json: Json = False,
) -> int:
    """End the running bot in order. Without --flatten a position stays, with its stop at the venue."""
    command = {"verb": "stop", "flatten": flatten, "wait_s": WAIT_S}
    reply = protocol.request(places.data_dir(data, profile), command, timeout_s=WAIT_S + 10)
    _report(reply, as_json=as_json)
    return Exit.OK if reply["stopping"] else Exit.FAILED


def close(
    coin: Annotated[
        str | None, typer.Argument(metavar="[COIN]", help="This coin's position alone; entries go on.")
    ] = None,
    why: Why = "",
    profile: Profile = "paper",
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Close every position at market now and enter nothing more until resume; or that of COIN alone.

    Exit code 1 until flat. With COIN an entry under way in it is taken back too, and new ones may come.
    """
    command = {"verb": "close", "coin": coin, "why": why, "wait_s": WAIT_S}
    reply = protocol.request(places.data_dir(data, profile), command, timeout_s=WAIT_S + 10)
    _report(reply, as_json=as_json)
    return Exit.OK if reply["flat"] else Exit.FAILED


def move_stop(
    coin: Annotated[str, typer.Argument(metavar="COIN", help="Whose stop.")],
    price: Annotated[
        str, typer.Argument(metavar="PRICE", help="Where to, in prices of the market that is traded in.")
    ],
    why: Why = "",
    profile: Profile = "paper",
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Move the stop of an open position nearer, never away. Exit code 1 where it may not go there or is not confirmed.

    Rounded to the venue's tick toward the entry. Refused: farther than the stop is, beyond our own liquidation price,
    on the wrong side of the mark. It is trailed on from there.
    """
    command = {"verb": "move-stop", "coin": coin, "stop_price": price, "why": why, "wait_s": WAIT_S}
    reply = protocol.request(places.data_dir(data, profile), command, timeout_s=WAIT_S + 10)
    _report(reply, as_json=as_json)
    return Exit.OK if reply["moved"] else Exit.FAILED


def _report(reply: dict[str, Any], *, as_json: bool = False) -> int:
    print(json.dumps(reply, indent=2) if as_json else spelled(reply["said"]))
    return Exit.OK


def status_text(report: dict[str, Any]) -> str:
    head = (
        f"liqbot {report['version']}, mode {report['mode']} on {report['trade_venue']}, up {report['up_s']} s, "
        f"equity {float(report['equity_usd']):,.2f} USD, {report['drawdown_pct']:.2f} % below its highest"
    )
    lines = [head]
    if report["halt_code"] or report["halted"]:
        lines.append(f"HALTED    {report['halted'] or report['halt_code']}")
    lines += _ladder(report.get("ladder"))
    for name, reason in report["strategies_disabled"].items():
        lines.append(f"STRATEGY  {name} is disabled: {reason}; liqbot resume lifts it")
    if report["journal_trouble"]:
        lines.append(f"JOURNAL   {report['journal_trouble']}")
    lines += [f"OBSERVER  {name}: {trouble}" for name, trouble in report["observers"]["trouble"].items()]
    if report["log_lines_dropped"]:
        lines.append(f"LOG       {report['log_lines_dropped']:,} lines were dropped: nobody reads stderr")
    lines += [line for held in report["positions"] for line in _position(held)]
    lines.append(_naked(report["naked"]))
    for coin in report["coins"]:
        read = "account read" if coin["reconciled"] else "account NOT read"
        if coin.get("foreign_base"):
            lines.append(f"NOT OURS  {coin['foreign_base']} {coin['coin']}: left alone; liqbot adopt takes it over")
        lines.append(
            f"{coin['coin']:<9} mark {coin['mark_price']:,.1f}, {coin['age_ms']} ms old, "
            f"{counted(coin['live_venues'], 'venue')} live, tick {coin['tick_age_ms']} ms ago, {read}"
        )
        lines += [*_restraints(coin), *_mark(coin), *_reported_positions(coin)]
    lines += _from_outside(report)
    lines += [f"{venue:<9} {_counted(stats)}" for venue, stats in report["feeds"].items()]
    account = report["account_told"]
    lines += _outlook(account) if account else []
    if account and (account["answers_malformed"] or account["messages_malformed"]):
        lines.append(f"ACCOUNT   of {report['trade_venue']}: {_counted(account)}")
    return "\n".join(map(spelled, lines))


def _restraints(coin: dict[str, Any]) -> list[str]:
    """Why entries of a coin are refused or made smaller, apart from its price."""
    missing = ", ".join(coin.get("core_venues_missing", ()))
    return [
        *([f"MISSING   {coin['coin']}: nothing is entered while {missing} is silent"] if missing else []),
        *([f"CAUTION   {coin['coin']}: {coin['caution']}"] if coin.get("caution") else []),
        *([f"BLACKOUT  {coin['coin']}: nothing is entered, {coin['blackout']} UTC"] if coin.get("blackout") else []),
        *([f"THIN      {coin['coin']}: {THIN_LABEL}"] if coin.get("thin_coin") else []),
    ]


def _position(held: dict[str, Any]) -> list[str]:
    """As the venue has it and, in a test market, as the map does."""
    stop_price, mapped = held["stop_price"] or "NONE", held.get("in_map")
    line = (
        f"position  {held['side']} {held['quantity_base']} {held['coin']} at {held['entry_price']}, "
        f"stop {stop_price}{'' if held['protected'] else ' (NOT PROTECTED)'}, "
        f"liquidation {held['liquidation_price'] or '-'}"
    )
    if not mapped:
        return [line]
    return [line, f"          on the map at {mapped['entry_price']}, liquidation {mapped['liquidation_price'] or '-'}"]


def _mark(coin: dict[str, Any]) -> list[str]:
    """The test market's mark against production's; nothing where orders rest in the map's own market."""
    mark = coin.get("mark")
    if mark is None:
        return []
    refused = f"; nothing is entered: {mark['refusal']}" if mark["refusal"] else ""
    if mark["ratio"] is None:
        return [f"MARK      {coin['coin']}: how the test market compares is not known yet{refused}"]
    head = f"{'MARK' if refused else 'mark':<9} {coin['coin']} {mark['trading_price']:,.1f} in the test market"
    line = (
        f"{head} against {mark['map_price']:,.1f}: prices of the map times {mark['ratio']:.6g}, off by "
        f"{mark['deviation_pct']:.2f} % of {mark['deviation_pct_max']:g} % allowed, {mark['age_ms'] / 1000:.0f} s ago"
    )
    return [line + refused]


def bias_text(one: dict[str, Any]) -> str:
    """A direction that was given, and by whom; a bot of a version before does not say why."""
    until = dt.datetime.fromtimestamp(one["until_ms"] / 1_000, dt.UTC)
    why = f" ({one['why']})" if one.get("why") else ""
    return f"{one['coin']} {one['side']} until {until:%Y-%m-%d %H:%M} UTC{why}"


def _from_outside(report: dict[str, Any]) -> list[str]:
    """Directions that hold, and what came to the webhook; nothing from a bot of a version without them."""
    lines = [f"bias      {bias_text(one)}" for one in report.get("biases", ())]
    webhook = report.get("webhook")
    lines += [] if webhook is None else [f"webhook   {_counted(webhook)}"]
    chat = report.get("chat")
    return lines if chat is None else [*lines, f"chat      {_counted(chat)}"]


def _reported_positions(coin: dict[str, Any]) -> list[str]:
    """What venues make known of open positions; nothing from a bot of a version without it."""
    shares = [
        f"told      {one['venue']}: {one['long_share']:.0%} of {coin['coin']} longs, {one['short_share']:.0%} of "
        f"shorts, {one['age_ms'] / 1000:,.0f} s ago"
        for one in coin.get("told", ())
    ]
    shares += [f"apart     {_apart(one)}" for one in coin.get("apart", ())]
    return shares + [f"whale     {one['venue']} {coin['coin']} {one['position']}" for one in coin.get("whales", ())]


def _apart(one: dict[str, Any]) -> str:
    """What is not right with a venue's prices, quote or feeds."""
    found = [f"price {one['accord']}, newest used {one['mark_price']:,.6g}"] if one["accord"] else []
    if one.get("trust_weight", 1.0) != 1.0:
        found.append(f"counts with {one['trust_weight']:.2f}")
    if one["quote_ratio"] != 1.0:
        found.append(f"a {one['quote']} is worth {one['quote_ratio']:.4f} USD")
    if one["down"]:
        reasons = one.get("reasons") or [""] * len(one["down"])
        found += [f"{feed} down ({why})" for feed, why in zip(one["down"], reasons, strict=True)]
    return f"{one['venue']}: {'; '.join(found)}"


def _ladder(ladder: dict[str, Any] | None) -> list[str]:
    """Nothing from a bot of a version without it."""
    lines: list[str] = []
    if ladder is None:
        return lines
    if ladder["override"]:
        lines.append(f"LADDER    overridden with the words {ladder['override']!r}; missing: {ladder['missing']}")
    if ladder["size_pct"] < WHOLE_PCT:
        until = dt.datetime.fromtimestamp(ladder["capped_until_ms"] / 1_000, dt.UTC)
        lines.append(f"ladder    first week: entries at {ladder['size_pct']:g} % of their size until {until:%F %R} UTC")
    return lines


def _outlook(account: dict[str, Any]) -> list[str]:
    """What is near; nothing from a bot of a version that does not tell."""
    lines = [
        f"ADL       {coin}: rank {rank} of 5 to be deleveraged for others' losses"
        for coin, rank in account.get("adl_ranks", {}).items()
    ]
    left = account.get("key_days_left")
    return lines if left is None else [*lines, f"key       ends in {left:,.1f} days"]


def _naked(naked: dict[str, int]) -> str:
    """Time without a full stop, by the venue's clock."""
    now = f"NAKED     for {naked['now_ms']:,} ms now; " if naked["now_ms"] else "naked     not now; "
    return (
        f"{now}last position {naked['last_ms']:,} ms, p99 {naked['p99_ms']:,} ms, at most {naked['max_ms']:,} ms of "
        f"{counted(naked['positions'], 'position')}; limit {naked['limit_ms']:,} ms"
    )


def _counted(stats: dict[str, Any]) -> str:
    """Counts, then whatever text there is beside them."""
    counts = [f"{value:,} {name}" for name, value in stats.items() if isinstance(value, int)]
    texts = [f"{name}: {value}" for name, value in stats.items() if value and not isinstance(value, int)]
    return ", ".join((*counts, *texts))
