"""Recorded wallets, rebuilt: when should each account have been liquidated, by its own trades, and when was it?

Reads a directory of three CSV files: trades (time, user, coin, side, px, sz), transfers (time, user, delta_usd) and
liquidations (time, user, liquidated_ntl_pos, liquidated_account_value, leverage_type). Nothing is estimated here: this
is a check of the physics on accounts whose every trade is known. Fees and funding are not in the files.
"""

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from paper.score.wallet_history import MAINTENANCE_SHARE, WalletAccount, WalletHistory
from paper.score.wallet_map import ForcedClose, ToldMap, told_map

FILES: Final = ("non_mm_trades.csv", "non_mm_ledger_updates.csv", "liquidations.csv")
_HOUR_S: Final = 3600.0
_EPISODE_S: Final = 24 * _HOUR_S


class Rebuilt(msgspec.Struct, frozen=True):
    """One recorded cross-margin liquidation with the account as its own trades and transfers leave it."""

    user: str
    at_s: float
    coin: str
    coins_count: int
    """Positions open; the price is that of the largest, the others standing still."""
    leverage: float
    predicted_price: float
    """NaN where the rebuilt account holds nothing."""
    mark_price: float
    notional_usd: float
    recorded_notional_usd: float
    margin_pct: float
    """Rebuilt account value over notional at the mark, just before."""

    @property
    def error_pct(self) -> float:
        """Predicted price against the mark at the liquidation."""
        return (self.predicted_price / self.mark_price - 1.0) * 100.0


class Wallets(msgspec.Struct, frozen=True):
    """`predicted`: moments at which a rebuilt account's value first fell below maintenance; `matched`: recorded
    liquidations with such a moment of the same account within an hour before or after."""

    recorded_count: int
    isolated_count: int
    """Not predicted: the margin set aside is not in the files."""
    rebuilt: tuple[Rebuilt, ...]
    predicted_count: int
    bankrupt_count: int
    """Of the predicted ones those already far below nothing: their transfers in the files cannot be complete."""
    matched_count: int
    matched_predictions_count: int
    told: ToldMap
    """What a map of the wallets, told some time before, says of the recorded liquidations."""


def present(directory: Path) -> bool:
    return all((directory / name).is_file() for name in FILES)


def rebuild(directory: Path) -> Wallets:
    """FileNotFoundError when a file is missing."""
    events = sorted(_events(directory), key=lambda event: (event[0], event[1]))
    accounts: dict[str, WalletAccount] = {}
    marks: dict[str, float] = {}
    rebuilt: list[Rebuilt] = []
    predicted: dict[str, list[tuple[float, bool]]] = {}
    recorded: list[tuple[float, str]] = []
    history, isolated = WalletHistory(), 0
    for at_s, order, row in events:
        account = accounts.setdefault(row["user"], WalletAccount())
        if order == 0:
            account.cash_usd += float(row["delta_usd"])
        elif order == 1:
            if row["leverage_type"] == "Isolated":
                isolated += 1
            else:
                recorded.append((at_s, row["user"]))
                found = _rebuilt(account, row, marks, at_s)
                rebuilt += [found] if found else []
        else:
            coin, price = row["coin"], float(row["px"])
            account.trade(coin, float(row["sz"]) * (1.0 if row["side"] == "Bid" else -1.0), price)
            marks[coin] = price
            history.note_trade(coin, at_s, price, row["user"])
            _watch(accounts, coin, marks, at_s, predicted)
        history.note_account(row["user"], at_s, account)
    times = [(user, at_s) for user, moments in predicted.items() for at_s, _ in moments]
    return Wallets(
        recorded_count=len(recorded), isolated_count=isolated, rebuilt=tuple(rebuilt), predicted_count=len(times),
        bankrupt_count=sum(bankrupt for moments in predicted.values() for _, bankrupt in moments),
        matched_count=sum(any(_near(at_s, other) for other, _ in predicted.get(user, ())) for at_s, user in recorded),
        matched_predictions_count=sum(
            any(user == other and _near(at_s, when) for when, other in recorded) for user, at_s in times
        ),
        told=told_map(
            history,
            [ForcedClose(one.at_s, one.user, one.coin, one.mark_price, one.recorded_notional_usd) for one in rebuilt],
        ),
    )


def _near(at_s: float, other_s: float) -> bool:
    return abs(at_s - other_s) <= _HOUR_S


def _watch(
    accounts: dict[str, WalletAccount], coin: str, marks: dict[str, float], at_s: float,
    predicted: dict[str, list[tuple[float, bool]]],
) -> None:
    """Note accounts that fall below maintenance at this price; once a day at most."""
    for user, account in accounts.items():
        if coin not in account.held:
            continue
        value_usd, needed_usd = account.value_usd(marks), MAINTENANCE_SHARE * account.notional_usd(marks)
        if value_usd < needed_usd:
            before = predicted.setdefault(user, [])
            if not before or at_s - before[-1][0] > _EPISODE_S:
                before.append((at_s, value_usd < -needed_usd))


def _rebuilt(
    account: WalletAccount, row: dict[str, str], marks: dict[str, float], at_s: float
) -> Rebuilt | None:
    if not account.held:
        return None
    coin = max(account.held, key=lambda name: abs(account.held[name][0]) * marks[name])
    quantity = account.held[coin][0]
    recorded_usd = float(row["liquidated_ntl_pos"])
    others_usd = account.notional_usd(marks) - abs(quantity) * marks[coin]
    mark = (recorded_usd - others_usd) / abs(quantity)
    if not mark > 0:
        return None
    then = {**marks, coin: mark}
    notional_usd, value_usd = account.notional_usd(marks), account.value_usd(then)
    at_entry_usd = account.value_usd({**marks, coin: account.held[coin][1]})
    return Rebuilt(
        user=row["user"], at_s=at_s, coin=coin, coins_count=len(account.held),
        leverage=recorded_usd / at_entry_usd if at_entry_usd > 0 else float("nan"),
        predicted_price=account.liquidation_price(coin, marks), mark_price=mark, notional_usd=notional_usd,
        recorded_notional_usd=recorded_usd, margin_pct=value_usd / recorded_usd * 100.0,
    )


def _events(directory: Path) -> Iterator[tuple[float, int, dict[str, str]]]:
    """(seconds, order within the second, row): transfers, then liquidations, then trades, which include the forced."""
    for order, name in ((0, FILES[1]), (1, FILES[2]), (2, FILES[0])):
        with (directory / name).open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                yield datetime.fromisoformat(row["time"]).timestamp(), order, row
