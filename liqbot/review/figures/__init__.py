"""Pictures as files (PNG, SVG) of what maps and ledgers hold; drawn by matplotlib, which nothing else loads."""
