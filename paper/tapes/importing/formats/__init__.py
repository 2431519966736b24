"""One module per format that can be imported; each holds a `FORMAT` and is found by looking."""
