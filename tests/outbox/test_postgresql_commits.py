"""Each commit on PostgreSQL is as durable as it was asked for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sendkit import Message, Outbox
from sendkit.errors import OutboxError
from sendkit.outbox._fence import Ledger
from sendkit.outbox._place import place_of
from sendkit.outbox._statements import Statement, Work


def test_a_commit_that_must_be_waited_for_is_after_one_that_need_not_be_and_after_one_that_failed(
    postgresql: str,
) -> None:
    database = place_of(postgresql).open()
    setting = (Statement("select current_setting('synchronous_commit')"),)

    def seen(*, durable: bool) -> object:
        with database.transaction(durable=durable):
            ((((said,),),)) = database.execute(setting)
        assert database.commit(setting, durable=durable) == [[(said,)]]
        return said

    try:
        assert [seen(durable=durable) for durable in (True, False, True, False)] == ["on", "off", "on", "off"]
        for durable in (True, False):
            with pytest.raises(OutboxError), database.transaction(durable=durable):
                database.execute((Statement("select 1 / 0"),))
            assert seen(durable=True) == "on"
            with pytest.raises(OutboxError):
                database.commit((Statement("select 1 / 0"), Statement("select 2")), durable=durable)
            assert seen(durable=True) == "on"
            assert seen(durable=False) == "off"
    finally:
        database.close()


def test_nobody_is_told_of_a_commit_that_fails(postgresql: str) -> None:
    """In a pipeline a statement without rows is answered together with the commit, after `execute` has returned."""

    def task(ledger: Ledger, items: Sequence[None]) -> Work[list[str]]:
        yield (
            Statement("update sendkit_letter set lane = 'news'"),
            Statement("update sendkit_letter set account = null"),
        )
        return ["done"]

    with Outbox(postgresql, account="test") as outbox:
        receipt = outbox.put(Message(sender="ana@example.com", to="luis@example.com", subject="Hola", text="x"))
        with pytest.raises(OutboxError, match="null value"):
            outbox._core.writer.call(task, None)
        assert outbox.status(receipt).lane == ""
