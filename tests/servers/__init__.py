"""Servers for the tests: real ones (`postfix`, `secretservice`) and scripted ones, on loopback, leaving nothing behind.

The real ones know neither sendkit nor pytest: a server must not share its subject's errors. `fixtures` hands them out.
"""
