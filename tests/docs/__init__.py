"""README.md and docs/ are true: their blocks run, nothing public is missing from them, their links lead somewhere."""
