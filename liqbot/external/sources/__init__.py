"""The sources that are known, one module each."""
