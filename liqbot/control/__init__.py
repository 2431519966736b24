"""The control of a running house from outside: protocol, commands, and latches on disk."""
