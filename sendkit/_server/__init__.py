"""Which server, how it is spoken to, and how long each phase may take; what every other room calls it by."""
