"""The proof: how good a liquidation map is, scored against forced orders it could not have known.

One pass over a tape records the path of price, the forced orders placed on it, and what every model says at each origin
and at each step (`record`); everything else follows from those arrays (`frozen`, `touch`, the measures).
"""
