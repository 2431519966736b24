"""Hyperliquid: who signed an action. Written out from the public standards: Keccak-256 (the version before SHA-3),
secp256k1 with recovery (SEC 1, 4.1.6), and EIP-712 over the hash of the packed action.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

_MASK: Final = (1 << 64) - 1
_RATE: Final = 136
_ROTATIONS: Final = (
    0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14
)
"""Of lane x + 5 y."""


def _round_constants() -> list[int]:
    """By the shift register of the standard."""
    found, register = [], 1
    for _ in range(24):
        constant = 0
        for place in range(7):
            if register & 1:
                constant |= 1 << ((1 << place) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        found.append(constant)
    return found


_ROUNDS: Final = tuple(_round_constants())


def _turned(lane: int, by: int) -> int:
    return ((lane << by) | (lane >> (64 - by))) & _MASK if by else lane


def _permuted(lanes: list[int]) -> list[int]:
    for constant in _ROUNDS:
        column = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        mixed = [column[(x - 1) % 5] ^ _turned(column[(x + 1) % 5], 1) for x in range(5)]
        moved = [0] * 25
        for x in range(5):
            for y in range(5):
                moved[y + 5 * ((2 * x + 3 * y) % 5)] = _turned(lanes[x + 5 * y] ^ mixed[x], _ROTATIONS[x + 5 * y])
        lanes = [
            moved[x + 5 * y] ^ (~moved[(x + 1) % 5 + 5 * y] & moved[(x + 2) % 5 + 5 * y] & _MASK)
            for y in range(5) for x in range(5)
        ]
        lanes[0] ^= constant
    return lanes


def keccak256(data: bytes) -> bytes:
    """The digest of 32 bytes."""
    padded = bytearray(data + b"\1" + b"\0" * (-(len(data) + 1) % _RATE))
    padded[-1] |= 0x80
    lanes = [0] * 25
    for begin in range(0, len(padded), _RATE):
        for number in range(_RATE // 8):
            lanes[number] ^= int.from_bytes(padded[begin + 8 * number : begin + 8 * number + 8], "little")
        lanes = _permuted(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


# --- the curve --------------------------------------------------------------------------------------------------------

_P: Final = 2**256 - 2**32 - 977
_N: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_G: Final = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
_Point = tuple[int, int, int]
"""In Jacobian coordinates; z = 0 is the point at infinity."""


def _doubled(point: _Point) -> _Point:
    x, y, z = point
    square = y * y % _P
    middle, slope = 4 * x * square % _P, 3 * x * x % _P
    found = (slope * slope - 2 * middle) % _P
    return found, (slope * (middle - found) - 8 * square * square) % _P, 2 * y * z % _P


def _added(one: _Point, other: _Point) -> _Point:
    if not one[2] or not other[2]:
        return other if not one[2] else one
    z1, z2 = one[2] * one[2] % _P, other[2] * other[2] % _P
    u1, u2 = one[0] * z2 % _P, other[0] * z1 % _P
    s1, s2 = one[1] * z2 * other[2] % _P, other[1] * z1 * one[2] % _P
    if u1 == u2:
        return _doubled(one) if s1 == s2 else (0, 1, 0)
    width, rise = (u2 - u1) % _P, (s2 - s1) % _P
    square = width * width % _P
    cube, middle = width * square % _P, u1 * square % _P
    found = (rise * rise - cube - 2 * middle) % _P
    return found, (rise * (middle - found) - s1 * cube) % _P, width * one[2] * other[2] % _P


def _times(factor: int, point: tuple[int, int]) -> _Point:
    found: _Point = (0, 1, 0)
    base: _Point = (*point, 1)
    while factor:
        if factor & 1:
            found = _added(found, base)
        base = _doubled(base)
        factor >>= 1
    return found


def _address(point: _Point) -> str:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse * inverse % _P, point[1] * inverse * inverse * inverse % _P
    return "0x" + keccak256(x.to_bytes(32, "big") + y.to_bytes(32, "big"))[-20:].hex()


def address_of(private_key: str) -> str:
    """Small letters, with 0x. ValueError for what is no private key."""
    secret = int(private_key, 16)
    if not 0 < secret < _N:
        raise ValueError("private key: a number below the order of the curve, in hexadecimal digits")
    return _address(_times(secret, _G))


def recovered(digest: bytes, r: int, s: int, v: int) -> str:
    """Address of whoever signed it; empty where nobody can have."""
    if not (0 < r < _N and 0 < s < _N and v in (27, 28)):
        return ""
    square = (pow(r, 3, _P) + 7) % _P
    y = pow(square, (_P + 1) // 4, _P)
    if y * y % _P != square:
        return ""
    if (y & 1) != v - 27:
        y = _P - y
    inverse, hashed = pow(r, -1, _N), int.from_bytes(digest, "big")
    point = _added(_times(s * inverse % _N, (r, y)), _times(-hashed * inverse % _N, _G))
    return _address(point) if point[2] else ""


# --- an action --------------------------------------------------------------------------------------------------------

_DOMAIN: Final = keccak256(
    keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    + keccak256(b"Exchange") + keccak256(b"1") + (1337).to_bytes(32, "big") + bytes(32)
)
_AGENT: Final = keccak256(b"Agent(string source,bytes32 connectionId)")


def signer_of(body: Mapping[str, Any], *, testnet: bool) -> str:
    """Who signed an action, with nonce and expiry; another address when any of it was changed since. Empty for what is
    no signature."""
    signature, nonce, expires = body.get("signature"), body.get("nonce"), body.get("expiresAfter")
    if not isinstance(signature, dict) or not isinstance(nonce, int):
        return ""
    packed = msgspec.msgpack.encode(body.get("action")) + nonce.to_bytes(8, "big")
    vault = body.get("vaultAddress")
    packed += b"\1" + bytes.fromhex(str(vault).removeprefix("0x")) if vault else b"\0"
    if isinstance(expires, int):
        packed += b"\0" + expires.to_bytes(8, "big")
    source = keccak256(b"b" if testnet else b"a")
    digest = keccak256(b"\x19\x01" + _DOMAIN + keccak256(_AGENT + source + keccak256(packed)))
    try:
        numbers = int(str(signature.get("r")), 16), int(str(signature.get("s")), 16), int(signature.get("v", 0))
    except (TypeError, ValueError):
        return ""
    return recovered(digest, *numbers)
