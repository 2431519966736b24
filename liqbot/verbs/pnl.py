"""`liqbot pnl`: what was won and lost, by day and by strategy."""

from typing import Any

from liqbot.legible import counted
from liqbot.review import queries
from liqbot.review.tables import print_json, print_rows, text_of
from liqbot.verbs.next_command import Books
from liqbot.verbs.options import Data, Json, LedgerDb, Profile
from liqbot.verbs.period import Day, Since, Until, period_of, why_empty


def pnl(
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
    since: Since = None,
    until: Until = None,
    day: Day = None,
    as_json: Json = False,
) -> None:
    """Show profit and loss by day and by strategy, the deepest drawdown, and what no row explains (0 is right).

    Counts whole UTC days: --since and --until take in the day they fall on.
    """
    with Books(db, data, profile).ledger() as ledger:
        period = period_of(ledger, since, until, day)
        found = queries.pnl(ledger, period)
        empty = why_empty(ledger, period, "fills and no funding", filtered=False)
    if as_json:
        print_json(found)
        return
    _show(found, empty)


def _show(found: dict[str, Any], empty: str) -> None:
    print_rows(found["days"], queries.DAY_COLUMNS, empty=empty)
    if found["strategies"]:
        print()
        print_rows(found["strategies"], queries.STRATEGY_COLUMNS, empty="")
    if found["fees_other"]:
        print("\nfees in other currencies; what is not valued is in no sum above or below:")
        print_rows(found["fees_other"], queries.FEE_COLUMNS, empty="")
    print()
    total, deepest = found["total"], found["drawdown_max"]
    print(
        f"total: gross {text_of(total['gross_usd'])}, fees {text_of(total['fees_usd'])}, funding "
        f"{_funding(found)}, net {text_of(total['net_usd'])} USD; {len(found['open'])} open"
        + (f"; fees of {counted(total['fees_not_valued'], 'fill')} not valued" if total["fees_not_valued"] else "")
    )
    naked = found["naked"]
    if naked["trades"]:
        print(
            f"without a full stop: {naked['p99_ms']:,} ms (p99), {naked['max_ms']:,} ms at most, of {naked['trades']} "
            "trades"
        )
    if deepest is not None:
        share = "" if deepest["drawdown_pct"] is None else f" ({deepest['drawdown_pct']:.2f} %)"
        print(f"deepest drawdown: {text_of(deepest['drawdown_usd'])} USD{share} at {text_of(deepest['time'])}")
    if found["equity_usd"] is not None:
        print(f"equity: {text_of(found['equity_usd'])} USD; unexplained: {found['unexplained_usd']:.6f} USD")


def _funding(found: dict[str, Any]) -> str:
    """A market that tells no funding is no market without funding."""
    return text_of(found["total"]["funding_usd"]) if found["funding_payments"] else "none was told"
