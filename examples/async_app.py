"""A small shop that confirms its orders by mail: several tasks, one AsyncMailer, and a decision for each outcome.

    SENDKIT_HOST=smtp.example.com SENDKIT_USERNAME=ana@example.com SENDKIT_FROM=shop@example.com \
    python async_app.py luis@example.com ops@example.net

Each argument is the customer of one order. SHOP_PATIENCE is the time for one mail in seconds, all its tries included.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from enum import StrEnum

from sendkit import AsyncMailer, DeliveryError, Message, errors

WORKERS = 3


class State(StrEnum):
    """What the shop knows of a confirmation, as it would stand in its database."""

    CONFIRMED = "confirmed"
    LATER = "send again later"
    ASK = "ask the customer before sending again"
    FAILED = "a person must look at it"


@dataclass(frozen=True)
class Order:
    """An order, and who gave it."""

    number: int
    customer: str


async def confirm(mailer: AsyncMailer, order: Order) -> State:
    """Confirm one order; whatever the server and the network do, the shop goes on."""
    try:
        text = f"Thank you! We have your order number {order.number}."
        await mailer.send(Message(to=order.customer, subject=f"Order {order.number}", text=text))
    except errors.InDoubtError as error:
        # A second copy would look like a second order, so that only a person may decide.
        print(f"order {order.number}: {error.message}", file=sys.stderr)
        return State.ASK
    except DeliveryError as error:
        print(f"order {order.number}: {error}", file=sys.stderr)
        return State.LATER if error.transient else State.FAILED
    except errors.MessageError as error:
        print(f"order {order.number}: {error}", file=sys.stderr)
        return State.FAILED
    return State.CONFIRMED


async def worker(mailer: AsyncMailer, orders: asyncio.Queue[Order], states: dict[int, State]) -> None:
    """Take orders until there are no more."""
    while not orders.empty():
        order = orders.get_nowait()
        states[order.number] = await confirm(mailer, order)
        print(f"order {order.number} ({order.customer}): {states[order.number]}")


async def main(customers: list[str]) -> int:
    """Confirm all orders; 0 when every customer has heard of it."""
    orders: asyncio.Queue[Order] = asyncio.Queue()
    for number, customer in enumerate(customers, start=1):
        orders.put_nowait(Order(number, customer))
    states: dict[int, State] = {}
    patience = float(os.environ.get("SHOP_PATIENCE", "60"))
    # One mailer for all tasks: they share its connections, and its one login.
    async with AsyncMailer.from_env(deadline=patience) as mailer, asyncio.TaskGroup() as tasks:
        for _ in range(WORKERS):
            tasks.create_task(worker(mailer, orders, states))
    return 0 if all(state is State.CONFIRMED for state in states.values()) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
