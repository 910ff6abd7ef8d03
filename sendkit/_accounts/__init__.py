"""Which account to send through: by a URL, the environment, a name of the configuration file, or the DNS.

Must not know: how a secret is found, or how a connection is made.
"""
