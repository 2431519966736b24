"""Why a trade ended, for every reason there is: in the view, and in each text that a person reads."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from ledger_story import COIN, VENUE, Teller, a_fill, a_target, an_order, balance, dec, opening

import liqbot
from liqbot.accounting.round_trips import BY_ORDER
from liqbot.cli import main
from liqbot.commands import Purpose
from liqbot.events import PositionDeleveraged, PositionLiquidated
from liqbot.exits import Exit
from liqbot.instruments import Side
from liqbot.ledger import LedgerWriter, Observation
from liqbot.ledger.trades import STATUS, UNKNOWN
from liqbot.ledger.views import ENDED
from liqbot.risk.decision import PARTS, Approved, Reduction

OWN_WORD = "MOON_IS_FULL"
"""What a strategy of one's own may say."""
MOVES = {Reduction.BREAK_EVEN, Reduction.TRAIL, Reduction.STOP_BY_HAND, Reduction.ADOPTED}
CODES = [*Reduction, OWN_WORD]
_GONE = {
    "time_ms": 0, "venue": VENUE, "coin": COIN, "side": Side.LONG, "price": dec("65000"), "quantity_base": dec("0.5"),
}
FORCED = {"liquidation": PositionLiquidated(**_GONE, fee=dec("0")), "deleveraging": PositionDeleveraged(**_GONE)}


