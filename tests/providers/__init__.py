"""The table of providers, and what their replies mean."""
