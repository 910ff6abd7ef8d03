"""Mail as tasks of Celery: a retry carries only those who have no copy yet, with the same octets.

`send_later(message)` in the application, and `include=["sendkit.celery"]` for the worker. Importing this needs Celery.
"""

# pyright: basic, reportUntypedFunctionDecorator=false, reportFunctionMemberAccess=false, reportCallIssue=false
# Celery has no types.

from __future__ import annotations

from functools import cache
from typing import Any

from celery import shared_task

from sendkit._delivery.policy import RetryPolicy
from sendkit._message.message import Message
from sendkit._sync import Mailer
from sendkit.errors import CredentialsError, DeliveryError
from sendkit.outbox import Outbox

__all__ = ["send_later"]

_TRIES = 8
# Seconds.
_FIRST_WAIT, _WAIT_FOR_CREDENTIALS = 30, 600


@cache
def mailer() -> Mailer:
    """The mailer of this worker process, from its environment; one attempt, since Celery makes the others."""
    return Mailer.from_env(retry=RetryPolicy(max_attempts=1))


def send_later(message: Message) -> Any:
    """Queue a message with its files, and return Celery's AsyncResult; every attempt sends the same octets."""
    return deliver.delay(message.to_json())


# A task that a dead worker had started must not run again, since its message may be out: hence no acks_late.
@shared_task(bind=True, name="sendkit.deliver", max_retries=_TRIES - 1, acks_late=False, ignore_result=True)  # type: ignore[untyped-decorator]  # celery has no types
def deliver(self: Any, message: str, recipients: list[str] | None = None) -> None:
    """Send a message (`to_json`) to those of its recipients who have no copy of it yet.

    Deferred recipients are tried again after 30 seconds, then after twice as long, eight times in all. Raises
    DeliveryError for those that are rejected or in doubt, which no worker can change.
    """
    try:
        mailer().send(Message.from_json(message), recipients=recipients)
    except CredentialsError as error:
        raise self.retry(exc=error, countdown=_WAIT_FOR_CREDENTIALS) from error
    except DeliveryError as error:
        left = error.result.unsettled() if error.result else None
        if left is None:
            raise
        wait = _FIRST_WAIT * 2**self.request.retries
        raise self.retry(exc=error, args=(message, list(left.recipients)), countdown=wait) from error


# Whatever ends it, the outbox knows what was sent: it may run twice, late, or on two workers at once.
@shared_task(name="sendkit.outbox.drain", ignore_result=True)  # type: ignore[untyped-decorator]  # celery has no types
def drain() -> int:
    """Send what is due in the outbox of the environment; how many attempts were made."""
    with Outbox() as outbox:
        return outbox.drain(mailer())
