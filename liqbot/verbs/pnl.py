"""`liqbot pnl`: what was won and lost, by day and by strategy."""

from liqbot.review import queries
from liqbot.review.ledger_reader import Ledger, ledger_place
from liqbot.review.tables import print_json, print_rows, text_of
from liqbot.verbs.options import Data, Json, LedgerDb, Profile


def pnl(db: LedgerDb = None, data: Data = None, profile: Profile = "paper", as_json: Json = False) -> None:
    """Show profit and loss by day and by strategy, the deepest drawdown, and what no row explains (0 is right)."""
    with Ledger(ledger_place(db, data, profile)) as ledger:
        found = queries.pnl(ledger)
    if as_json:
        print_json(found)
        return
    print_rows(found["days"], queries.DAY_COLUMNS, empty="no fills and no funding yet")
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
        f"{text_of(total['funding_usd'])}, net {text_of(total['net_usd'])} USD; {len(found['open'])} open"
        + (f"; fees of {total['fees_not_valued']} fills not valued" if total["fees_not_valued"] else "")
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
