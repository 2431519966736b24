"""Settings for a start whose profile cannot be read: those of the journal, with the keys from where keys are kept."""

import os
from collections.abc import Mapping
from typing import Final

from liqbot.places import secrets_dir
from liqbot.settings.layers import NESTING, PREFIX, environment_layer, merged, secrets_layer
from liqbot.settings.model import Settings, settings_model
from liqbot.settings.names import names_of
from liqbot.settings.record import restored

KEYS: Final = f"{PREFIX}KEYS{NESTING}"


def without_profile(config_json: str, environment: Mapping[str, str] | None = None) -> Settings:
    """`config_json` as a journal has it. Nothing else of the environment counts, so that what made the profile
    unreadable cannot be among it. ExpectedError when the text or the keys do not fit."""
    model = settings_model()
    names = names_of(model)
    variables = os.environ if environment is None else environment
    keys = {name: text for name, text in variables.items() if name.upper().startswith(KEYS)}
    layer = merged([environment_layer(model, names, keys), secrets_layer(model, names, secrets_dir())])
    found = model(keys=layer.values.get("keys", {}))
    return restored(config_json).model_copy(update={"keys": found.keys})
