"""A simulated market of leveraged traders on many venues whose positions are all known: the ground truth."""

from paper.world.params import CoinParams, VenueParams, WorldParams
from paper.world.world import World

__all__ = ["CoinParams", "VenueParams", "World", "WorldParams"]
