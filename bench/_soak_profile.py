"""The profile of bots that soaks start over the loopback exchange: they enter whenever they may, and stop at 1 %."""

import json
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from paper.dialects.serving import traded  # noqa: E402
from tests.builders.venue_keys import key_settings, practice_of, secret_of  # noqa: E402

EAGER: Final = Path(__file__).with_name("_soak_eager.py")
_PROFILE: Final = """
mode = "{mode}"
coins = ["BTC"]
venues = VENUES
trade_venue = "{venue}"
[network]
loopback = "{url}"
backfill_h = 48.0
reconcile_s = 5.0
stop_canary = false
[journal]
snapshot_every_min = 1.0
[log]
format = "json"
[signals]
files = ["eager.py"]
[signals.grab_reverse]
enabled = false
[signals.cascade]
enabled = false
[signals.funding_squeeze]
enabled = false
[signals.avoid_liquidity]
density_percentile_max = 80.0
cluster_pad_pct = 0.0
deeper_pct_max = 5.0
[risk]
leverage_max = 3
cooldown_after_loss_ms = 0
cooldown_after_trade_ms = 0
warmth_pct_min = 0.0
reward_min = 0.0
edge_needed_pct_max = 100.0
price_band_pct = 3.0
stop_pct_max = 10.0
liquidation_loss_pct_max = 25.0
daily_loss_pct_max = 10.0
weekly_loss_pct_max = 20.0
drawdown_pct_max = 30.0
"""


def write_profile(folder: Path, name: str, *, venue: str, url: str) -> None:
    """Makes `folder` a configuration directory with this profile and the strategy that it names."""
    strategies = folder / "strategies"
    strategies.mkdir(mode=0o700, exist_ok=True)
    own = strategies / "eager.py"
    own.write_text(EAGER.read_text(encoding="utf-8"), encoding="utf-8")
    own.chmod(0o600)
    text = _PROFILE.replace("VENUES", json.dumps(traded())).format(venue=venue, url=url, mode=practice_of(venue))
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")


def environment_of(venue: str, secret: str = "secret") -> dict[str, str]:
    """The keys of its pretended account (`tests.builders.venue_keys.opened`), as a bot's process is given them."""
    keys = key_settings(venue, secret_of(venue, secret))
    return {f"LIQBOT_KEYS__{venue.upper()}__{name.upper()}": value for name, value in keys.items()}
