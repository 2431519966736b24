"""How Decimals lie in the database: integers of a fixed scale, exact in every dialect."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator

from liqbot.accounting.micro_usd import INT64_MAX


class _Scaled(TypeDecorator[Decimal]):
    """SQLite knows no decimals and would keep a lossy REAL: a scaled integer means the same everywhere."""

    impl = BigInteger
    cache_ok = True
    places = 6

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        del dialect
        if value is None:
            return None
        scaled = int(value.scaleb(self.places).to_integral_value(ROUND_HALF_EVEN))
        if abs(scaled) > INT64_MAX:
            raise ValueError(f"{value} does not fit into 64 bits at {self.places} places")
        return scaled

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:
        del dialect
        return None if value is None else Decimal(int(value)).scaleb(-self.places)


class MicroUsd(_Scaled):
    """Money: micro-dollars."""

    cache_ok = True


class Nano(_Scaled):
    """Prices and quantities: billionths, because cheap coins have small prices and large amounts."""

    cache_ok = True
    places = 9
