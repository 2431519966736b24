"""Where streams of a simulated exchange are reached."""

from paper.dialects.serving import Loopback


def ws_url(loop: Loopback) -> str:
    """Before the host and path that a client would dial."""
    return f"ws://127.0.0.1:{loop.server.port}"
