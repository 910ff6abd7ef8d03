"""The transports but the wire: the double, files, the console, and several servers in a row."""
