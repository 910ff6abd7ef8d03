"""Each commit on PostgreSQL is as durable as it was asked for."""

from __future__ import annotations

import pytest

from sendkit.errors import OutboxError
from sendkit.outbox._place import place_of
from sendkit.outbox._statements import Statement


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
