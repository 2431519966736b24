"""The section `[paper]` of the configuration: what somebody may turn about what pretends."""

from pydantic import BaseModel, ConfigDict, Field

from paper.exchange.params import PaperParams as ExchangeParams
from paper.world.params import WorldParams


class PaperSection(BaseModel):
    """What pretends: the simulated market that feeds the bot, and the exchange that fills its orders."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    exchange: ExchangeParams = Field(default_factory=ExchangeParams, description="The simulated exchange.")
    world: WorldParams = Field(default_factory=WorldParams, description="The simulated market.")
