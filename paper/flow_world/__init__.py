"""A second simulated market with known positions, without agents: flow drawn from heavy tails, told as real feeds do.

It shares the venues' margin rules, funding, storage of positions and the portable chance of `paper.world`, and nothing
of its mechanism: what is true of both is less likely to be true of one generator only.
"""

from paper.flow_world.flow_world import FLOW_GENERATOR, FlowWorld
from paper.flow_world.params import FlowParams, FlowVenueParams

__all__ = ["FLOW_GENERATOR", "FlowParams", "FlowVenueParams", "FlowWorld"]
