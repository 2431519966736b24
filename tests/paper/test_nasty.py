"""The nasty ones by name: each begins in the middle of a trade of the whole house, under all laws of simulation."""

from decimal import Decimal

import pytest

from liqbot import events
from liqbot.commands import Command, OrderKind, PlaceOrder, Purpose
from liqbot.execution.client_order_id import sequence_of
from liqbot.execution.order_lifecycle import OrderState
from liqbot.venues.registry import protection_of
from paper.simulate.invariants import Laws
from paper.simulate.journal import MemoryJournal
from paper.simulate.link import CommandFate
from paper.simulate.link_faults import CODES, Hangs, Nonsense, OnOrder, Storm
from paper.simulate.naked_time import NAKED_MS_MAX, NakedTime
from paper.simulate.probe import Probe
from paper.simulate.scenario import Scenario

SEEDS = (3, 5, 6)
STEPS_MAX = 400
REFUSALS = sorted({
    *CODES, "NO_PRICE", "INVALID", "WOULD_TRIGGER", "POST_ONLY", "PRICE_BAND", "OPPOSITE_POSITION", "LEVERAGE_TIER",
    "MAINTENANCE", "-2019", "-1021", "10004", "51008",
})


class Sent(Probe):
    """Every command that left."""

    def __init__(self) -> None:
        self.commands: list[Command] = []

    def sending(self, command: Command) -> None:
        self.commands.append(command)

    def placed(self, *purposes: Purpose) -> list[PlaceOrder]:
        return [one for one in self.commands if isinstance(one, PlaceOrder) and one.purpose in purposes]


