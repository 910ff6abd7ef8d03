"""What a transport is: it carries a letter once, and keeps a log from which the truth can be told at any moment."""
