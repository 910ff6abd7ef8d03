"""A project of Django's with views that send mail, as gunicorn and uvicorn load it: what it needs is in DJANGO_MAIL."""

from __future__ import annotations

import json
import os
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.mail import EmailMessage, send_mail
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

BACKEND = "sendkit.django.EmailBackend"


def mail_settings(host: str, port: int, username: str, password: str, **own: Any) -> dict[str, Any]:
    """The settings of mail, as this version of Django names them."""
    if django.VERSION >= (6, 1):
        server = {"host": host, "port": port, "username": username, "password": password, "use_tls": True}
        return {"MAILERS": {"default": {"BACKEND": BACKEND, "OPTIONS": {**server, **own}}}}
    return {
        "EMAIL_BACKEND": BACKEND,
        "EMAIL_HOST": host,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": username,
        "EMAIL_HOST_PASSWORD": password,
        "EMAIL_USE_TLS": True,
        "SENDKIT": own,
    }


def configure(database: str, **mail: Any) -> None:
    """Set Django up, once for the process."""
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
        DEFAULT_FROM_EMAIL="app@example.invalid",
        INSTALLED_APPS=["sendkit.django"],
        ROOT_URLCONF="tests.django.project",
        SECRET_KEY="of a test",
        **mail,
    )
    django.setup()


def sent(request: HttpRequest) -> JsonResponse:
    """A view that waits for the mail server."""
    message = EmailMessage("Hola", "¿Qué tal?", None, [request.GET["to"]])
    message.send()
    return JsonResponse({"ok": message.delivery.ok})


async def sent_by_async(request: HttpRequest) -> JsonResponse:
    """An asynchronous view."""
    count = await sync_to_async(send_mail)("Hola", "¿Qué tal?", None, [request.GET["to"]])
    return JsonResponse({"ok": count == 1})


def put(request: HttpRequest) -> JsonResponse:
    """A view that waits for nobody: the settings name an outbox."""
    message = EmailMessage("Hola", "¿Qué tal?", None, [request.GET["to"]])
    message.send()
    return JsonResponse({"ok": bool(message.receipt)})


urlpatterns = [path("sent", sent), path("async", sent_by_async), path("put", put)]

if told := os.environ.get("DJANGO_MAIL"):
    facts = json.loads(told)
    configure(facts.pop("database"), **mail_settings(**facts))
    application = get_wsgi_application()
    asgi = get_asgi_application()
