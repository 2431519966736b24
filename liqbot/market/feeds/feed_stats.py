"""What a feed has seen and lost, as counts that anybody may read at any time."""

import msgspec


class FeedStats(msgspec.Struct):
    """Since the feed was made."""

    messages: int = 0
    """Raw messages of every kind on the venue's sockets."""
    trades: int = 0
    bars: int = 0
    forced_orders: int = 0
    facts: int = 0
    """Market facts other than bars, forced orders included."""
    ignored: int = 0
    """Entries that were understood and are of no use: other contracts, acknowledgements."""
    off_book_trades: int = 0
    """Block trades, which are in no bar: they are agreed on outside the order book."""
    malformed: int = 0
    """Messages and answers of which nothing could be read."""
    malformed_rows: int = 0
    """Rows that could not be read and were left out, while those beside them were taken."""
    malformed_newest: str = ""
    late_trades: int = 0
    """Counted in a later bar than their own, because that one had left."""
    misdated_trades: int = 0
    """More than a minute ahead of our clock; counted as of now."""
    misdated_facts: int = 0
    """The same of other facts. What is a day ahead of our clock, or behind what came before it, is left out, and
    counted as a malformed row."""
    refusals: int = 0
    """Times that the venue's contracts could not be loaded."""
    reconnects: int = 0
    silences: int = 0
    resyncs: int = 0
    polls: int = 0
    poll_failures: int = 0
    accounts: int = 0
    """Accounts that are known by name, where positions are public and read."""
    account_reads: int = 0
    account_failures: int = 0
    positions_told: int = 0
    """In the newest snapshots."""
    unpriced_usd: float = 0.0
    """Of positions that no mark liquidates; they are not published."""
    forced_orders_late: int = 0
    """Found too late to be published."""
    tier_differences: tuple[str, ...] = ()
    """Where published margin tiers differ from those this version calculates with."""
