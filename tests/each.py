"""One test of a law for each of many values, without a test for each: thousands of tests cost more than what they test.

`@each(VALUES)` stands where `@pytest.mark.parametrize` would, over a law that needs no fixture. The test looks at every
value, and names each that breaks the law, with what was compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Law = Callable[..., None]


def each(values: Iterable[Any], *, called: Callable[[Any], object] = str) -> Callable[[Law], Law]:
    """Make one test of a law; a plain tuple is its arguments. `called` names a value where it breaks the law."""
    cases = [(str(called(value)), value if type(value) is tuple else (value,)) for value in values]
    assert cases, "a law of nothing always holds"

    def made(law: Law) -> Law:
        def test(*owner: object) -> None:  # the instance, where it is a method
            broken: dict[str, str] = {}
            for name, arguments in cases:
                try:
                    law(*owner, *arguments)
                except AssertionError as error:
                    broken[name] = str(error)
                except Exception as error:
                    error.add_note(f"the law was looked at for {name}")
                    raise
            assert broken == {}, broken

        test.__name__, test.__qualname__, test.__doc__ = law.__name__, law.__qualname__, law.__doc__
        test.__module__ = law.__module__
        return test

    return made
