"""Accounts by name, fees in other currencies, and the fold's state in rows of its own. Never to be changed."""

from typing import Any, Final

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_WITH_ACCOUNT: Final = ("order", "fill", "trade", "funding_payment", "transfer", "equity")
_BY_KEY: Final = ("orders", "plans", "verdict_rows", "codes", "signal_gates", "maps_written")
_SINGLE: Final = ("run_id", "venues", "coins", "last_decision_id", "equity_ms", "equity_usd", "wallet_usd")


def upgrade() -> None:
    """A fee that was kept in another currency was valued by nothing: now it says so."""
    for name in _WITH_ACCOUNT:
        op.add_column(name, sa.Column("account", sa.String(), nullable=False, server_default=""))
    op.add_column("fill", sa.Column("fee_apart_usd", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("fill", sa.Column("fee_unvalued", sa.BigInteger(), nullable=True))
    op.execute("UPDATE fill SET fee_unvalued = fee_other")
    op.add_column("trade", sa.Column("fees_other", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "fold_state",
        sa.Column("journal_id", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.LargeBinary(), nullable=False),
    )
    connection = op.get_bind()
    for journal_id, stored in connection.execute(sa.text('SELECT journal_id, state FROM "offset"')).all():
        rows = [
            {"journal_id": journal_id, "name": name, "value": msgspec.msgpack.encode(value)}
            for name, value in _entries(msgspec.msgpack.decode(stored)).items()
        ]
        connection.execute(sa.text("INSERT INTO fold_state VALUES (:journal_id, :name, :value)"), rows)
    op.drop_column("offset", "state")


def _entries(state: dict[str, Any]) -> dict[str, Any]:
    found = {f"{name} {key}": value for name in _BY_KEY for key, value in state.get(name, {}).items()}
    for trade in state.get("trades", {}).values():
        side = "long" if trade["side"] > 0 else "short"
        foreign = "|foreign" if trade["strategy"] == "adopted" else ""
        found[f"trades |{trade['venue']}|{trade['coin']}|{side}{foreign}"] = {
            "row": trade["id"], "stop_price": trade.get("stop_price"),
        }
    found["single"] = {name: state[name] for name in _SINGLE if name in state}
    return found


def downgrade() -> None:
    op.add_column("offset", sa.Column("state", sa.LargeBinary(), nullable=False, server_default=""))
    op.drop_table("fold_state")
    op.drop_column("trade", "fees_other")
    op.drop_column("fill", "fee_unvalued")
    op.drop_column("fill", "fee_apart_usd")
    for name in _WITH_ACCOUNT:
        op.drop_column(name, "account")
