"""The live page and its JSON interface: what the reading verbs tell, served on loopback by a process of its own."""