class Lives:
    """Trades one after the other, each ended in its own way."""

    def __init__(self) -> None:
        self.teller, self.count = Teller(), 0

    def entered(self) -> tuple[int, Iterator[Observation]]:
        self.count += 1
        number = self.count + 1
        entry = msgspec.structs.replace(an_order(f"e{number}", Purpose.ENTRY), decision_id=number)
        return number, iter((
            self.teller.tell(decisions=(Approved(a_target(number)),), commands=(entry,)),
            self.teller.tell(a_fill(1, f"e{number}", Side.LONG, "65600", "0.5")),
        ))

    def reduced(self, code: str) -> Iterator[Observation]:
        """By an adjustment: a part, a stop nearer that is then reached, or an exit. Of a part the first stop is the
        end."""
        number, told = self.entered()
        yield from told
        quantity = "0.2" if code in PARTS else "0.5" if code in MOVES else "0"
        target = msgspec.structs.replace(a_target(number, quantity), reason=f"{code}: for {code.lower()}")
        yield self.teller.tell(decisions=(Approved(target),))
        yield from self.left(number, Purpose.EXIT if quantity == "0" else Purpose.STOP)

    def left(self, number: int, purpose: Purpose) -> Iterator[Observation]:
        order = msgspec.structs.replace(an_order(f"{purpose}{number}", purpose), decision_id=number)
        yield self.teller.tell(commands=(order,))
        yield self.teller.tell(a_fill(2, order.client_id, Side.LONG, "65000", "0.5", reduces=True))

    def ended(self, by: str) -> Iterator[Observation]:
        """By an order alone, by one that is not ours, or by the venue."""
        number, told = self.entered()
        yield from told
        if by in FORCED:
            yield self.teller.tell(FORCED[by])
        elif by in list(Purpose):
            yield from self.left(number, Purpose(by))
        else:
            yield self.teller.tell(a_fill(2, "somebody", Side.LONG, "65000", "0.5", reduces=True))


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trades 1.. are of CODES, then come those of the ways without an adjustment."""
    folder, lives = tmp_path_factory.mktemp("ended"), Lives()
    with LedgerWriter(f"sqlite:///{folder / 'ledger.sqlite'}", "abc123") as ledger:
        ledger.observe(lives.teller.tell(*opening(), balance(0, "10000")))
        for code in CODES:
            for observation in lives.reduced(code):
                ledger.observe(observation)
        for by in _ways():
            for observation in lives.ended(by):
                ledger.observe(observation)
    return folder


def _ways() -> list[str]:
    return [by for by in ENDED if by != "mismatch"]


def asked(capsys: pytest.CaptureFixture[str], books: Path, *words: str) -> str:
    assert main([*words, "--data", str(books)]) == Exit.OK
    return capsys.readouterr().out


def test_each_way_to_end_has_its_words() -> None:
    assert set(ENDED) == {*Purpose, *STATUS, UNKNOWN}


def test_every_reason_is_told_by_its_own_words(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trades = json.loads(asked(capsys, books, "trades", "--json", "--limit", "100"))
    told = [trade["closed_because"] for trade in trades]
    assert len(told) == len(CODES) + len(_ways())
    for code, because in zip(CODES, told, strict=False):
        expected = "the first stop was reached" if code in PARTS else f"{code}: for {code.lower()}"
        assert because == expected, code
    others = dict(zip(_ways(), told[len(CODES) :], strict=True))
    assert len(set(others.values())) == len(others), "each has words of its own"
    for by, because in others.items():
        assert len(because.split()) > 1, by
        assert because not in {by, BY_ORDER}, by


@pytest.mark.drawn(singly=True)
def test_every_screen_says_it(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trades = json.loads(asked(capsys, books, "trades", "--json", "--limit", "100"))
    report = json.loads(asked(capsys, books, "report", "--json"))
    assert [one["closed_because"] for one in report["trades"]] == [one["closed_because"] for one in trades]
    short = asked(capsys, books, "report")
    assert "by order" not in short
    for trade in trades[:: len(trades) // 6]:
        for words in (("explain", f"t{trade['trade_id']}"), ("explain", f"t{trade['trade_id']}", "--full")):
            text = " ".join(asked(capsys, books, *words).split())
            assert trade["closed_because"][:50] in text, words
    by_hand = CODES.index(Reduction.CLOSED_BY_HAND) + 1
    assert "CLOSED_BY_HAND: for closed_by_hand" in asked(capsys, books, "explain", f"t{by_hand}")


def test_a_trade_without_a_decision_tells_why_it_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Closed by hand, under another decision than its entry's, which is in other books."""
    lives, gone = Lives(), msgspec.structs.replace(a_target(9, "0"), reason="CLOSED_BY_HAND: enough")
    with LedgerWriter(f"sqlite:///{tmp_path / 'ledger.sqlite'}", "abc123") as ledger:
        for told in (
            lives.teller.tell(*opening(), balance(0, "10000")),
            lives.teller.tell(a_fill(1, "former", Side.LONG, "65600", "0.5")),
            lives.teller.tell(decisions=(Approved(a_target(9)),)),
            lives.teller.tell(decisions=(Approved(gone),)), *lives.left(9, Purpose.EXIT),
        ):
            ledger.observe(told)
    (trade,) = json.loads(asked(capsys, tmp_path, "trades", "--json"))
    assert (trade["decision"], trade["closed_because"]) == (None, "CLOSED_BY_HAND: enough")
    assert main(["explain", "t1", "--data", str(tmp_path)]) == Exit.NOT_FOUND
    assert "t1: no decision of these books opened it (unknown)" in (line := capsys.readouterr().err)
    assert "ended because: CLOSED_BY_HAND: enough" in line


def test_a_part_that_was_taken_is_no_stop_that_was_moved(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = CODES.index(Reduction.PARTIAL_TAKE) + 1
    assert "a part: PARTIAL_TAKE" in asked(capsys, books, "explain", f"t{part}", "--full")
    assert "stop      moved" not in asked(capsys, books, "explain", f"t{part}")


def test_risk_gives_no_reason_that_the_enumeration_lacks() -> None:
    """Whoever adds one adds it there, and the tests above find it."""
    floor = Path(liqbot.__file__).parent
    code_at = {"Adjustment": 2, "Reason": 0}
    for path in (*(floor / "risk").glob("*.py"), floor / "engine.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in code_at:
                code = node.args[code_at[node.func.id]]
                assert not isinstance(code, ast.Constant), f"{path.name}:{node.lineno}"
