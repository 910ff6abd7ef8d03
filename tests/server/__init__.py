"""The room that says which server, and where a user's files are."""
