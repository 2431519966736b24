"""`Scenario`: one seed's market, exchange, link, journal and house, with the clock that moves them and the ways a
process can end and come back."""

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from liqbot import __version__
from liqbot.blocks import EventBlock, Roster
from liqbot.commands import Command, PlaceOrder, Purpose
from liqbot.engine import Engine, Step
from liqbot.events import Event, FeedDown, FeedUp
from liqbot.execution.client_order_id import sequence_of
from liqbot.execution.order_lifecycle import OrderState
from liqbot.observers.observer import OnStep
from liqbot.risk.account import ACCOUNT_FEED
from liqbot.risk.limits import LEVERAGE_CEILING
from liqbot.runtime import assembly
from liqbot.runtime.assembly import Parts
from liqbot.runtime.ending import Unsettled
from paper.exchange.accounts import name_of
from paper.exchange.exchange import Happened
from paper.exchange.quotes import Key
from paper.sessions.assembly import exchange_of, instruments_of, seeded_journal_id
from paper.simulate import edge
from paper.simulate.books import RunningLedger
from paper.simulate.both_markets import BothMarkets
from paper.simulate.journal import Killed, MemoryJournal
from paper.simulate.link import Link
from paper.simulate.market import WildMarket
from paper.simulate.operator import Operator
from paper.simulate.orderly_end import OrderlyEnd
from paper.simulate.patient_loop import PatientLoop
from paper.simulate.practice_prices import PracticePrices
from paper.simulate.probe import Probe
from paper.simulate.profile import COIN, wide_open

FINE_MS: Final = 1_000
WATCHFUL_MS: Final = 5_000
CALM_MS: Final = 60_000
CALM_BESIDE_MS: Final = 20_000
"""The same in a test market: its mark must be compared often enough to be known."""
WARM_MS: Final = 300_000
WARM_BLOCKS: Final = 40
PAST_BLOCKS: Final = 80
RECONCILE_MS: Final = 120_000
READ_AGAIN_MS: Final = 2_000
SNAPSHOT_EVERY: Final = 64

Distort = Callable[[EventBlock, int], EventBlock]


