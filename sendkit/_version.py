"""The version, in one place: the build reads it here and so does `sendkit.__version__`."""

__version__ = "0.2.0"
