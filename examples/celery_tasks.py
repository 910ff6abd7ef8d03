"""Mail as a Celery task: a retry carries only those who have no copy yet, with the same octets.

    SENDKIT_HOST=smtp.example.com SENDKIT_USERNAME=ana@example.com CELERY_BROKER_URL=redis://localhost \
    celery --app celery_tasks worker

and in the application: `send_later("ana@example.com", ["luis@example.com"], "Hola", "¿Qué tal?")`. With
`outbox=Outbox()` the message is kept in the outbox, and every minute a task sends what is due there (`celery beat`):
nothing is lost with the broker.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from celery import Celery, Task

from sendkit import DeliveryError, Mailer, Message, Outbox, RetryPolicy, errors

app = Celery("mail", broker=os.environ.get("CELERY_BROKER_URL", "memory://"))

TRIES = 8


@cache
def mailer() -> Mailer:
    """One for each worker process. Celery has the patience, so that a worker is not kept waiting."""
    return Mailer.from_env(retry=RetryPolicy(max_attempts=1))


def send_later(sender: str, to: list[str], subject: str, text: str, *, outbox: Outbox | None = None) -> None:
    """Queue a message; one that nobody can send raises MessageError here, and not in the worker."""
    fields: dict[str, Any] = {"sender": sender, "to": to, "subject": subject, "text": text}
    message = Message(**fields)
    if outbox is not None:
        outbox.put(message)
        return
    # With its Message-ID and its date, every try is the very same message.
    deliver.delay({**fields, "message_id": message.message_id, "date": message.date.isoformat()}, to)


# A task that a dead worker had started must not run again, since its message may be out: hence no acks_late.
@app.task(bind=True, max_retries=TRIES - 1, acks_late=False, ignore_result=True)
def deliver(self: Task, fields: dict[str, Any], recipients: list[str]) -> None:
    """Send a message to those of its recipients who have no copy of it yet."""
    try:
        mailer().send(Message(**fields), recipients=recipients)
    except errors.CredentialsError as error:
        raise self.retry(exc=error, countdown=600) from error  # until somebody has put the password there
    except DeliveryError as error:
        left = error.result.unsettled() if error.result else None
        if left is None:  # refused permanently, or in doubt: a worker can do nothing about either
            raise
        raise self.retry(
            exc=error, args=(fields, list(left.recipients)), countdown=30 * 2**self.request.retries
        ) from error


app.conf.beat_schedule = {"sendkit-outbox": {"task": "sendkit.outbox.drain", "schedule": 60.0}}


# Whatever ends it, the outbox knows what was sent: it may run twice, late, or on two workers at once.
@app.task(name="sendkit.outbox.drain", ignore_result=True)
def drain() -> int:
    """Send what is due in the outbox; how many attempts were made."""
    with Outbox() as outbox:
        return outbox.drain(mailer())
