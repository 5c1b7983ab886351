"""The configuration of a project: options that need not be typed, from a file in its folder. Nothing in it is ever executed."""
