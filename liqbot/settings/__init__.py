"""The effective configuration: typed by the floors that use it, layered here, strict about every name."""

from liqbot.settings.layers import Layer
from liqbot.settings.load import Loaded, load
from liqbot.settings.model import Settings, settings_model
from liqbot.settings.record import config_digest, config_json, restored

__all__ = ["Layer", "Loaded", "Settings", "config_digest", "config_json", "load", "restored", "settings_model"]
