"""A keyring backend whose module never finishes its import, as one that waits for a dead bus."""

import threading

threading.Event().wait()
