"""The tests mirror the rooms of `sendkit/`; `tests.servers` starts the real servers that some of them speak to."""