class Scenario:
    """Deterministic by seed. `probes` are called in order."""

    def __init__(self, seed: int, ledger: RunningLedger | None = None, *, in_test_market: bool = False) -> None:
        """With `ledger` its house keeps that one. `in_test_market`: orders rest in a market of other prices."""
        self.seed, self.ledger = seed, ledger
        # The text is part of what a seed means: changed, every seed would be another scenario.
        self.chance = random.Random(f"stage {seed}")  # noqa: S311 - not a secret
        self.practice = PracticePrices(seed) if in_test_market else None
        self.settings = wide_open(self.chance, {} if self.practice is None else self.practice.limits)
        self.roster = Roster(self.settings.venues, (COIN,))
        self.market = WildMarket(self.chance, self.roster)
        self.markets = BothMarkets(self.market, self.practice)
        self.listed = instruments_of(self.settings, self.roster)
        self.exchange = exchange_of(self.settings, self.roster, self.listed)
        self.link = Link(self.exchange, self.chance, self._sending, self._seeing, self._ours)
        self.key: Key = (self.settings.trade_venue, COIN)
        self.probes: list[Probe] = []
        self.operator = Operator(self)
        self.journal = self._new_journal(seeded_journal_id(seed))
        self.house = self._house(self.new_engine())
        self.steps = 0
        self.started_ms = self.market.now_ms
        self.distortions: list[tuple[int, Distort]] = []
        """(until, how): what the house is told of the market instead of the truth."""
        self.halted_until_ms = 0
        """The traded venue is down for maintenance: nothing trades there and it says nothing."""
        self.asleep_until_ms = 0
        self.down_ms = self.lost_records = 0
        """How long the process stays away when it ends next, and what of its journal goes with it."""
        self.rebirth = "snapshot"
        """How the next process starts: `snapshot`, `replay` (another version) or `fresh` (the database is gone)."""
        self.alive = True
        self.ending: OrderlyEnd | None = None
        """Somebody asked the process to end."""
        self.restarts = self._jumped_ms = self.ahead_ms = 0
        """`ahead_ms`: the house's clock has jumped ahead by so much; its Ticks never go back."""
        self.had_foreign = self._unread = False
        """What a lost journal had open was closed by hand; the stream is back, and nothing sensible was read yet."""
        self._backlog, self._past, self._stops = list[EventBlock](), list[EventBlock](), set[str]()
        self.reconcile_at_ms = self._stream_back_ms = self.journal_stuck_until_ms = self._watched_until_ms = 0
        self.tampered_ms = 0
        """When somebody changed leverage by hand; 0: nobody did, or the position has gone since."""

    # --- what is ---------------------------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        return self.link.now_ms

    @property
    def engine(self) -> Engine:
        return self.house.engine

    @property
    def simulated_ms(self) -> int:
        return self.market.now_ms - self.started_ms

    @property
    def quiet(self) -> bool:
        """Flat, no order of ours anywhere, nothing on its way; what is not ours may stay."""
        accounts, ours = self.exchange.accounts, self.journal.journal_id
        resting = [one for one in accounts.resting(self.key) if sequence_of(one.command.client_id, ours) is not None]
        flat = accounts.holding(self.key) is None or self.operator.closes_foreign
        return flat and not resting and self.link.quiet and not self.engine.order_manager.book(*self.key).live()

    def watch_closely(self, for_ms: int) -> None:
        """In small steps, whatever moves or does not."""
        self._watched_until_ms = self.now_ms + for_ms

    def is_stop(self, client_id: str) -> bool:
        """Whether we sent this order as a stop."""
        return client_id in self._stops

    def span_ms(self) -> int:
        """Small steps while something moves, large ones while nothing does."""
        book = self.engine.order_manager.book(*self.key)
        unsettled = any(order.state is not OrderState.WORKING for order in book.live())
        if unsettled or book.pending() or book.exposure or book.closing or not self.link.quiet:
            return FINE_MS
        if self.house.steps_waiting or self.ending is not None or self.now_ms < self._watched_until_ms:
            return FINE_MS
        calm_ms = CALM_MS if self.practice is None else CALM_BESIDE_MS
        if self.asleep_until_ms - self.now_ms > calm_ms:
            return calm_ms
        troubled = self.link.impeded or bool(self.distortions) or self.reconcile_at_ms <= self.now_ms + WATCHFUL_MS
        if troubled or self.now_ms < max(self.halted_until_ms, self.asleep_until_ms):
            return WATCHFUL_MS
        return calm_ms

    # --- what happens ----------------------------------------------------------------------------------------------

    def open(self) -> None:
        """History, then a house that knows who it is."""
        self.link.now_ms = self.market.now_ms
        self._start_facts(self._opening())
        for _ in range(WARM_BLOCKS):
            self._advance(self.markets.block(WARM_MS, backfilled=True))
        self.operator.lean()

    def step(self) -> None:
        """One clock step of whatever length fits."""
        self.steps += 1
        halted = 0 if self.now_ms < self.halted_until_ms else None
        self._advance(self.markets.block(self.span_ms(), halted=halted))
        self._end_troubles()
        self.distortions = [one for one in self.distortions if self.now_ms < one[0]]
        self.operator.look()
        if self.ending is not None and self.now_ms >= self.asleep_until_ms:
            self.ending.look()
        if self.now_ms >= self.reconcile_at_ms and self.link.switches.up and self.now_ms >= self.asleep_until_ms:
            self.reconcile()
        kept_seq = self.journal.snapshots[-1][0] if self.journal.snapshots else 0
        if self.engine.is_recorded and self.journal.last_seq - kept_seq >= SNAPSHOT_EVERY:
            self.journal.keep_snapshot(self.engine)
        if self.ledger is not None:
            self.ledger.turn()
        for probe in self.probes:
            probe.stepped()

    def _end_troubles(self) -> None:
        """What is over is over; the edge notices soon that it can hear again, and reads everything."""
        now_ms = self.now_ms
        over = [one for one in self.link.troubles if one.over(now_ms)]
        if any(one.impedes for one in over):
            self.reconcile_at_ms = min(self.reconcile_at_ms, now_ms + self.chance.randint(0, 5_000))
        self.link.troubles = [one for one in self.link.troubles if one not in over]
        if self._stream_back_ms and now_ms >= self._stream_back_ms and now_ms >= self.asleep_until_ms:
            self._stream_back_ms = 0
            self.stream_is_back()
        if not self.journal.writes and now_ms >= self.journal_stuck_until_ms:
            self._disk_is_back()
        accounts = self.exchange.accounts
        if accounts.holding(self.key) is None and accounts.entries.leverages[name_of(self.key)] <= LEVERAGE_CEILING:
            self.tampered_ms = 0

    def _advance(self, told: EventBlock) -> None:
        self.link.truth = self.markets.where_orders_rest(told)
        seen = told
        for _, distort in self.distortions:
            seen = distort(seen, self.link.switches.skew_ms)
        self._remember(told)
        if told.tick_ms is not None and told.tick_ms < self.asleep_until_ms:
            self._backlog.append(seen)
            self.link.live_on(listening=True)
            return
        self.link.heard_last = () if told.backfilled else self._mark_reading()
        self._alive(lambda: self._catch_up(self._as_it_believes(seen)))

    def _mark_reading(self) -> tuple[Event, ...]:
        """Of a test market, as long as the venue answers."""
        now_ms = self.market.now_ms
        answers = not (self.link.impeded or self.link.nonsense) and now_ms >= self.halted_until_ms
        return self.markets.mark_reading(self.key, now_ms + self.ahead_ms) if answers else ()

    def _as_it_believes(self, seen: EventBlock) -> EventBlock:
        """On a clock that jumped, the first Tick after that comes late by as much."""
        if not self.ahead_ms or seen.tick_ms is None:
            return seen
        lag_ms, self._jumped_ms = seen.lag_ms + self._jumped_ms, 0
        return msgspec.structs.replace(seen, tick_ms=seen.tick_ms + self.ahead_ms, lag_ms=lag_ms)

    def jump_ahead(self, jump_ms: int) -> None:
        self.ahead_ms, self._jumped_ms = self.ahead_ms + jump_ms, jump_ms

    def _disk_is_back(self) -> None:
        self.journal.stuck = self.journal.hanging = self.journal.full = False

    def _remember(self, told: EventBlock) -> None:
        """The coarse past, as a venue's history would give it to a new database."""
        if len(told.bars) and int(told.bars["span_ms"][0]) >= CALM_BESIDE_MS:
            self._past = [*self._past[1 - PAST_BLOCKS :], told]

    def _catch_up(self, seen: EventBlock) -> None:
        """After a suspension the clock steps that were missed come first, each late by what it is late."""
        while self._backlog:
            late = self._backlog.pop(0)
            lag_ms = (seen.tick_ms or 0) - (late.tick_ms or 0)
            self.house.step(msgspec.structs.replace(late, lag_ms=lag_ms))
        self.house.step(seen)

    def calm_down(self) -> None:
        """All trouble is over at once and for good; the edge reads everything."""
        self.operator.leaves()
        self.link.troubles, self.distortions = [], []
        self.link.switches.skew_ms, self.link.switches.kill_after, self.journal.doomed = 0, -1, ""
        self.halted_until_ms = self.asleep_until_ms = self._stream_back_ms = 0
        self._disk_is_back()
        self.link.hear()
        self.step()
        self.stream_is_back()

    def tell(self, facts: tuple[Event, ...]) -> None:
        """Facts that come from neither market nor link."""
        self._alive(lambda: self.house.tell(facts))

    def reconcile(self) -> None:
        facts = edge.read(self.link.reading(self.key), nonsense=self.link.nonsense)
        if not facts:
            self.reconcile_at_ms = self.now_ms + READ_AGAIN_MS
            return
        self.reconcile_at_ms = self.now_ms + RECONCILE_MS
        if self._unread:
            self._unread = False
            self.tell((FeedUp(time_ms=self.now_ms, venue=self.key[0], coin=self.key[1], feed=ACCOUNT_FEED),))
        self.tell(facts)
        for probe in self.probes:
            probe.reconciled()

    def cut_stream(self, lasts_ms: int) -> None:
        """The user stream breaks off, and the edge knows."""
        venue, coin = self.key
        down = FeedDown(time_ms=self.now_ms, venue=venue, coin=coin, feed=ACCOUNT_FEED, reason="simulated")
        self.link.post((down,))
        self.link.switches.up = False
        self._stream_back_ms = self.now_ms + lasts_ms

    def stream_is_back(self) -> None:
        """The edge knows again what is going on: it reads everything and says so."""
        self.link.switches.up, self._unread = True, True
        self.reconcile()

    def end_in_order(self, down_ms: int) -> None:
        """Somebody asks the process to end; another one starts `down_ms` after it did."""
        if self.ending is None:
            self.ending = OrderlyEnd(self, partial(self._ended, down_ms))

    def _ended(self, down_ms: int, began_ms: int, left: Unsettled) -> None:
        for probe in self.probes:
            probe.ended(left.open, began_ms)
        self.rebirth, self.down_ms, self.lost_records = "snapshot", down_ms, 0
        self.die()

    # --- life and death --------------------------------------------------------------------------------------------

    def _alive(self, act: Callable[[], Any]) -> None:
        try:
            act()
        except Killed:
            self.die()

    def die(self) -> None:
        """The process is gone with everything it had not written; after a while another one starts."""
        self.restarts += 1
        self.alive, self.ending, self.ahead_ms, self._jumped_ms = False, None, 0, 0
        self.link.switches.kill_after = -1
        self.link.forget_mail(dead=True)
        self.link.switches.up = False
        self._backlog, self.asleep_until_ms = [], 0
        self.link.live_on(listening=False)
        until_ms = self.now_ms + self.down_ms
        while self.now_ms < until_ms:
            told = self.markets.block(FINE_MS * 5)
            self.link.truth = self.markets.where_orders_rest(told)
            self._remember(told)
            self.link.live_on(listening=False)
        self.down_ms, self.link.now_ms = 0, self.now_ms + 1  # no two processes start in one millisecond
        self._rise()

    def _rise(self) -> None:
        self.link.switches.up, self._unread, self._stream_back_ms = True, False, 0
        fresh, rebirth, self.rebirth = self.rebirth == "fresh", self.rebirth, "snapshot"
        if fresh:
            self.had_foreign = True
            self.link.histories_from_ms = self.now_ms
            self.operator.finds_foreign()
            self.journal = self._new_journal(seeded_journal_id(self.seed * 1_000 + self.restarts))
            self.house = self._house(self.new_engine())
        else:
            self.journal.crash(self.lost_records)
            self.house = self._house(self._recovered(from_start=rebirth == "replay"))
        for probe in self.probes:
            probe.reborn(fresh=fresh)
        self.alive = True
        self._start_facts(self._opening(version="another" if rebirth == "replay" else __version__))
        if fresh:
            for block in self._past:
                self.house.step(msgspec.structs.replace(block, backfilled=True))
            self.operator.lean()

    def _new_journal(self, journal_id: str) -> MemoryJournal:
        journal = MemoryJournal(journal_id)
        if self.ledger is not None:
            self.ledger.begin(journal)
        return journal

    def _recovered(self, *, from_start: bool) -> Engine:
        if self.ledger is None:
            return self.journal.recovered(self.new_engine, from_start=from_start)
        self.ledger.begin(self.journal)
        return self.ledger.take(self.journal, self.new_engine, from_start=from_start)

    def _start_facts(self, facts: tuple[Event, ...]) -> None:
        self.tell(facts)
        self.reconcile()

    def _opening(self, version: str = __version__) -> tuple[Event, ...]:
        opening = assembly.opening_facts(
            self.settings, self.roster, self.journal.journal_id, self.listed, self.now_ms,
            test_market=self.practice is not None,
        )
        return tuple(
            msgspec.structs.replace(fact, version=version) if hasattr(fact, "platform") else fact for fact in opening
        )

    def new_engine(self) -> Engine:
        """Of the present journal, knowing nothing."""
        return assembly.engine_of(self.settings, self.roster, self.journal.journal_id, self.listed)

    def _house(self, engine: Engine) -> PatientLoop:
        """Put together like every other; its laws are checks, and it is given its opening by `_start_facts`."""
        checks = (self._answered,) if self.ledger is None else (self._answered, self.ledger.on_step)
        parts = Parts(
            self.settings, self.roster, self.listed, self.journal.journal_id, loop=self._loop, engine=engine,
            source="simulate", enabled=(), checks=checks,
        )  # fmt: skip
        return assembly.assembled(parts, self.market.now_ms).loop

    def _loop(self, engine: Engine, on_steps: Sequence[OnStep]) -> PatientLoop:
        return PatientLoop(engine, self.link, self.journal, lambda: self.now_ms, on_steps, self._unrecorded)

    def _ours(self, client_id: str) -> bool:
        return sequence_of(client_id, self.journal.journal_id) is not None

    # --- passing on ------------------------------------------------------------------------------------------------

    def _sending(self, command: Command) -> None:
        if isinstance(command, PlaceOrder) and command.purpose is Purpose.STOP:
            self._stops.add(command.client_id)
        elif isinstance(command, PlaceOrder) and command.stop_client_id:
            self._stops.add(command.stop_client_id)
        for probe in self.probes:
            probe.sending(command)

    def _seeing(self, happened: Happened) -> None:
        for probe in self.probes:
            probe.seeing(happened)

    def _unrecorded(self, block: EventBlock, step: Step, engine: Engine) -> None:
        self._answered(0, block, step, engine)

    def _answered(self, _seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        for probe in self.probes:
            probe.answered(block, step, engine)
