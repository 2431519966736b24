"""Liquidation maps of others, shown beside ours: requested with the user's own key, never stored, never decided on."""
