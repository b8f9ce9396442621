"""The codecs that come with Dure: one TOML file per payload format, read when first asked for."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from dure.core.errors import NotFound
from dure.protocols.bytemap import Codec, load_codec


@cache
def shipped_names() -> tuple[str, ...]:
    """Names of the codecs, ``<vendor>-<device>``, sorted."""
    return tuple(sorted(file.name.removesuffix(".toml") for file in files(__package__).iterdir() if file.name.endswith(".toml")))


@cache
def shipped(name: str) -> Codec:
    """A codec by its name."""
    if name not in shipped_names():
        raise NotFound("codec.unknown", f"There is no codec {name[:80]!r}; docs/en/codecs.md lists those that come with Dure.")
    return load_codec(files(__package__).joinpath(f"{name}.toml").read_text("utf-8"), f"{name}.toml")
