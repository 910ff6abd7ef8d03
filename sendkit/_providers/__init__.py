"""What is known of providers: their servers and limits, and what their replies mean. Tables to read and to correct.

Each line names its source. Must not know: how a connection is made, where a secret comes from, or how a reply came.
"""
