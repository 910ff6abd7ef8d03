"""The transports but the wire: the double, and the log that all of them write."""
