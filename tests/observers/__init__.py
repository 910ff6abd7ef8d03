"""Who watches: what observers are told, where, and that they change nothing."""
