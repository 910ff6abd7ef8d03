"""The library and the command line against real servers: what they say of a message, and what lies in the mailboxes.

Knows the public face and the servers of `tests.servers`. Must not know: how anything is done inside. No test waits
longer than a server makes it: the retries of the tests have no pause.
"""
