"""The password of Ana's account where sendkit looks for it: in a real Secret Service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .post import ANA

if TYPE_CHECKING:
    from tests.servers.postfix import Postfix
    from tests.servers.secretservice import SecretService


@pytest.fixture
def in_keyring(postfix: Postfix, secret_service: SecretService) -> SecretService:
    """The Secret Service, which holds the right password."""
    secret_service.set(f"sendkit:{postfix.host}", ANA, postfix.users[ANA])
    return secret_service


@pytest.fixture
def wrong_in_keyring(postfix: Postfix, secret_service: SecretService) -> SecretService:
    """The Secret Service, which holds a wrong password."""
    secret_service.set(f"sendkit:{postfix.host}", ANA, "not-what-ana-likes")
    return secret_service
