"""From what an author writes to octets, and back through readers that are not ours."""
