"""The section `[paper]` of the configuration: what somebody may turn about what pretends."""

from pydantic import BaseModel, ConfigDict, Field

from liqbot.settings import Settings
from paper.exchange.params import PaperParams as ExchangeParams
from paper.world.params import WorldParams


class PaperSection(BaseModel):
    """What pretends: the simulated market that feeds the bot, and the exchange that fills its orders."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    exchange: ExchangeParams = Field(default_factory=ExchangeParams, description="The simulated exchange.")
    world: WorldParams = Field(default_factory=WorldParams, description="The simulated market.")


def with_section(settings: Settings, section: PaperSection) -> Settings:
    """The settings with another section of ours, whatever it is called."""
    name = next(name for name in type(settings).model_fields if isinstance(getattr(settings, name), PaperSection))
    return settings.model_copy(update={name: section})
