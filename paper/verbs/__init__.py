"""The verbs that pretend (simulated venues, tapes, backtests), added to the `liqbot` command by entry point.

Only the table lives here, because it is read at every start; each verb's module is imported when it is called.
"""

from collections.abc import Mapping
from typing import Final

from liqbot.verbs.table import Verb

VERBS: Final[Mapping[str, Verb]] = {
    "backtest": Verb("paper.verbs.backtest:backtest", "run the whole house over a tape and report"),
    "exchange": Verb("paper.verbs.exchange:app", "serve the simulated exchange in the venues' own protocols"),
    "lookahead": Verb("paper.verbs.lookahead:lookahead", "show that no decision on a tape knows the future"),
    "observe": Verb("paper.verbs.observe:observe", "watch what price does at clusters, without orders"),
    "optimize": Verb("paper.verbs.optimize:optimize", "search parameters of strategies, with guards against luck"),
    "paper": Verb("paper.verbs.paper:paper", "run the bot with simulated fills on a simulated market or a tape"),
    "score": Verb("paper.verbs.score:score", "score the map on a tape, beside every baseline"),
    "simulate": Verb("paper.verbs.simulate:simulate", "run the whole house under seeded faults and check its laws"),
    "tape": Verb("paper.verbs.tape:app", "look at, check, import and export tapes"),
}
