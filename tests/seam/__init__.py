"""What a transport is: the log that all of them write."""
