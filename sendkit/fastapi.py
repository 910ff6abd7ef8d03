"""Mail of a FastAPI application: one mailer as long as it runs, or an outbox, and an answer for each error.

`add_mail(app)`, and in an endpoint the parameter `mail: Mail`. Importing this needs FastAPI.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any, TypeAlias

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from sendkit._answers import answer
from sendkit._mailer import AsyncMailer
from sendkit._message.compose import AnyMessage
from sendkit._message.late import become_model
from sendkit._message.message import Message
from sendkit.errors import DeliveryError, MessageError
from sendkit.outbox import AsyncOutbox, Receipt
from sendkit.results import DeliveryResult

become_model(Message)  # a parameter of this type is a body only if it is a model when FastAPI reads the endpoint

__all__ = ["Mail", "Sender", "add_mail", "current_sender"]

_logger = logging.getLogger("sendkit.fastapi")


class Sender:
    """The mail of an application: its mailer, and its outbox if it has one."""

    def __init__(self, mailer: AsyncMailer, outbox: AsyncOutbox | None = None) -> None:
        self.mailer: AsyncMailer = mailer
        self.outbox: AsyncOutbox | None = outbox

    async def send(self, message: AnyMessage) -> DeliveryResult | Receipt:
        """Send the message, or put it into the outbox. Raises what `AsyncMailer.send` or `AsyncOutbox.put` does."""
        return await (self.mailer.send(message) if self.outbox is None else self.outbox.put(message))


def current_sender(request: Request) -> Sender:
    """The mail of the application that serves the request; tests may override this dependency."""
    found: Sender = request.app.state.sendkit
    return found


Mail: TypeAlias = Annotated[Sender, Depends(current_sender)]
"""The type of the parameter with which an endpoint sends."""


def add_mail(app: FastAPI, mailer: AsyncMailer | None = None, *, outbox: AsyncOutbox | None = None) -> None:
    """Give an application mail for as long as it runs: `mailer`, or that of the environment (deadline: 10 seconds).

    With an `outbox` its worker runs in the application, and `send` puts. A MessageError or a rejected recipient is
    answered with 422, a message in doubt with 202, another DeliveryError with 503 and `Retry-After`; a DeliveryError
    is logged by `sendkit.fastapi`. Other errors are not handled. The start of the application raises
    ConfigurationError.
    """
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: FastAPI) -> AsyncGenerator[Any]:
        async with AsyncExitStack() as stack:
            sending = await stack.enter_async_context(mailer or AsyncMailer.from_env(deadline=10))
            if outbox is not None:
                await stack.enter_async_context(outbox)
                await stack.enter_async_context(outbox.worker(sending))
            running.state.sendkit = Sender(sending, outbox)
            yield await stack.enter_async_context(inner(running))

    app.router.lifespan_context = lifespan
    app.add_exception_handler(MessageError, _answered)
    app.add_exception_handler(DeliveryError, _answered)


async def _answered(_: Request, error: Any) -> JSONResponse:
    if isinstance(error, DeliveryError):
        _logger.error("%s", error)
    told = answer(error)
    headers = {} if told.retry_after is None else {"Retry-After": str(told.retry_after)}
    return JSONResponse({"detail": told.text}, told.status, headers)
