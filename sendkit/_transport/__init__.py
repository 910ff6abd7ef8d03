"""The seam between "send this" and how it is done: one base, and the transports that stand on it.

A transport carries one letter once, and writes into a log what became of it; it does not decide whether to try again.
It must not know mailers, retries, or where messages come from.
"""
