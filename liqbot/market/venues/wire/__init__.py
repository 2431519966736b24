"""What venues say on the wire: a package per venue, with pure parsers and the table of what to ask for."""
