"""A sign-up in FastAPI. One AsyncMailer for the life of the application; each outcome is a status of its own.

    SENDKIT_HOST=smtp.example.com SENDKIT_USERNAME=ana@example.com SENDKIT_FROM=app@example.com \
    fastapi run fastapi_app.py

In a test, without a server: `app.dependency_overrides[mailer] = lambda: AsyncMailer(transport=mailbox)`.
`app = create_app(outbox=AsyncOutbox())` answers at once: a mail that cannot go out now is tried again for days.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

from sendkit import AsyncMailer, AsyncOutbox, DeliveryError, Message, errors

router = APIRouter()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """All requests share the connections of one mailer, and its one login; so does the worker of an outbox."""
    async with AsyncMailer.from_env(deadline=10) as app.state.mailer, AsyncExitStack() as stack:
        if app.state.outbox is not None:
            outbox = await stack.enter_async_context(app.state.outbox)
            await stack.enter_async_context(outbox.worker(app.state.mailer))
        yield


def create_app(outbox: AsyncOutbox | None = None) -> FastAPI:
    """The application; with an outbox no request waits for a mail server."""
    app = FastAPI(lifespan=lifespan)
    app.state.outbox = outbox
    app.include_router(router)
    return app


def mailer(request: Request) -> AsyncMailer:
    """The mailer of the application."""
    shared: AsyncMailer = request.app.state.mailer
    return shared


def outbox(request: Request) -> AsyncOutbox | None:
    """The outbox of the application, if it has one."""
    found: AsyncOutbox | None = request.app.state.outbox
    return found


class SignUp(BaseModel):
    """Who wants an account."""

    address: str


@router.post("/users", status_code=202)
async def sign_up(
    user: SignUp,
    postman: Annotated[AsyncMailer, Depends(mailer)],
    kept: Annotated[AsyncOutbox | None, Depends(outbox)],
) -> dict[str, str]:
    """Welcome a new user, and say what became of the mail."""
    try:
        if kept is not None:
            await kept.put(Message(to=user.address, subject="Welcome!", text="Good that you are here."))
            return {"mail": "it is on its way"}
        await postman.send(Message(to=user.address, subject="Welcome!", text="Good that you are here."))
    except errors.MessageError as error:
        raise HTTPException(422, f"this is not a mail address: {error.message}") from error
    except errors.InDoubtError:
        return {"mail": "no mail after ten minutes? Then ask for another one"}
    except errors.RejectedError as error:
        raise HTTPException(422, "this address accepts no mail") from error
    except DeliveryError as error:
        raise HTTPException(503, "the mail cannot go out now", {"Retry-After": "600"}) from error
    return {"mail": "look into your mailbox"}


app = create_app()
