"""Does the ledger explain the money? From the database alone."""

from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from liqbot.ledger.connect import engine_for
from liqbot.ledger.tables import CashTransfer, Equity, FillRow, FundingPayment, core


def unexplained_usd(url: str) -> Decimal:
    """Wallet as last stated, minus openings, transfers, realised profit, fees and funding. Zero when every change of
    the wallets has its row. Fees that another coin's wallet paid moved no dollars."""
    engine = engine_for(url)
    try:
        with engine.connect() as connection:

            def total(column: Any) -> Decimal:
                return connection.execute(select(func.sum(column))).scalar_one() or Decimal(0)

            equity, fill = core(Equity).c, core(FillRow).c
            newest = select(equity.wallet_usd).order_by(equity.id.desc()).limit(1)
            wallet_usd = connection.execute(newest).scalar_one_or_none() or Decimal(0)
            explained = total(core(CashTransfer).c.amount_usd) + total(core(FundingPayment).c.amount_usd)
            paid_usd = total(fill.fee_usd) - total(fill.fee_apart_usd)
            return wallet_usd - explained - total(fill.realised_usd) + paid_usd
    finally:
        engine.dispose()
