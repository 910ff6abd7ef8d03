"""A sign-up in FastAPI. One AsyncMailer for the life of the application; each outcome is a status of its own.

    SENDKIT_HOST=smtp.example.com SENDKIT_USERNAME=ana@example.com SENDKIT_FROM=app@example.com \
    fastapi run fastapi_app.py

In a test, without a server: `app.dependency_overrides[mailer] = lambda: AsyncMailer(transport=mailbox)`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

from sendkit import AsyncMailer, DeliveryError, Message, errors


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """All requests share the connections of one mailer, and its one login."""
    async with AsyncMailer.from_env(deadline=10) as app.state.mailer:
        yield


app = FastAPI(lifespan=lifespan)


def mailer(request: Request) -> AsyncMailer:
    """The mailer of the application."""
    shared: AsyncMailer = request.app.state.mailer
    return shared


class SignUp(BaseModel):
    """Who wants an account."""

    address: str


@app.post("/users", status_code=202)
async def sign_up(user: SignUp, postman: Annotated[AsyncMailer, Depends(mailer)]) -> dict[str, str]:
    """Welcome a new user, and say what became of the mail."""
    try:
        await postman.send(Message(to=user.address, subject="Welcome!", text="Good that you are here."))
    except errors.MessageError as error:
        raise HTTPException(422, f"this is not a mail address: {error.message}") from error
    except errors.InDoubtError:
        return {"mail": "no mail after ten minutes? Then ask for another one"}
    except errors.RejectedError as error:
        raise HTTPException(422, "this address takes no mail") from error
    except DeliveryError as error:
        raise HTTPException(503, "the mail cannot go out now", {"Retry-After": "600"}) from error
    return {"mail": "look into your mailbox"}
