"""A message needs no pydantic to be made, copied and rendered, and is a model of pydantic's for everybody who asks."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from typing import Any

import pytest

from sendkit import Message
from sendkit._message.made import CHECKS, DEFAULTS, MADE_HERE
from sendkit._message.model import Fields

# Each begins in a fork of an interpreter that has loaded nothing, with a message that was made there.
ASKED = [
    "Message.model_fields.keys() == made.keys()",
    "Message.model_config['frozen']",
    "made == dict(message)",
    "message == copy.copy(message)",
    "message == copy.deepcopy(message)",
    "message == pickle.loads(pickle.dumps(message))",
    "message == Message.from_json(message.to_json())",
    "message == Message.model_validate(message.model_dump())",
    "message.model_copy(update={'subject': 'y'}).subject == 'y'",
    "message.model_extra is None",
    "'model_dump' in dir(message)",
    "'model_validate' in dir(Message)",
    "hasattr(Message, '__get_pydantic_core_schema__')",
    "BaseModel and not hasattr(Message, 'nothing')",
    "BaseModel and not hasattr(message, 'nothing')",
    "refused(lambda: setattr(message, 'subject', 'y')) == 'frozen_instance'",
    "refused(lambda: delattr(message, 'subject')) == 'frozen_instance'",
    "type('Sub', (Message,), {'more': lambda self: self.subject})(subject='y').more() == 'y'",
    "type('Sub', (Message,), {'__annotations__': {'number': int}})(number='5').number == 5",
    "TypeAdapter(Message).validate_python(made) == message",
    "create_model('Job', message=(Message, ...))(message=message).message is message",
    "not issubclass(Message, BaseModel) and bool(Message()) and issubclass(Message, BaseModel)",
    "not find_spec('fastapi') or bool(import_module('sendkit.fastapi')) and issubclass(Message, BaseModel)",
    "isinstance(Message(), BaseModel) and issubclass(Message, BaseModel)",
    "at_once(lambda: Message.model_validate({'subject': 'x'})) == [Message] * 4",
    "at_once(lambda: Message.model_validate_strings({'subject': 'x'})) == [Message] * 4",
    "Message.model_json_schema()['title'] == 'Message'",
    "'import pydantic' in another_layout() and bool(Message.model_fields)",
    "at_once(lambda: TypeAdapter(Message).validate_python({'subject': 'x'})) == [Message] * 4",
]
PROGRAM = """
import copy, os, pickle, sys, threading
from importlib import import_module
from importlib.util import find_spec
from sendkit import Mailer, Message
message = Message(sender="ana@example.com", to="b@c.d", subject="x", text="y", headers={"X-A": "1"})
shared = Message.template(sender="ana@example.com", text="$v")
made = dict(vars(message))
assert copy.copy(message).as_bytes() == message.as_bytes() and hash(message) and repr(message)
assert message.model_fields_set == {"sender", "to", "subject", "text", "headers"}
assert shared.merge(to="b@c.d", v="1").as_bytes()
assert not hasattr(Message, "nothing") and not hasattr(message, "__html__")
print(sorted({"pydantic", "pydantic_core"} & sys.modules.keys()), flush=True)
def refused(change):
    from pydantic import ValidationError
    try:
        change()
    except ValidationError as error:
        return error.errors()[0]["type"]
def another_layout():
    from sendkit import errors
    from sendkit._message import late
    class Other(late.base(lambda: type("Model", (), {"__slots__": ("fields",)}))): ...
    try:
        Other.model_fields
    except errors.ConfigurationError as error:
        return error.hint
    finally:
        late.waiting.pop(Other)
def at_once(make):
    together, found = threading.Barrier(4), []
    def run():
        together.wait()
        found.append(type(make()))
    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return found
for asked in sys.argv[1:]:
    if not (child := os.fork()):
        try:
            if "BaseModel" in asked or "TypeAdapter" in asked or "create_model" in asked:
                from pydantic import BaseModel, TypeAdapter, create_model
            good = eval(asked)
            from pydantic import BaseModel
            good = good and isinstance(message, BaseModel) and issubclass(Message, BaseModel)
            good = good and type(Message) is type(BaseModel) and type(Message.model_validate(made)) is Message
            print("as it should" if good is True else f"{asked}: {good!r}", flush=True)
        except BaseException as error:
            print(f"{asked}: {error!r}", flush=True)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_it_is_a_model_from_the_moment_that_somebody_asks_for_what_only_a_model_has() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SENDKIT_FROM"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *ASKED],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert (done.stdout.splitlines(), done.stderr) == (["[]", *["as it should"] * len(ASKED)], "")


@pytest.mark.parametrize("first", ["import pydantic", "from pydantic import BaseModel"])
def test_it_is_a_model_from_the_beginning_where_pydantic_was_imported_before(first: str) -> None:
    asked = "import pydantic; from sendkit import Message; class_ = type('Both', (Message, pydantic.BaseModel), {})"
    shown = "print(issubclass(Message, pydantic.BaseModel), class_(subject='x').subject)"
    done = subprocess.run(
        [sys.executable, "-c", f"{first}; {asked}; {shown}"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True x\n"


def test_one_table_says_what_the_fields_are() -> None:
    assert [*Fields.model_fields] == [*Message.model_fields] == [*CHECKS] == [*DEFAULTS]
    for name, field in Message.model_fields.items():
        if name not in MADE_HERE:
            assert field.get_default(call_default_factory=True, validated_data={}) == DEFAULTS[name]
    made = Message()
    assert [*vars(made)] == [*CHECKS]
    assert made == Message.model_validate({"message_id": made.message_id, "date": made.date, "boundary": made.boundary})


def test_values_of_it_are_collected_and_referred_to_like_any_other() -> None:
    class Kept(Message):
        about: Any = None

    made: list[Message] = [Message(), Kept()]
    vars(made[1])["about"] = made[1]
    gone = [weakref.ref(one) for one in made]
    made.clear()
    gc.collect()
    assert [one() for one in gone] == [None, None]
