"""Mail as a Celery task: a retry carries only those who have no copy yet, with the same octets.

    SENDKIT_HOST=smtp.example.com SENDKIT_USERNAME=ana@example.com CELERY_BROKER_URL=redis://localhost \
    celery --app celery_tasks worker

and in the application: `send_later(Message(sender="ana@example.com", to="luis@example.com", text="¿Qué tal?"))`. What
`Outbox().put(message)` keeps is sent every minute, with `celery --app celery_tasks beat`: nothing is lost with the
broker.
"""

import os

from celery import Celery

from sendkit import Message
from sendkit.celery import send_later

app = Celery("mail", broker=os.environ.get("CELERY_BROKER_URL", "memory://"), include=["sendkit.celery"])
app.conf.beat_schedule = {"sendkit-outbox": {"task": "sendkit.outbox.drain", "schedule": 60.0}}


def welcome(address: str) -> None:
    """Queue a message; one that nobody can send raises MessageError here, and not in the worker."""
    send_later(Message(sender="app@example.com", to=address, subject="Welcome!", text="Good that you are here."))
