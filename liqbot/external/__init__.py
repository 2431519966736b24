"""Liquidation maps of others, to look at beside ours: asked with the user's own key, never stored, never decided on."""
