"""The section `[paper]` of the configuration: what somebody may turn about what pretends."""

from pydantic import BaseModel, ConfigDict, Field

from paper.world.params import WorldParams


class PaperSection(BaseModel):
    """What pretends: the simulated market that feeds the bot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    world: WorldParams = Field(default_factory=WorldParams, description="The simulated market.")
