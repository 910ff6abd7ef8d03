"""Where a mailer's secret comes from: what `credentials=` takes, and the shape of an object of your own.

Only names here, no code.
"""

from __future__ import annotations

from sendkit._credentials import Credentials, PasswordCommand, Renewable, Secret
from sendkit._credentials.explicit import CredentialsCall
from sendkit._credentials.oauth2 import OAuth2

__all__ = ["Credentials", "CredentialsCall", "OAuth2", "PasswordCommand", "Renewable", "Secret"]
