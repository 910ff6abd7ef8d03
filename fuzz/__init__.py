"""Fuzz targets for what strangers write to us: a server's replies, and addresses.

    python -m fuzz.replies --seconds 600
    python -m fuzz.addresses --seconds 600

With `pip install atheris` (libFuzzer, guided by coverage) or without it (seeded mutation of the same examples). Each
target holds sendkit against an oracle of its own, written another way; the first finding ends the run with a traceback
and the input. A finding becomes a test in tests/smtp, tests/message or tests/security before it is fixed. Both ran for
ten minutes and more before each release. Not shipped in the wheel.
"""
