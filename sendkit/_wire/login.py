"""One AUTH command (RFC 4954 section 4), and nothing of the secret left behind in an exception, a reply or a log.

aiosmtplib's frames hold the password in their locals, and some servers repeat in their reply what they were sent: so
what fails is returned without its frames, and what was answered is searched for what was sent.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import dataclass

import aiosmtplib

from sendkit._credentials import Secret
from sendkit._smtp.sasl import Mechanism


@dataclass(slots=True, frozen=True)
class Login:
    """Who logs in, and with what."""

    username: str
    secret: Secret


Answer = tuple[int, str] | Exception | asyncio.CancelledError


async def authenticate(client: aiosmtplib.SMTP, mechanism: Mechanism, login: Login, limit: float) -> Answer:
    """Log in, once, and return the code and text of the reply; what fails without a reply is returned, not raised."""
    command = client.auth_plain if mechanism is Mechanism.PLAIN else client.auth_login
    try:
        async with asyncio.timeout(limit):
            code, text = await command(login.username, login.secret.reveal(), timeout=None)
    except aiosmtplib.SMTPResponseException as error:
        code, text = error.code, error.message
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - handed on, without its frames
        error.__traceback__ = error.__context__ = error.__cause__ = None
        return error
    return code, _redacted(text, login)


def _redacted(text: str, login: Login) -> str:
    for sent in _forms(login):
        text = text.replace(sent, "***")
    return text


def _forms(login: Login) -> Iterator[str]:
    """What went over the wire of the secret, and the secret itself."""
    plain = f"\0{login.username}\0{login.secret.reveal()}".encode()
    yield base64.b64encode(plain).decode()
    yield base64.b64encode(login.secret.reveal().encode()).decode()
    yield login.secret.reveal()
