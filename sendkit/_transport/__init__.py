"""The transports: to a server over the wire, to several in a row, into memory, into files, and to the console.

What a transport is stands in `_seam`. Must not know: who is tried again, or what a mailer is.
"""
