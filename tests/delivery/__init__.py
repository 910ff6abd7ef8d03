"""Who is tried again, when and how fast, and who may be written to."""
