"""The SMTP protocol as pure functions and generators: replies, capabilities, the transaction, its verdicts.

Knows: RFC 5321 (SMTP), 1870 (SIZE), 2034 and 3463 (enhanced status codes), 2920 (PIPELINING), 3030 (CHUNKING),
3207 (STARTTLS), 4954 (AUTH), 6152 (8BITMIME), 6531 (SMTPUTF8), 1047 (duplicates).
Must not know: sockets, event loops, clocks, files, or what a message looks like inside.
"""
