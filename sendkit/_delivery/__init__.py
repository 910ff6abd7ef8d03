"""Who is tried again, when and how fast, and who may be written to: what stands between a mailer and its transport.

The one room that knows tenacity. Must not know sockets, or how a mailer is made.
"""
