"""Messages as a person sees them, whoever wrote their octets."""