class Scene:
    """A scenario without any planned trouble, watched by the laws."""

    def __init__(self, seed: int) -> None:
        self.scenario = Scenario(seed)
        self.laws, self.sent = Laws(self.scenario), Sent()
        self.naked = NakedTime(self.scenario, self.laws)
        self.scenario.probes += [self.laws, self.naked, self.sent]
        self.scenario.open()

    @property
    def held(self):
        return self.scenario.exchange.accounts.holding(self.scenario.key)

    @property
    def stops(self) -> list[PlaceOrder]:
        resting = self.scenario.exchange.accounts.resting(self.scenario.key)
        return [one.command for one in resting if one.command.kind is OrderKind.STOP_MARKET]

    def until(self, condition, steps_max: int = STEPS_MAX) -> None:
        for _ in range(steps_max):
            if condition():
                return
            self.scenario.step()
        raise AssertionError("it never came to that")

    def in_a_trade(self) -> "Scene":
        """Open, under a confirmed stop, nothing on its way."""
        book = self.scenario.engine.order_manager.book(*self.scenario.key)
        calm = lambda: self.scenario.link.quiet and all(one.confirmed for one in book.live())  # noqa: E731
        self.until(lambda: self.held is not None and calm())
        assert self.stops
        return self

    def settled(self) -> None:
        self.scenario.calm_down()
        self.scenario.tell((events.Flatten(time_ms=self.scenario.now_ms, reason="the end"),))
        self.until(lambda: self.scenario.quiet)
        self.scenario.reconcile()
        self.laws.settled()


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("code", REFUSALS)
def test_an_exit_is_tried_until_it_is_taken_whatever_the_code_of_refusal(code):
    scene = Scene(3).in_a_trade()
    side = scene.held.side
    refusals = OnOrder(lambda: None, (CommandFate(refused=code),) * 4, (Purpose.EXIT,))
    scene.scenario.link.troubles.append(refusals)
    scene.scenario.tell((events.Flatten(time_ms=scene.scenario.now_ms, reason="enough"),))
    while scene.held is not None:
        assert scene.stops, "the stop stays until the position has gone"
        scene.scenario.step()
        assert scene.scenario.steps < STEPS_MAX
    exits = scene.sent.placed(Purpose.EXIT)
    assert len(exits) == 5
    assert len({one.client_id for one in exits}) == 5
    assert all(one.reduce_only and one.side is side for one in exits)
    scene.settled()


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("seed", SEEDS)
def test_forty_seconds_of_suspension_while_the_stop_fills(seed):
    scene = Scene(seed).in_a_trade()
    scenario, before = scene.scenario, len(scene.sent.commands)
    (stop,) = scene.stops
    scenario.asleep_until_ms = scenario.now_ms + 40_000
    scenario.market.push(float(stop.trigger_price) * (1 - stop.side * 0.001))
    while scenario.now_ms < scenario.asleep_until_ms - 5_000:
        scenario.step()
        assert len(scene.sent.commands) == before, "who sleeps says nothing"
    assert scene.held is None
    woken_ms = scenario.asleep_until_ms
    scene.until(lambda: scenario.now_ms >= woken_ms)
    orders = scenario.engine.order_manager.book(*scenario.key).orders
    fate = next(one.state for one in orders if one.client_id == stop.client_id)
    assert fate is OrderState.FILLED
    position = scenario.engine.account.position(*scenario.key)
    assert position is None or position.opened_ms >= woken_ms
    late = [one for one in scene.sent.commands[before:] if isinstance(one, PlaceOrder) and one.reduce_only]
    assert not [one for one in late if one.decision_id == stop.decision_id], "there is nothing left to protect"
    scene.settled()


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_database_is_deleted_with_a_position_open(seed):
    scene = Scene(seed).in_a_trade()
    scenario, old_id = scene.scenario, scene.scenario.journal.journal_id
    size, stops = scene.held.quantity_base, scene.stops
    scenario.rebirth, scenario.down_ms = "fresh", 20_000
    scenario.die()
    assert scenario.journal.journal_id != old_id
    before = len(scene.sent.commands)
    for _ in range(15):
        scenario.step()
    new = scene.sent.commands[before:]
    assert not [one for one in new if isinstance(one, PlaceOrder)], "nothing is placed beside what is not ours"
    account = scenario.engine.account
    assert account.position(*scenario.key) is None
    if scene.held is not None:
        assert scene.held.quantity_base == size
        assert scene.stops == stops, "its stop is left alone"
        assert abs(account.holding(*scenario.key).unexplained_base) == size
    scene.until(lambda: scene.held is None and not scene.stops)
    scene.until(lambda: scene.held is not None)
    assert sequence_of(scene.stops[0].client_id, scenario.journal.journal_id) if scene.stops else True
    scene.settled()


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("arrived", [False, True], ids=["never sent", "sent"])
@pytest.mark.parametrize("seed", SEEDS)
def test_an_upgrade_with_an_entry_in_flight(seed, arrived):
    """The process ends with the intent on disk, before or after its order left; the next version replays everything."""
    scene = Scene(seed)
    scenario = scene.scenario

    class Axe(Probe):
        def answered(self, _block, step, _engine) -> None:
            entries = [one for one in step.commands if isinstance(one, PlaceOrder) and one.purpose is Purpose.ENTRY]
            if entries and not scenario.restarts:
                scenario.rebirth = "replay"
                scenario.link.switches.kill_after = int(arrived)
                if arrived:
                    scenario.link.switches.kill_after = len(step.commands)
                    scenario.journal.doomed = "append"

    scenario.probes.append(Axe())
    scene.until(lambda: scenario.restarts == 1)
    scenario.probes.pop()
    book = scenario.engine.order_manager.book(*scenario.key)
    (entry,) = [one for one in book.orders if one.purpose is Purpose.ENTRY and one.live] or [book.orders[-1]]
    scene.until(lambda: all(not one.on_the_way for one in book.orders) and scenario.link.quiet)
    sent = [one.client_id for one in scene.sent.placed(Purpose.ENTRY)]
    assert len(sent) == len(set(sent)), "no id leaves twice"
    fate = next(one.state for one in book.orders if one.client_id == entry.client_id)
    if arrived:
        assert sent.count(entry.client_id) == 1
        assert fate in (OrderState.FILLED, OrderState.CANCELLED), "what had not filled yet is withdrawn"
    else:
        assert sent.count(entry.client_id) == 0
        assert fate is OrderState.MISSING
    scene.settled()


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("seed", SEEDS)
def test_forty_percent_are_withdrawn_and_fees_are_paid_in_another_coin(seed):
    scene = Scene(seed).in_a_trade()
    scenario, venue = scene.scenario, scene.scenario.key[0]
    scenario.exchange.accounts.entries.fee_coin = "BNB"
    scenario.exchange.accounts.entries.fee_coin_price = Decimal(600)
    before_usd = scenario.engine.account.equity_usd
    free_usd = scenario.exchange.accounts.available_usd(venue)
    amount_usd = min(scenario.exchange.wallet(venue).wallet_usd * Decimal("0.4"), free_usd)
    scenario.link.post(scenario.exchange.transfer(venue, -amount_usd, scenario.now_ms))
    scenario.step()
    drawdown = scenario.engine.account.drawdown
    assert amount_usd > before_usd / 4
    assert drawdown.daily_loss_pct < 2.0
    assert [drawdown.daily_latched, drawdown.weekly_latched, drawdown.peak_latched] == [False] * 3
    assert abs(scenario.engine.account.equity_usd - (before_usd - amount_usd)) < before_usd / 50
    entries = len(scene.sent.placed(Purpose.ENTRY))
    scene.until(lambda: len(scene.sent.placed(Purpose.ENTRY)) >= entries + 2)
    scene.settled()
    assert scenario.exchange.accounts.entries.fee_coin_spent[venue] > 0
    assert scenario.engine.account.wallet_usd(venue) == scenario.exchange.wallet(venue).wallet_usd


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_storm_of_refusals_with_a_stop_still_to_place(seed):
    scene = Scene(seed)
    scenario = scene.scenario

    class AtTheFill(Probe):
        storm_ms = 0

        def seeing(self, happened) -> None:
            entered = any(isinstance(fact, events.Fill) and not fact.reduces for fact in happened.facts)
            if entered and not self.storm_ms:
                self.storm_ms = scenario.now_ms
                scenario.link.troubles.append(Storm(scenario.now_ms + 30_000, "RATE_LIMITED"))

    at_the_fill = AtTheFill()
    scenario.probes.append(at_the_fill)
    scene.until(lambda: at_the_fill.storm_ms > 0)
    scene.until(lambda: scenario.now_ms > at_the_fill.storm_ms + 30_000)
    scene.until(lambda: scene.held is None or bool(scene.stops), 30)
    assert scenario.now_ms - at_the_fill.storm_ms < 60_000
    scene.settled()


