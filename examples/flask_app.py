"""A contact form in Flask. One Mailer for all threads of the process; each outcome has its answer.

    SENDKIT_HOST=smtp.example.com SENDKIT_USERNAME=ana@example.com SENDKIT_FROM=form@example.com \
    CONTACT_TO=ops@example.net flask --app flask_app run

In a test: `create_app(Mailer(transport=mailbox)).test_client()`. With `create_app(outbox=Outbox())` a message is kept,
and `sendkit outbox run` beside the application sends it, for days if need be.
"""

import os

from flask import Flask, Response, request

from sendkit import Mailer, Message, Outbox
from sendkit.flask import Mail


def create_app(mailer: Mailer | None = None, outbox: Outbox | None = None) -> Flask:
    """The application; flask finds it by its name."""
    app = Flask(__name__)
    mail = Mail(app, mailer, outbox=outbox)

    @app.post("/contact")
    def contact() -> Response:
        """Hand on what a visitor wrote. What the visitor typed can become no header, and no second recipient."""
        form, owner = request.form, os.environ["CONTACT_TO"]
        subject = f"Contact form: {form['subject']}"
        mail.send(Message(to=owner, reply_to=[form["address"]], subject=subject, text=form["text"]))
        return Response("Thank you, we have your message.\n", status=202)

    return app
