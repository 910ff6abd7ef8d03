"""The doctor against servers and domains that are well, and against each thing that may be wrong with them."""
