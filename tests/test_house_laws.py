"""Laws of the whole house over random markets that really trade: safety, money, and the same answer every time."""

import hashlib
import random
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from random_market import ROSTER, eager_settings, random_market

from liqbot.blocks import EventBlock
from liqbot.commands import Command, PlaceOrder, Purpose
from liqbot.engine import Engine, Step
from liqbot.events import Event, Fill, PositionLiquidated
from liqbot.instruments import Side
from liqbot.ledger import LedgerWriter, sqlite_url, unexplained_usd
from liqbot.risk.decision import Approved, Target
from liqbot.risk.limits import LEVERAGE_CEILING
from liqbot.signals.strategies import avoid_liquidity
from liqbot.signals.strategies.avoid_liquidity import in_cluster
from paper.exchange import PaperExchange
from paper.sessions.assembly import engine_of, exchange_of, opening_facts
from paper.sessions.listings import paper_instruments
from paper.sessions.sim_loop import SimLoop

BARS = 500
KEY = ("binance", "BTC")


@dataclass
class Lawful:
    """An observer that holds every answer of the engine against the promises."""

    settings: object
    entered: set[int] = field(default_factory=set)
    fills: int = 0
    liquidated: int = 0
    digest: object = field(default_factory=hashlib.sha256)

    @property
    def approvals(self) -> int:
        return len(self.entered)

    def __call__(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        del seq
        self.digest.update(step.encoded())
        self.fills += sum(isinstance(fact, Fill) for fact in block.facts)
        self.liquidated += sum(isinstance(fact, PositionLiquidated) for fact in block.facts)
        for decision in step.decisions:
            if isinstance(decision, Approved) and decision.target.decision_id not in self.entered:
                self.entered.add(decision.target.decision_id)
                self._entry(decision.target, engine)
        self._protected(engine)

    def _entry(self, target: Target, engine: Engine) -> None:
        (view,) = engine.views
        sign = int(target.side)
        assert 1 <= target.leverage <= min(LEVERAGE_CEILING, self.settings.risk.leverage_max)
        assert sign * (target.stop_price - target.liquidation_price) > 0, "the stop lies behind our own liquidation"
        own = float(target.liquidation_price)
        avoid = self.settings.signals.of(avoid_liquidity.STRATEGY)
        assert not in_cluster(target.side, own, view, avoid)
        assert view.map.density_percentile(target.side, own) <= avoid.density_percentile_max

    def _protected(self, engine: Engine) -> None:
        """After every reaction: a live or in-flight reduce-only stop (or exit) of the position's side, before its own
        liquidation price."""
        book = engine.order_manager.book(*KEY)
        for position in engine.account.positions:
            guards = book.live(Purpose.STOP, Purpose.EXIT)
            assert guards, f"unprotected: {position}"
            for order in guards:
                assert order.side is position.side
                trigger_price = order.command.trigger_price
                if trigger_price is not None and position.liquidation_price is not None:
                    sign = int(position.side)
                    assert sign * (trigger_price - position.liquidation_price) > 0


def lawful_house(seed: int, *observers: object) -> tuple[SimLoop, Lawful, PaperExchange, Engine]:
    settings = eager_settings(seed)
    listed = paper_instruments("binance", ("BTC",))
    exchange = exchange_of(settings, ROSTER, listed)
    engine = engine_of(settings, ROSTER, "abcdef", listed)
    lawful = Lawful(settings)
    house = SimLoop(engine, exchange, observers=(lawful, *observers))
    house.open(
        opening_facts(settings, ROSTER, exchange, journal_id="abcdef", time_ms=1, instruments=listed, mode="paper")
    )
    return house, lawful, exchange, engine


def split(block: EventBlock, seed: int) -> list[EventBlock]:
    """The same clock step in two parts, cut at random within every kind."""
    chance = random.Random(seed)
    cuts = {kind: chance.randint(0, len(block.rows(kind))) for kind in ("bars", "marks", "liquidations")}
    first = {kind: block.rows(kind)[:cut] for kind, cut in cuts.items()}
    rest = {kind: block.rows(kind)[cut:] for kind, cut in cuts.items()}
    return [
        EventBlock(**first, backfilled=block.backfilled),
        msgspec.structs.replace(block, **rest),
    ]


def traded(seed: int) -> tuple[Lawful, PaperExchange, Engine]:
    house, lawful, exchange, engine = lawful_house(seed)
    for block in random_market(seed, BARS):
        house.step(block)
    return lawful, exchange, engine


@pytest.mark.drawn(singly=True, dear=True)
@pytest.mark.parametrize(
    "seeds", [pytest.param(range(3), id="three"), pytest.param(range(3, 15), id="more", marks=pytest.mark.long)]
)
def test_every_promise_holds_over_random_markets_that_really_trade(
    seeds: range, capsys: pytest.CaptureFixture[str]
) -> None:
    approvals = fills = liquidated = 0
    for seed in seeds:
        lawful, exchange, engine = traded(seed)
        held = exchange.accounts.holding(KEY)
        position = engine.account.position(*KEY)
        assert (held is None) == (position is None), seed
        assert engine.account.wallet_usd("binance") == exchange.wallet("binance").wallet_usd, seed
        approvals += lawful.approvals
        fills += lawful.fills
        liquidated += lawful.liquidated
    with capsys.disabled():
        print(f"\nseeds {seeds.start}..{seeds.stop - 1}: {approvals} approvals, {fills} fills, {liquidated} liquidated")
    assert approvals >= 1.5 * len(seeds)
    assert liquidated == 0


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long), pytest.param(2, marks=pytest.mark.long)])
def test_the_ledger_explains_every_change_of_the_wallet(seed: int, tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "ledger.sqlite")
    with LedgerWriter(url, "abcdef") as ledger:
        house, lawful, exchange, _ = lawful_house(seed, ledger.observer("test"))
        for block in random_market(seed, BARS):
            house.step(block)
    assert lawful.fills > 0
    assert unexplained_usd(url) == Decimal(0)
    assert exchange.wallet("binance").wallet_usd != exchange.wallet("binance").start_usd


