"""Parameters that mirror the limits of another module stay the same as those."""

from liqbot.journal import JournalLimits
from liqbot.settings.params import JournalParams


def test_the_journal_can_be_opened_with_what_the_configuration_says() -> None:
    configured = JournalParams().model_dump()
    limits = JournalLimits(**{name: configured[name] for name in JournalLimits.__struct_fields__})
    assert limits == JournalLimits()
