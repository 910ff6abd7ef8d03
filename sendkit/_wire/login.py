"""One AUTH command (RFC 4954 section 4), and nothing of the secret left behind in an exception, a reply or a log.

aiosmtplib's frames hold the password in their locals, and some servers repeat in their reply what they were sent: so
what fails is returned without its frames, and what was answered is searched for what was sent.
"""

from __future__ import annotations

import asyncio
import base64
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
    return code, Mask(login)(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


class Mask:
    """Takes what was sent of a secret out of what a server says."""

    __slots__ = ("_forms",)

    def __init__(self, login: Login) -> None:
        plain = login.secret.reveal().encode()
        whole = f"\0{login.username}\0".encode() + plain
        self._forms = (base64.b64encode(whole), base64.b64encode(plain), plain)

    def __call__(self, line: bytes) -> bytes:
        for form in self._forms:
            if form in line:
                line = line.replace(form, b"***")
        return line
