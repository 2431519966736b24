"""A simulated market of leveraged traders on many venues whose positions are all known: the ground truth."""

from paper.world.forced import TRUE_FORCED
from paper.world.params import CoinParams, VenueParams, WorldParams
from paper.world.telling import Telling, told_blocks
from paper.world.truth import POSITIONS
from paper.world.world import GENERATOR, World

__all__ = [
    "GENERATOR", "POSITIONS", "TRUE_FORCED", "CoinParams", "Telling", "VenueParams", "World", "WorldParams",
    "told_blocks",
]
