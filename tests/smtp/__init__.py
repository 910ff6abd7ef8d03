"""The protocol without sockets: what is pure is tested as such."""
