"""One login and nothing else: whether a server takes a secret, before anybody relies on it.

Must not know: where the secret came from, or what becomes of it.
"""

from __future__ import annotations

from sendkit._credentials import Credentials
from sendkit._seam.limits import Limits
from sendkit._seam.log import AttemptLog
from sendkit._server.server import Server
from sendkit._smtp.verdict import Verdict
from sendkit._transport.smtp import SMTPTransport


async def try_login(server: Server, username: str, credentials: Credentials) -> Verdict | None:
    """Connect, log in, and send QUIT; None when the server took it. Raises CredentialsError."""
    transport = SMTPTransport(server, username=username, credentials=credentials, limits=Limits(1))
    try:
        return await transport.log_in(AttemptLog(()))
    finally:
        await transport.aclose()
