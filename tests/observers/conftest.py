"""A server in the clear for programs of their own."""

from __future__ import annotations

from tests.lifetime.conftest import server

__all__ = ["server"]
