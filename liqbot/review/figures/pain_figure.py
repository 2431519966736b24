"""Max pain as a picture: what the way to each price would force-close, from the mark outward."""

from typing import Final

from liqbot.legible import short_usd
from liqbot.review.figures.canvas import LONGS, OWN, PRICE_TICKS, SHORTS, USD_TICKS, Canvas, look_of
from liqbot.review.max_pain import WINDOW_PCT, MaxPain, PainLevel
from liqbot.review.period import minute_text

_HALF: Final = WINDOW_PCT / 200


def pain_figure(found: MaxPain, coin: str, as_of_ms: int, *, dark: bool = False) -> Canvas:
    """Both sides' sums and their total by price; the levels where most of a side lies close together are shaded."""
    note = (
        "USD is an estimate: what a way from the mark straight to each price would force-close (longs below it, shorts "
        f"above). Shaded: the {WINDOW_PCT:g} % of price with most of a side"
    )
    canvas = Canvas(f"{coin} max pain, {minute_text(as_of_ms)} UTC", note, look=look_of(dark=dark))
    panel, ink = canvas.panels[0], canvas.look.ink
    panel.fill_between(found.prices, found.long_usd, color=LONGS, alpha=0.15, linewidth=0)
    panel.fill_between(found.prices, found.short_usd, color=SHORTS, alpha=0.15, linewidth=0)
    panel.plot(found.prices, found.long_usd, color=LONGS, linewidth=1.4, linestyle="--", label="longs closed")
    panel.plot(found.prices, found.short_usd, color=SHORTS, linewidth=1.4, linestyle=":", label="shorts closed")
    panel.plot(found.prices, found.long_usd + found.short_usd, color=OWN, linewidth=1.8, label="longs plus shorts")
    for name, colour, level in (("longs", LONGS, found.long_level), ("shorts", SHORTS, found.short_level)):
        if level is not None:
            panel.axvspan(level.price * (1 - _HALF), level.price * (1 + _HALF), color=colour, alpha=0.35, linewidth=0,
                          label=f"max pain of {name}: {_told(level)}")
    panel.axvline(found.mark_price, color=ink, linewidth=1.4, label=f"mark {found.mark_price:,.6g}")
    for name, marker, level in (("least", "v", found.least), ("greatest in reach", "^", found.greatest)):
        panel.plot([level.price], [level.usd], marker, color=ink, markersize=8, clip_on=False, linestyle="none",
                   label=f"{name}: {_told(level)}")
    panel.set_xlim(found.prices[0], found.prices[-1])
    panel.set_ylim(0, (found.greatest.usd or 1) * 1.6)
    panel.xaxis.set_major_formatter(PRICE_TICKS)
    panel.yaxis.set_major_formatter(USD_TICKS)
    panel.set_xlabel("price")
    panel.set_ylabel("USD force-closed by the time price is there")
    canvas.legend(panel, loc="upper center", ncols=2)
    return canvas


def _told(level: PainLevel) -> str:
    return f"{short_usd(level.usd)} at {level.price:,.6g} ({level.distance_pct:+.1f} %)"
