"""Which verbs exist: the one table a new verb is added to, and the entry point through which other packages add theirs.

A package registers a table of the same shape under the entry-point group `liqbot.verbs`
(`paper = "paper.verbs:VERBS"`). Tables are read at every start, so the module holding one imports nothing heavy.
"""

import importlib
import importlib.metadata
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from liqbot.exits import Exit, ExpectedError

ENTRY_POINT_GROUP: Final = "liqbot.verbs"


class Verb(NamedTuple):
    """`target` is "module:name" of a function with typer annotations, or of a `typer.Typer` with sub-verbs."""

    target: str
    summary: str
    first: str = ""
    """"module:name" of what is called with the verb's words before its module is imported: for what cannot wait."""


VERBS: Final[Mapping[str, Verb]] = {
    "start": Verb(
        "liqbot.verbs.start:start", "trade on a test network, a demo account, or with money",
        first="liqbot.runtime.earlier_process:look",
    ),
    "doctor": Verb("liqbot.verbs.doctor:doctor", "check machine, books, clocks, key, margin mode and the stop"),
    "record": Verb("liqbot.verbs.record:record", "write the live market into a journal, without orders"),
    "status": Verb("liqbot.verbs.control:status", "say how the running bot is doing"),
    "pause": Verb("liqbot.verbs.control:pause", "enter nothing new; stops and exits go on"),
    "resume": Verb("liqbot.verbs.control:resume", "lift a pause, a halt or a panic"),
    "stop": Verb("liqbot.verbs.control:stop", "end the running bot in order, flat if asked"),
    "close": Verb("liqbot.verbs.control:close", "close every position now, or that of one coin"),
    "move-stop": Verb("liqbot.verbs.control:move_stop", "move the stop of an open position nearer"),
    "panic": Verb("liqbot.verbs.panic:panic", "be flat now, with or without a running bot"),
    "adopt": Verb("liqbot.verbs.adopt:adopt", "show and take over what an earlier journal left on the account"),
    "bias": Verb("liqbot.verbs.bias:app", "give the running bot a direction, or show it"),
    "replay": Verb("liqbot.verbs.replay:replay", "prove that a journal decides the same again"),
    "config": Verb("liqbot.verbs.config:app", "write example profiles, show the effective configuration, check it"),
    "venues": Verb("liqbot.verbs.venues:venues", "list venues: data, forced orders, margin tiers, test access"),
    "trades": Verb("liqbot.verbs.trades:trades", "show our trades: gross, fees and funding apart"),
    "decisions": Verb("liqbot.verbs.decisions:decisions", "show what strategies said and what risk said to it"),
    "explain": Verb("liqbot.verbs.explain:explain", "explain one decision, from its inputs to its outcome"),
    "pnl": Verb("liqbot.verbs.pnl:pnl", "show profit and loss by day and by strategy"),
    "report": Verb("liqbot.verbs.report:report", "report on the last day: trades, costs, refusals, map, feeds"),
    "export": Verb("liqbot.verbs.export:export", "write fills, funding and trades as CSV"),
    "incident": Verb("liqbot.verbs.incident:incident", "collect what somebody on call needs, without secrets"),
    "alert": Verb("liqbot.verbs.alert:alert", "say when a large cluster comes near"),
    "map": Verb("liqbot.verbs.map:liquidation_map", "show where positions would be force-closed, around the mark"),
    "picture": Verb("liqbot.verbs.picture:app", "draw maps, decisions, equity and the map's record into PNG or SVG"),
    "page": Verb("liqbot.verbs.page:page", "serve the live page and its JSON on this machine alone"),
    "check": Verb("liqbot.verbs.check:check", "say where your own liquidation would sit and how dense it is there"),
    "db": Verb("liqbot.verbs.db:app", "upgrade, back up and check journal and ledger"),
}


def all_verbs() -> dict[str, Verb]:
    """Own verbs first, then those of installed packages; a name taken twice is an installation error."""
    verbs = dict(VERBS)
    for entry in sorted(importlib.metadata.entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name):
        for name, verb in entry.load().items():
            if name in verbs:
                raise ExpectedError(f"verb {name!r} of {entry.value} is already taken", Exit.FAILED)
            verbs[name] = verb
    return verbs


def named(target: str) -> Any:
    """What "module:name" names."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def command_of(name: str, verb: Verb) -> Any:
    """The verb as typer's command, made from its module, which is imported here and not before."""
    import typer  # here: the program's own help needs none of it

    target = named(verb.target)
    if isinstance(target, typer.Typer):
        app = target
    else:
        app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        app.command(name, help=target.__doc__ or verb.summary)(target)
    return typer.main.get_command(app)
