"""OKX: the stop that rides on an entry: an algo order under a client id of ours, made when the entry has ended.

From then on it is read, cancelled and reported like any other stop of ours. It stays when the position is closed
otherwise, and is not documented as reduce-only.
"""

from decimal import Decimal

from liqbot.venues.trading import plain


def attached_stops(stop_client_id: str, stop_price: Decimal) -> list[dict[str, str]]:
    """As `attachAlgoOrds`: on the mark, then at market. The unified client's own `stopLoss` object would say the last
    price and drop our id; this field it passes on whole."""
    return [
        {
            "attachAlgoClOrdId": stop_client_id, "slTriggerPx": plain(stop_price), "slTriggerPxType": "mark",
            "slOrdPx": "-1",
        }
    ]
