"""The house as it runs: the step between I/O, the live loop, its inbox, recovery, storage and assembly."""
