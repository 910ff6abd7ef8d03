"""The settings of a Django project whose mail goes out through sendkit: docs/frameworks.md says what else there is."""

import os

from sendkit import RetryPolicy

INSTALLED_APPS = ["sendkit.django"]  # `manage.py check --tag sendkit --deploy`, `manage.py sendkit_outbox`
DEFAULT_FROM_EMAIL = "Example <app@example.com>"

EMAIL_BACKEND = "sendkit.django.EmailBackend"  # before Django 6.1; from then on in MAILERS
EMAIL_HOST = os.environ.get("EMAIL_HOST", "smtp.example.com")
EMAIL_HOST_USER = "app@example.com"  # the password: EMAIL_HOST_PASSWORD, or where sendkit looks for one
EMAIL_USE_TLS = True

SENDKIT = {"retry": RetryPolicy(max_attempts=2), "deadline": 20}
