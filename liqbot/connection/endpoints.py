"""Where a unified client talks to: live, test access or loopback, and how little it loads."""

from typing import Any, Final, Literal
from urllib.parse import urlsplit

Access = Literal["live", "testnet", "demo"]

# Which switch of the unified client opens each venue's place without money. Not every switch it offers works: Binance's
# sandbox refuses private calls, OKX has one place and calls it demo trading.
_SWITCHES: Final[dict[str, dict[str, str]]] = {
    "binance": {"demo": "enable_demo_trading"},
    "bybit": {"testnet": "set_sandbox_mode", "demo": "enable_demo_trading"},
    "okx": {"demo": "set_sandbox_mode"},
    "bitget": {"demo": "set_sandbox_mode"},
    "krakenfutures": {"demo": "set_sandbox_mode"},
    "hyperliquid": {"testnet": "set_sandbox_mode"},
    "gate": {"testnet": "set_sandbox_mode"},
    "deribit": {"testnet": "set_sandbox_mode"},
}
_MARKET_TYPES: Final[dict[str, tuple[str, ...]]] = {
    "binance": ("linear", "inverse"),
    "bybit": ("linear", "inverse"),
    "okx": ("swap",),
}
_MEMORY_ROWS: Final = 1_000


def options_for(venue: str, *, inverse: bool) -> dict[str, Any]:
    """Options of the unified client: only our kinds of market; nothing that talks without being asked."""
    types = [kind for kind in _MARKET_TYPES.get(venue, ()) if inverse or kind != "inverse"]
    options: dict[str, Any] = {
        "defaultType": "swap",
        "defaultSubType": "linear",
        "adjustForTimeDifference": False,
        "tradesLimit": _MEMORY_ROWS,
        "ordersLimit": _MEMORY_ROWS,
    }
    if types:
        options["fetchMarkets"] = {"types": types}
    return options


def test_access(venue: str) -> tuple[str, ...]:
    """The kinds of access without money that a venue offers."""
    return tuple(_SWITCHES.get(venue, {}))


def enter(exchange: Any, venue: str, access: str) -> None:
    """Switch to test access before the first request. ValueError where the venue has no such place."""
    if access == "live":
        return
    switch = _SWITCHES.get(venue, {}).get(access)
    if switch is None:
        known = ", ".join(["live", *test_access(venue)])
        raise ValueError(f"access: {venue} has no {access!r}; it offers {known}")
    getattr(exchange, switch)(True)


def rewritten(urls: Any, loopback: str, hostname: str) -> Any:
    """Every address under `urls` as `loopback/<original host>/<original path>`, websockets alike.

    Signatures survive: they cover query, body or the path behind the host, never the host.
    """
    if isinstance(urls, dict):
        return {name: rewritten(value, loopback, hostname) for name, value in urls.items()}
    if not isinstance(urls, str):
        return urls
    parts = urlsplit(urls.replace("{hostname}", hostname))
    place = urlsplit(loopback)
    scheme = "ws" if parts.scheme in ("ws", "wss") else place.scheme
    return f"{scheme}://{place.netloc}/{parts.hostname}{parts.path}"


def stood_in_for(url: str) -> str:
    """The venue's own address behind a rewritten one of a request."""
    parts = urlsplit(url)
    return f"https:/{parts.path}" + (f"?{parts.query}" if parts.query else "")


def first_host(urls: Any, hostname: str) -> str:
    """The host of the first address found, for messages about a venue that did not answer at all."""
    if isinstance(urls, dict):
        return next((host for value in urls.values() if (host := first_host(value, hostname))), "")
    return urlsplit(urls.replace("{hostname}", hostname)).hostname or "" if isinstance(urls, str) else ""
