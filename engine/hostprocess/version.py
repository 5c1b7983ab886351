"""The version of this package, apart so that all floors can name it."""

__all__ = ["__version__"]

__version__ = "0.1.0"
