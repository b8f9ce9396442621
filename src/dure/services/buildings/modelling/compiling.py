"""How the loops of this package are compiled: by numba, cached on disk, and how to go without it.

Each ``*_kernel.py`` is plain Python in the part that numba compiles. `kernel` gives the compiled module; within `bypassed` it
gives a second copy of the same source without numba: ready at once, some hundred times slower, with the same answers (decision
0010). ``python -m dure.services.buildings.modelling.compiling`` fills the cache ahead of time, so that nobody waits.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    F = TypeVar("F", bound=Callable[..., Any])

PACKAGE = "dure.services.buildings.modelling"
KERNELS = ("hinge_kernel", "refining_kernel", "towt_kernel")
_SPARE: list[Path] = []
_BYPASS: ContextVar[bool] = ContextVar("bypass", default=False)


def compiled(function: F) -> F:
    """The function compiled by numba and cached on disk; as it is in a copy that is to be interpreted."""
    if function.__module__.endswith("_interpreted"):
        return function
    import numba  # noqa: PLC0415  # the interpreted copy must not load it

    njit, options = cast("Any", numba.njit), {"nogil": True, "error_model": "numpy"}
    try:
        return cast("F", njit(cache=True, **options)(function))
    except RuntimeError:  # numba found no folder for its cache: the installation and the home are read-only
        return cast("F", _compiled_elsewhere(function, njit, options))


def _compiled_elsewhere(function: Any, njit: Any, options: dict[str, Any]) -> Any:
    """The function with its cache in the folder that was named for it; without a cache where that cannot be written either."""
    import numba  # noqa: PLC0415  # as above

    if _SPARE:
        config = cast("Any", numba.config)
        config.CACHE_DIR, kept = str(_SPARE[-1]), config.CACHE_DIR
        try:
            _SPARE[-1].mkdir(parents=True, exist_ok=True)
            return njit(cache=True, **options)(function)
        except (RuntimeError, OSError):
            pass
        finally:
            config.CACHE_DIR = kept
    return njit(**options)(function)


def spare_cache(folder: Path | str) -> None:
    """Where compiled loops may be kept if neither the installation nor the home can be written; before the first of them."""
    _SPARE[:] = [Path(folder)]


def kernel(name: str) -> Any:
    """The module of loops called `name`: compiled, or interpreted within `bypassed`."""
    return _interpreted(name) if _BYPASS.get() else importlib.import_module(f"{PACKAGE}.{name}")


@contextmanager
def bypassed() -> Iterator[None]:
    """Within this, nothing is compiled: for one answer sooner than the compiler."""
    token = _BYPASS.set(True)
    try:
        yield
    finally:
        _BYPASS.reset(token)


@cache
def _interpreted(name: str) -> Any:
    whole = f"{PACKAGE}.{name}"
    found = importlib.util.find_spec(whole)
    assert found is not None  # noqa: S101  # it stands beside this file
    spec = importlib.util.spec_from_file_location(f"{whole}_interpreted", found.origin)
    assert spec is not None  # noqa: S101  # it was found
    assert spec.loader is not None  # noqa: S101  # a source file has one
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def compile_ahead() -> None:
    """Compile every loop for the types it is called with, or load it from the cache."""
    for name in KERNELS:
        kernel(name).compile_ahead()


if __name__ == "__main__":
    importlib.import_module(f"{PACKAGE}.compiling").compile_ahead()
