"""A sign-up in FastAPI. One AsyncMailer for the life of the application; each outcome is a status of its own.

    SENDKIT_HOST=smtp.example.com SENDKIT_USERNAME=ana@example.com SENDKIT_FROM=app@example.com \
    fastapi run fastapi_app.py

`create_app(outbox=AsyncOutbox())` answers at once: a mail that cannot go out now is tried again for days. In a test,
without a server: `create_app(AsyncMailer(transport=mailbox))`.
"""

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from sendkit import AsyncMailer, AsyncOutbox, Message
from sendkit.fastapi import Mail, add_mail

router = APIRouter()


class SignUp(BaseModel):
    """Who wants an account."""

    address: str


@router.post("/users", status_code=202)
async def sign_up(user: SignUp, mail: Mail) -> dict[str, str]:
    """Welcome a new user."""
    await mail.send(Message(to=user.address, subject="Welcome!", text="Good that you are here."))
    return {"mail": "look into your mailbox"}


def create_app(mailer: AsyncMailer | None = None, outbox: AsyncOutbox | None = None) -> FastAPI:
    """The application; with an outbox no request waits for a mail server."""
    app = FastAPI()
    app.include_router(router)
    add_mail(app, mailer, outbox=outbox)
    return app


app = create_app()
