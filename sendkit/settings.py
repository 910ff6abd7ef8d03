"""Where mail goes and how: servers, accounts, time limits, the retry policy, and the options of a mailer.

Only names here, no code.
"""

from __future__ import annotations

from sendkit._accounts.account import Account
from sendkit._delivery.policy import RetryPolicy
from sendkit._plan.options import MailerSettings
from sendkit._plan.targets import ServerLike
from sendkit._providers.provider import Provider
from sendkit._server.proxy import Proxy
from sendkit._server.route import Dialer
from sendkit._server.security import Security
from sendkit._server.server import Server, Timeouts
from sendkit._tls import InsecureTLSWarning

__all__ = [
    "Account",
    "Dialer",
    "InsecureTLSWarning",
    "MailerSettings",
    "Provider",
    "Proxy",
    "RetryPolicy",
    "Security",
    "Server",
    "ServerLike",
    "Timeouts",
]