@pytest.mark.drawn(singly=True)
def test_a_stuck_disk_stops_entries_and_nothing_else():
    scene = Scene(3).in_a_trade()
    scenario = scene.scenario
    assert isinstance(scenario.journal, MemoryJournal)
    scenario.journal.stuck, scenario.journal_stuck_until_ms = True, 10**15
    entries = len(scene.sent.placed(Purpose.ENTRY))
    scenario.tell((events.Flatten(time_ms=scenario.now_ms, reason="enough"),))
    scene.until(lambda: scene.held is None, 20)
    scenario.tell((events.Resume(time_ms=scenario.now_ms, reason="go on"),))
    for _ in range(60):
        scenario.step()
    assert len(scene.sent.placed(Purpose.ENTRY)) == entries
    scenario.journal.stuck = False
    scene.until(lambda: len(scene.sent.placed(Purpose.ENTRY)) > entries)
    scene.settled()


BARE_SEEDS = (4, 5, 22)
"""On venues where no stop rides on the entry."""


class AtFill(Probe):
    """Does something once, as an entry fills and before the house hears of it."""

    def __init__(self, deed) -> None:
        self._deed, self.done = deed, False

    def seeing(self, happened) -> None:
        if not self.done and any(isinstance(fact, events.Fill) and not fact.reduces for fact in happened.facts):
            self.done = True
            self._deed()


def at_the_first_fill(seed: int, deed) -> Scene:
    """With whatever it does under way, and the position that was open then looked at to its end."""
    scene = Scene(seed)
    assert seed not in BARE_SEEDS or protection_of(scene.scenario.key[0]).attached is None
    probe = AtFill(lambda: deed(scene.scenario))
    scene.scenario.probes.append(probe)
    scene.until(lambda: probe.done)
    return scene


def longest_naked_ms(scene: Scene) -> int:
    scene.settled()
    assert scene.naked.positions_ms, "a position was open"
    return max(scene.naked.positions_ms)


def hanging_stop(scenario: Scenario) -> None:
    """The request for the next stop hangs until it has expired."""
    scenario.link.troubles.append(Hangs(lambda: None, 30_000, (Purpose.STOP,)))


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("seed", BARE_SEEDS)
def test_asked_to_end_between_fill_and_stop_it_ends_under_a_stop(seed):
    def end(scenario: Scenario) -> None:
        hanging_stop(scenario)
        scenario.end_in_order(90_000)

    scene = at_the_first_fill(seed, end)
    scenario = scene.scenario
    scene.until(lambda: scenario.restarts == 1)
    assert scene.held is None or scene.laws.covered_base(scene.held) >= scene.held.quantity_base
    assert longest_naked_ms(scene) <= NAKED_MS_MAX + 1_200


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("seed", BARE_SEEDS)
def test_a_disk_that_hangs_between_fill_and_stop_delays_the_stop_by_its_limit_alone(seed):
    def hang(scenario: Scenario) -> None:
        scenario.journal.hanging = True
        scenario.journal_stuck_until_ms = scenario.now_ms + 69_000

    scene = at_the_first_fill(seed, hang)
    scene.until(lambda: not scene.scenario.journal.hanging)
    assert longest_naked_ms(scene) <= NAKED_MS_MAX


@pytest.mark.parametrize("seed", BARE_SEEDS)
def test_a_full_disk_between_fill_and_stop_delays_nothing(seed):
    def fill(scenario: Scenario) -> None:
        scenario.journal.full = True
        scenario.journal_stuck_until_ms = scenario.now_ms + 30_000

    scene = at_the_first_fill(seed, fill)
    scene.until(lambda: not scene.scenario.journal.full)
    assert longest_naked_ms(scene) <= NAKED_MS_MAX


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("seed", BARE_SEEDS)
def test_a_stop_whose_request_hangs_until_it_expires_has_a_successor_in_time(seed):
    scene = at_the_first_fill(seed, hanging_stop)
    assert longest_naked_ms(scene) <= NAKED_MS_MAX + 1_200
    assert scene.sent.placed(Purpose.STOP, Purpose.EXIT)[1:], "another one, or the position left"


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("seed", SEEDS)
def test_an_account_that_cannot_be_read_is_not_taken_for_flat(seed):
    scene = Scene(seed).in_a_trade()
    scenario = scene.scenario
    scenario.link.troubles.append(Nonsense(scenario.now_ms + 60_000))
    scenario.reconcile_at_ms = scenario.now_ms
    until_ms = scenario.now_ms + 60_000
    while scenario.now_ms < until_ms and scene.held is not None:
        scenario.step()
        assert scene.held is None or scene.laws.covered_base(scene.held) >= scene.held.quantity_base
    scene.settled()
