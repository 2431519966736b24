"""All that is known of each venue, in one place per venue."""
