"""The verbs of the `liqbot` command: one small module each, imported only when its verb is called."""
