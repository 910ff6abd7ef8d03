"""The wire against a real server on loopback that is told what to do wrong (`tests.servers.scripted`)."""