@pytest.mark.drawn(dear=True)
def test_splitting_clock_steps_changes_no_byte() -> None:
    seed = 3
    whole, lawful, _, engine = lawful_house(seed)
    _, _, exchange, same_engine = lawful_house(seed)

    def react(facts: tuple[Event, ...], _time_ms: int) -> tuple[Command, ...]:
        return same_engine.on_block(EventBlock(facts=facts)).commands

    for number, block in enumerate(random_market(seed, BARS)):
        step = whole.step(block)
        exchange.advance(block, react)
        early, late = split(block, number)
        assert not same_engine.on_block(early).commands
        again = same_engine.on_block(late)
        assert again.encoded() == step.encoded(), number
        for command in again.commands:
            exchange.submit(command, again.time_ms)
    assert lawful.approvals > 0
    assert engine.market.state() == same_engine.market.state()


@pytest.mark.drawn(dear=True)
def test_a_restored_engine_goes_on_as_if_nothing_had_happened() -> None:
    """Restored in the middle of a trade, and given what the first one was given since."""
    seen: list[tuple[EventBlock, Step]] = []
    house, lawful, _, engine = lawful_house(3, lambda _seq, block, step, _engine: seen.append((block, step)))
    snapshot, taken_after = b"", 0
    for block in random_market(3, BARS):
        house.step(block)
        if not snapshot and engine.account.positions:
            snapshot, taken_after = engine.snapshot(), len(seen)
    assert snapshot
    assert lawful.approvals > 0
    other = lawful_house(3)[3]
    other.restore(snapshot)
    assert other.snapshot() == snapshot
    for block, step in seen[taken_after:]:
        assert other.on_block(block).encoded() == step.encoded()
    assert other.snapshot() == engine.snapshot()


@pytest.mark.drawn(singly=True)
def test_what_forbids_entries_takes_back_those_under_way() -> None:
    """A forced close on one coin halts the account; an entry approved on that very tick is never sent after it."""
    house, lawful, _, engine = lawful_house(3)
    for block in random_market(3, BARS):
        before = lawful.approvals
        house.step(block)
        if lawful.approvals > before:
            break
    assert engine.order_manager.entry_in_flight(*KEY)
    now_ms = block.tick_ms or 0
    forced = PositionLiquidated(
        time_ms=now_ms, venue="binance", coin="BTC", side=Side.LONG, price=Decimal(50_000),
        quantity_base=Decimal("0.001"), fee=Decimal(0),
    )
    step = engine.on_block(EventBlock(facts=(forced,)))
    assert engine.account.halted
    assert not any(isinstance(one, PlaceOrder) and not one.reduce_only for one in step.commands)
    assert engine.order_manager.book(*KEY).withdrawn or not engine.order_manager.entry_in_flight(*KEY)
