"""From octets to what a person sees: the parts, texts, files and links of a message, whoever wrote it.

Anybody may have written those octets: nothing in here raises for what they hold. Must not know transports or tests.
"""
