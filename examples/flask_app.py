"""A contact form in Flask. One Mailer for all threads of the process; each outcome has its answer.

    SENDKIT_HOST=smtp.example.com SENDKIT_USERNAME=ana@example.com SENDKIT_FROM=form@example.com \
    CONTACT_TO=ops@example.net flask --app flask_app run

In a test: `create_app(Mailer(transport=mailbox)).test_client()`. With `create_app(outbox=Outbox())` a message is kept,
and `sendkit outbox run` beside the application sends it, for days if need be.
"""

from __future__ import annotations

import os

from flask import Flask, Response, current_app, request

from sendkit import DeliveryError, Mailer, Message, Outbox, errors


def create_app(mailer: Mailer | None = None, outbox: Outbox | None = None) -> Flask:
    """The application; flask finds it by its name."""
    app = Flask(__name__)
    app.extensions["outbox"] = outbox
    # A person waits for the answer, so that the mail may take ten seconds with all its tries.
    app.extensions["mailer"] = mailer or Mailer.from_env(deadline=10)
    app.add_url_rule("/contact", view_func=contact, methods=["POST"])
    app.register_error_handler(errors.MessageError, misspelt)
    app.register_error_handler(DeliveryError, not_sent)
    return app


def contact() -> Response:
    """Hand on what a visitor wrote. What the visitor typed can become no header, and no second recipient."""
    message = Message(
        to=os.environ["CONTACT_TO"],
        reply_to=[request.form["address"]],
        subject=f"Contact form: {request.form['subject']}",
        text=request.form["text"],
    )
    outbox: Outbox | None = current_app.extensions["outbox"]
    if outbox is not None:
        outbox.put(message)
    else:
        current_app.extensions["mailer"].send(message)
    return Response("Thank you, we have your message.\n", status=202)


def misspelt(error: errors.MessageError) -> Response:
    """The visitor can fix it."""
    return Response(f"Please look at the {error.field} again: {error.message}\n", status=400)


def not_sent(error: DeliveryError) -> Response:
    """What the visitor can do; the whole of it, recipient by recipient, is for the log."""
    current_app.logger.error("contact form: %s", error)
    if isinstance(error, errors.InDoubtError):
        return Response("We may have your message. If nobody answers by tomorrow, write again.\n", status=202)
    return Response("We could not take your message; please try again later.\n", status=503)
