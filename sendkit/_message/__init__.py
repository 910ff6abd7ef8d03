"""What an author writes, on its way to the octets that go over the wire.

Knows: RFC 5322 (message format), 2045 to 2047 and 2231 (MIME), 2387 and 2392 (related parts), 6532 and 6857 (UTF-8
headers and how to do without), 5321 section 4.5.3.1 (line lengths).
Must not know: sockets, servers, accounts, results. The only I/O is reading attachments.
"""
