"""Real servers for the tests: each class starts one on loopback, in a folder of its own, and leaves nothing behind.

Nothing here knows pytest but `fixtures`, and nothing here knows sendkit: a server must not share its subject's errors.
"""
