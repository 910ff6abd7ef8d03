"""The page in the browser: what it serves, and what a hostile message can do there."""
