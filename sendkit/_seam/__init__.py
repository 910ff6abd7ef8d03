"""What a transport is: it carries a letter once, and keeps a log that says at any moment what is known."""
