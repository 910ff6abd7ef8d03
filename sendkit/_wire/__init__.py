"""The only sockets. aiosmtplib speaks up to the login, over our TLS; our own driver runs the transactions.

RFC 5321 sections 3 and 4.5.3.2, RFC 3207, RFC 8314, RFC 4954. What goes wrong here ends as a verdict of `_smtp`, by
phase and reply; no exception of aiosmtplib, asyncio or ssl leaves this room. It must not know messages or retries.
"""
