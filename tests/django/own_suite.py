"""Django's own tests of mail, from its source package, with our backend in the place of its own for SMTP.

`python -m tests.django.own_suite FOLDER` runs them, and prints the names of those that fail as JSON. FOLDER is an
unpacked source package (`pip download --no-deps --no-binary :all: django==…`) of the version that is installed.
"""

from __future__ import annotations

import json
import os
import sys
import unittest
from pathlib import Path

import django
from django.conf import settings
from django.core.mail.backends import smtp
from django.test.utils import setup_test_environment


def failures(folder: Path, *, ours: bool = True) -> list[str]:
    """The tests that fail, in order; with Django's own backend unless `ours`."""
    sys.path.insert(0, str(folder / "tests"))
    apps = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sites", "mail"]
    databases = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    settings.configure(INSTALLED_APPS=apps, DATABASES=databases, SECRET_KEY="django_tests", USE_TZ=False)
    django.setup()
    setup_test_environment()
    if ours:
        _put_ours_in_place()
    names = [f"mail.{path.stem}" for path in sorted((folder / "tests" / "mail").glob("test*.py"))]
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=1).run(suite)
    failed = [*result.failures, *result.errors]
    return sorted({test.id().split(" ")[0] for test, _ in failed})


def _put_ours_in_place() -> None:
    from sendkit.django import EmailBackend  # noqa: PLC0415 - not before the settings

    EmailBackend.__module__ = smtp.__name__  # by which their messages name it
    smtp.EmailBackend = EmailBackend


if __name__ == "__main__":
    for name in ("SENDKIT_URL", "SENDKIT_HOST", "SENDKIT_TRANSPORT", "SENDKIT_OUTBOX"):
        os.environ.pop(name, None)
    found = failures(Path(sys.argv[1]), ours="--theirs" not in sys.argv)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
