"""How long a signed action of Hyperliquid may still be carried out: `expiresAfter`, which the signature covers."""

from typing import Any


def expiring(exchange: Any, body: dict[str, Any], expires_ms: int) -> dict[str, Any]:
    """The body with its expiry, signed anew by the unified client: that one does not sign expiries of orders itself."""
    signature = exchange.sign_l1_action(body["action"], body["nonce"], body.get("vaultAddress"), expires_ms)
    return {**body, "signature": signature, "expiresAfter": expires_ms}
