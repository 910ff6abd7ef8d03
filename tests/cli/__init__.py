"""The command line as a shell sees it: arguments and streams in; streams and an exit code out."""
