"""Where a unified client talks to: live, test access or loopback, and how little it loads."""

from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from liqbot.venues.spec import VenueSpec

Access = Literal["live", "testnet", "demo"]

_MEMORY_ROWS: Final = 1_000


def options_for(spec: VenueSpec, *, inverse: bool) -> dict[str, Any]:
    """Options of the unified client: only our kinds of market; nothing that connects by itself."""
    types = [kind for kind in spec.market_types if inverse or kind != "inverse"]
    options: dict[str, Any] = {
        "defaultType": "swap",
        "defaultSubType": "linear",
        "adjustForTimeDifference": False,
        "tradesLimit": _MEMORY_ROWS,
        "ordersLimit": _MEMORY_ROWS,
    }
    if types and spec.market_switches:
        wanted = {kind: kind in types for kind in ("spot", *spec.market_types)}
        options["fetchMarkets"] = {"types": wanted}
    elif types:
        options["fetchMarkets"] = {"types": types}
    return options


def pings(spec: VenueSpec) -> dict[str, Any]:
    """How often the unified client asks whether a socket is still there, where its own habit is too rare."""
    return {} if spec.ping_s is None else {"streaming": {"keepAlive": int(spec.ping_s * 1_000)}}


def use_access(exchange: Any, spec: VenueSpec, access: str) -> None:
    """Switch to test access before the first request. ValueError where the venue has no such place."""
    if access == "live":
        return
    switch = next((one.switch for one in spec.practice if one.kind == access), None)
    if switch is None:
        known = ", ".join(["live", *spec.practice_kinds])
        raise ValueError(f"access: {spec.venue} has no {access!r}; it offers {known}")
    getattr(exchange, switch)(True)


def at_hosts(urls: Any, hosts: Mapping[str, str], hostname: str) -> Any:
    """Every address under `urls` with its host replaced where `hosts` names another one."""
    if isinstance(urls, dict):
        return {name: at_hosts(value, hosts, hostname) for name, value in urls.items()}
    if not isinstance(urls, str):
        return urls
    filled = urls.replace("{hostname}", hostname)
    host = urlsplit(filled).hostname or ""
    return filled.replace(f"//{host}", f"//{hosts[host]}", 1) if host in hosts else urls


def at_loopback(urls: Any, loopback: str, hostname: str) -> Any:
    """Every address under `urls` as `loopback/<original host>/<original path>`, with its query, websockets alike.

    Signatures survive: they cover query, body or the path behind the host, never the host.
    """
    if isinstance(urls, dict):
        return {name: at_loopback(value, loopback, hostname) for name, value in urls.items()}
    if not isinstance(urls, str):
        return urls
    parts = urlsplit(urls.replace("{hostname}", hostname))
    place = urlsplit(loopback)
    scheme = "ws" if parts.scheme in ("ws", "wss") else place.scheme
    query = f"?{parts.query}" if parts.query else ""
    return f"{scheme}://{place.netloc}/{parts.hostname}{parts.path}{query}"


def original_address(url: str) -> str:
    """The venue's own address behind a rewritten one of a request."""
    parts = urlsplit(url)
    return f"https:/{parts.path}" + (f"?{parts.query}" if parts.query else "")


def first_host(urls: Any, hostname: str) -> str:
    """The host of the first address found, for messages about a venue that did not answer at all."""
    if isinstance(urls, dict):
        return next((host for value in urls.values() if (host := first_host(value, hostname))), "")
    return urlsplit(urls.replace("{hostname}", hostname)).hostname or "" if isinstance(urls, str) else ""
