"""The one owner of event loops and threads, of what is in progress on them, and of closing, forks and exits.

Its laws: nothing uses asyncio's default executor, which is gone when main has ended. A finalizer never waits. Nothing
is logged on a loop's thread while a caller waits, or under a lock. Every lock and every turn starts over in the child
of a fork. Closing is: refuse new work, let what is in progress end within a limit, cancel the rest, close the
connections. What is made for one event loop belongs to it, and goes with it.

Knows threads, loops, signals and logging, and nothing of mail.
"""
