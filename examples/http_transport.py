"""A transport of your own: messages go out over the HTTP interface of a mail service, and the rest stays as it is.

    MAIL_API=https://api.example.com/send MAIL_API_KEY=… SENDKIT_FROM=ana@example.com \
    python http_transport.py luis@example.com

Retries, results and `send_many` work as over SMTP, because the transport says in the same words what became of each
message. Its test is a subclass of `sendkit.testing.TransportContract`.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys

import httpx

from sendkit import Mailer, Message, Outcome, Phase, Reply
from sendkit.transports import (
    Again,
    AttemptLog,
    Break,
    Cause,
    Failure,
    Letter,
    Transport,
    Verdict,
    accepted,
    judge_failure,
)

FOR_NOW = {408, 425, 429}


class HTTPTransport(Transport):
    """Posts each message as JSON: `from`, `to`, and the octets in base64."""

    tells_before_end = True

    def __init__(self, url: str, key: str) -> None:
        self._url = httpx.URL(url)
        self._client = httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60)

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Post it once; what happened is a verdict for all recipients, and never an exception."""
        log.host, log.port, log.phase = self._url.host, self._url.port, Phase.CONNECT
        envelope = letter.envelope
        octets = base64.b64encode(b"".join(letter.content.blocks())).decode()
        body = {"from": envelope.reverse_path, "to": envelope.recipients, "message": octets}
        await log.before_end(log.recipients)  # from here on it may arrive
        try:
            response = await self._client.post(self._url, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            log.settle_all(judge_failure(Phase.CONNECT, Failure(Break.LOST, f"not reached: {error}")))
        except httpx.HTTPError as error:
            # The request may have arrived, and nobody said whether it was taken: a second one could be a second copy.
            log.settle_all(judge_failure(Phase.END_OF_DATA, Failure(Break.LOST, f"no answer: {error}"), ended=True))
        except asyncio.CancelledError:
            log.settle_all(judge_failure(Phase.END_OF_DATA, log.interrupted(), ended=True))
            raise
        else:
            log.phase = Phase.END_OF_DATA
            log.settle_all(verdict_of(response))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def verdict_of(response: httpx.Response) -> Verdict:
    """What an answer means: a status is a class of outcomes, as the first digit of a reply is (RFC 9110 section 15)."""
    said = f"{response.status_code} {response.text.strip()}"[:200]
    if response.is_success:
        return accepted(Reply(250, "2.0.0", said))
    if response.status_code in (401, 403):  # not this message's fault: somebody must fix the key
        return Verdict(Outcome.DEFERRED, Phase.AUTH, Cause.AUTHENTICATION, Again.NEXT_SERVER, reason=said)
    if response.is_client_error and response.status_code not in FOR_NOW:
        return Verdict(Outcome.REJECTED, Phase.END_OF_DATA, Cause.REJECTED, reason=said)
    return Verdict(Outcome.DEFERRED, Phase.END_OF_DATA, Cause.DEFERRED, Again.LATER, reason=said)


if __name__ == "__main__":
    with Mailer(transport=HTTPTransport(os.environ["MAIL_API"], os.environ["MAIL_API_KEY"])) as mailer:
        for address in sys.argv[1:]:
            print(mailer.send(Message(to=address, subject="Hola", text="¿Qué tal?"), check=False).recipients[address])
