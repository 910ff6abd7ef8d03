"""Mail of a Flask application: one mailer for all its threads, or an outbox, and an answer for each error.

`mail = Mail(app)`, and in a view `mail.send(message)`. Importing this needs Flask.
"""

from __future__ import annotations

import logging

import flask

from sendkit._answers import answer
from sendkit._message.compose import AnyMessage
from sendkit._sync import Mailer
from sendkit.errors import DeliveryError, MessageError
from sendkit.outbox import Outbox, Receipt
from sendkit.results import DeliveryResult

__all__ = ["Mail"]

_logger = logging.getLogger("sendkit.flask")


class Mail:
    """The mail of an application: `mailer` is by default that of the environment, with a deadline of 10 seconds.

    With an `outbox`, `send` puts the message there, and a worker sends it (`sendkit outbox run`). A MessageError or a
    rejected recipient is answered with 422, a message in doubt with 202, another DeliveryError with 503 and
    `Retry-After`; a DeliveryError is logged by `sendkit.flask`. Other errors are not handled. Raises
    ConfigurationError.
    """

    def __init__(
        self, app: flask.Flask | None = None, mailer: Mailer | None = None, *, outbox: Outbox | None = None
    ) -> None:
        self.mailer: Mailer = mailer or Mailer.from_env(deadline=10)
        self.outbox: Outbox | None = outbox
        if app is not None:
            self.init_app(app)

    def init_app(self, app: flask.Flask) -> None:
        """Answer the errors of this application; the object is in `app.extensions["sendkit"]`."""
        app.extensions["sendkit"] = self
        app.register_error_handler(MessageError, _answered)
        app.register_error_handler(DeliveryError, _answered)

    def send(self, message: AnyMessage) -> DeliveryResult | Receipt:
        """Send the message, or put it into the outbox. Raises what `Mailer.send` or `Outbox.put` does."""
        return self.mailer.send(message) if self.outbox is None else self.outbox.put(message)


def _answered(error: MessageError | DeliveryError) -> flask.Response:
    if isinstance(error, DeliveryError):
        _logger.error("%s", error)
    told = answer(error)
    response = flask.Response(told.text + "\n", told.status, mimetype="text/plain")
    if told.retry_after is not None:
        response.headers["Retry-After"] = str(told.retry_after)
    return response
