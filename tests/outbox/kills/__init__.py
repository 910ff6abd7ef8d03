"""Kills a worker at every stage of a transaction and at every commit, and compares the ledger with the server.

`python -m tests.outbox.kills` is the whole matrix; the suite runs a sample. A killed worker is followed by another one
that takes over. Then nothing is lost, nobody has two copies, and only who was marked can be in doubt.
"""
