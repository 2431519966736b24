"""The section `[paper]` of the configuration: what somebody may turn about the simulated market and exchange."""

from pydantic import BaseModel, ConfigDict, Field

from paper.world.params import WorldParams


class PaperParams(BaseModel):
    """What pretends: the simulated market that feeds the bot, and the exchange that fills its orders."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    world: WorldParams = Field(default_factory=WorldParams, description="The simulated market.")
