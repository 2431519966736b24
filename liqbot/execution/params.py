"""What a user may turn in execution: patience with a venue, and how soon a position without protection is given up."""

from pydantic import BaseModel, Field


class ExecutionParams(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    unprotected_ms_max: int = Field(
        5_000, ge=500, le=60_000,
        description="A position without a confirmed stop for longer than this is closed at market.",
    )
    stop_attempts_max: int = Field(
        3, ge=1, le=10,
        description="Stops refused within the failure window before the position is closed at market.",
    )
    failure_window_ms: int = Field(
        60_000, ge=1_000, le=3_600_000,
        description="How long a refused or vanished order counts against its successors.",
    )
    unknown_ms: int = Field(
        3_000, ge=100, le=60_000,
        description="Silence after sending an order or a cancel before the venue is queried about it.",
    )
    attached_stop_ms: int = Field(
        1_000, ge=100, le=10_000,
        description="A stop that rides on an entry and is not confirmed this long after the fill is joined by another.",
    )
    query_ms: int = Field(
        2_000, ge=100, le=60_000,
        description="Wait before asking again about an order; doubles with every question.",
    )
    query_ms_max: int = Field(
        60_000, ge=100, le=600_000,
        description="Longest wait between two questions about an order.",
    )
    retry_ms: int = Field(
        500, ge=10, le=60_000,
        description="Wait before an exit that failed is sent as a new order; doubles with every failure.",
    )
    retry_ms_max: int = Field(
        30_000, ge=10, le=600_000,
        description="Longest wait between two exits that failed.",
    )
    take_cancel_ms_max: int = Field(
        1_000, ge=0, le=10_000,
        description="Longest wait for a resting take to be seen gone before an exit is sent all the same.",
    )
    leverage_age_ms_max: int = Field(
        60_000, ge=0, le=3_600_000,
        description="Leverage read back longer ago than this is set and read again before an entry.",
    )
    leverage_retry_ms: int = Field(
        2_000, ge=100, le=60_000,
        description="Wait for a leverage read-back before asking again.",
    )
    leverage_attempts_max: int = Field(
        3, ge=1, le=10,
        description="Requests to set leverage before the entry is given up.",
    )
    post_only_entries: bool = Field(
        default=False,
        description="Limit entries may only add liquidity; one that would take it is refused by the venue. Only where "
        "entries may rest, that is where a stop that rides on the entry covers partial fills; elsewhere a limit entry "
        "fills at once or not at all.",
    )
