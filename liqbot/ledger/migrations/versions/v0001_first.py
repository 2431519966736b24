"""The first schema. Columns are spelled `name type [null] [>parent] [index] [unique] [key]`; never to be changed."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TYPES: Final[dict[str, Any]] = {
    "id": sa.BigInteger().with_variant(sa.Integer(), "sqlite"), "big": sa.BigInteger(), "int": sa.Integer(),
    "real": sa.Float(), "text": sa.String(), "bool": sa.Boolean(), "bytes": sa.LargeBinary(), "json": sa.JSON(),
}
_TABLES: Final = {
    "incident": """
        id id, seq big, time_ms big index, severity text, kind text, venue text, coin text, detail text""",
    "liquidation": """
        id id, seq big, time_ms big index, venue text, coin text, side text, price big, size_usd big, predicted_usd
        big null, density_decile int null""",
    "offset": """
        journal_id text key, seq big, state bytes""",
    "order": """
        id id, client_id text unique, venue_order_id text, decision_id big null index, venue text, coin text, side
        text, purpose text, kind text, reduce_only bool, quantity_base big, limit_price big null, trigger_price big
        null, expected_price big null, status text, filled_base big, average_price big null, sent_ms big index,
        ack_ms big null, done_ms big null""",
    "run": """
        id id, journal_id text, mode text, started_ms big, version text, platform text, config_digest text, config
        json null""",
    "transfer": """
        id id, seq big, time_ms big index, venue text, kind text, amount_usd big""",
    "equity": """
        id id, run_id big null >run index, seq big, time_ms big index, wallet_usd big, equity_usd big, transfers_usd
        big, unexplained_usd big""",
    "map_snapshot": """
        id id, run_id big null >run index, seq big, time_ms big index, coin text, why text, mark_price big, long_usd
        big, short_usd big, bins json null""",
    "order_event": """
        id id, order_id big null >order index, client_id text, seq big, time_ms big, event text, source text, raw
        json null""",
    "decision": """
        id id, run_id big null >run index, seq big, decision_id big null index, kind text, time_ms big index,
        last_seen_ms big, count int, strategy text, venue text, coin text, side text, code text index, reason text,
        entry_price big null, stop_price big null, take_price big null, quantity_base big null, leverage real null,
        liquidation_price big null, liquidation_density_pct real null, features json null, gates json null, checks
        json null, map_id big null >map_snapshot index""",
    "trade": """
        id id, run_id big null >run index, decision_row big null >decision index, venue text, coin text, strategy
        text, side text, status text index, opened_ms big index, closed_ms big null, quantity_base big, open_base
        big, entry_price big, exit_price big null, exit_reason text, leverage real null, gross_usd big, fees_usd
        big, funding_usd big, initial_stop_price big null, liquidation_price big null, risk_usd big null, mae_usd
        big, mfe_usd big""",
    "fill": """
        id id, order_id big null >order index, trade_id big null >trade index, seq big, time_ms big index, fill_id
        text, kind text, venue text, coin text, side text, reduces bool, price big, quantity_base big, realised_usd
        big, fee_usd big, fee_other big null, fee_currency text, maker bool""",
    "funding_payment": """
        id id, trade_id big null >trade index, seq big, time_ms big index, venue text, coin text, amount_usd big,
        rate_pct real""",
}


def upgrade() -> None:
    """Every table, parents first."""
    for name, spelled in _TABLES.items():
        columns = [column.split() for column in spelled.split(",")]
        extra = [sa.UniqueConstraint("venue", "coin", "fill_id", "reduces", "trade_id")] if name == "fill" else []
        op.create_table(name, *map(_column, columns), *extra)
        for column in columns:
            if "index" in column:
                op.create_index(f"ix_{name}_{column[0]}", name, [column[0]])


def downgrade() -> None:
    """Back to an empty database."""
    for name in reversed(_TABLES):
        op.drop_table(name)


def _column(words: list[str]) -> sa.Column[object]:
    name, kind, *marks = words
    parents = [sa.ForeignKey(f"{mark[1:]}.id") for mark in marks if mark.startswith(">")]
    return sa.Column(
        name, _TYPES[kind], *parents, nullable="null" in marks, unique="unique" in marks or None,
        primary_key=kind == "id" or "key" in marks, autoincrement=False,
    )
