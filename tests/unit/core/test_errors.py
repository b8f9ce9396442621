"""The tree of errors as its docstring draws it."""

import re
import textwrap

from dure.core import errors

DRAWN = re.compile(r"^([│ ├└─]*)([A-Z]\w+)(?: {2,}(.*))?$", re.MULTILINE)


def drawn():
    """Pairs of class and parent, read off the drawing."""
    path, found = [], []
    for bars, name, _ in DRAWN.findall(textwrap.dedent(errors.__doc__.split("::", 1)[1].split("\nA bad", 1)[0])):
        depth = len(bars) // 4
        path[depth:] = [name]
        found.append((name, path[depth - 1] if depth else "Exception"))
    return found


def defined():
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Exception)]
    return [(one.__name__, one.__base__.__name__) for one in classes]


def test_the_tree_drawn_is_the_tree_defined():
    assert sorted(drawn()) == sorted(defined())
    assert len(defined()) >= 11


def test_an_error_says_its_code_and_keeps_its_detail():
    error = errors.RateLimited("http.rate", "Too much.", retry_after_s=3)
    assert str(error) == "Too much. [http.rate]"
    assert (error.who, error.retry, error.detail) == ("sender", True, {"retry_after_s": 3})


def test_who_fixes_it_and_whether_to_retry_is_inherited():
    assert errors.TooLarge("a", "b").who == "sender"
    assert (errors.Unavailable("a", "b").who, errors.Unavailable("a", "b").retry) == ("operator", True)
    assert not errors.Corrupt("a", "b").retry
