"""A mapping that cannot be changed is otherwise like any other."""

from __future__ import annotations

import copy
import pickle

import pytest

from sendkit._message.read_only import ReadOnlyMapping, read_only


@pytest.mark.parametrize("names", [["one"], ["one", "two"]])
def test_a_mapping_of_one_name_is_like_any_other(names: list[str]) -> None:
    plain = {name: name.upper() for name in names}
    mapping = read_only(plain)
    assert mapping == plain == dict(mapping)
    assert [*mapping.items()] == [*plain.items()]
    assert [*mapping.values()] == [*plain.values()]
    assert (mapping["one"], mapping.get("three"), "three" in mapping) == ("ONE", None, False)
    assert len(mapping) == len(names)
    assert repr(mapping) == repr(plain)
    assert isinstance(mapping, ReadOnlyMapping)
    for copied in (
        copy.copy(mapping),
        copy.deepcopy(mapping),
        *(pickle.loads(pickle.dumps(mapping, n)) for n in range(6)),
    ):
        assert copied == plain
    with pytest.raises(KeyError):
        mapping["three"]
    with pytest.raises(TypeError):
        mapping["one"] = "other"  # type: ignore[index]  # pyright: ignore[reportIndexIssue] - which it refuses
