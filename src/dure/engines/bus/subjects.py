"""Names on the bus: streams, MQTT topics and NATS subjects, made and read back."""

from __future__ import annotations

import msgspec

from dure.core.errors import InputError
from dure.core.identifiers import PARTITIONS, identifier, partition

STREAM = "OBS"
STREAM_SUBJECTS = ("rows.>", "pack.>", "flags.>")
MQTT_STREAM = "$MQTT_msgs"
MQTT_STREAM_SUBJECTS = ("$MQTT.msgs.>",)
MQTT_UP_FILTER = "$MQTT.msgs.up.*.*"
# The server itself partitions what devices send by MQTT QoS 1; its hash is FNV-1a, as in `core.identifiers.partition`.
RAW_TRANSFORM = f"raw.{{{{wildcard(1)}}}}.{{{{partition({PARTITIONS},2)}}}}.{{{{wildcard(2)}}}}"
UP_ALL = "up.*.*"


class Origin(msgspec.Struct, frozen=True):
    """Where a message of the stream comes from.

    `device` is empty for a pack, which holds many devices, and the source that judged for flags.
    """

    kind: str
    city: str
    partition: int
    device: str = ""


def up(city: str, device: str) -> str:
    """Subject on which a device sends its readings."""
    return f"up.{identifier(city, 'city')}.{identifier(device, 'device')}"


def ack(city: str, device: str) -> str:
    """Subject on which a device tells the outcome of a command."""
    return f"ack.{identifier(city, 'city')}.{identifier(device, 'device')}"


def command(city: str, device: str) -> str:
    """Subject on which a device hears commands."""
    return f"cmd.{identifier(city, 'city')}.{identifier(device, 'device')}"


def topic(subject: str) -> str:
    """MQTT topic of a subject."""
    return subject.replace(".", "/")


def raw(city: str, device: str) -> str:
    """Subject in the stream of a device's own bytes, sent by MQTT QoS 1."""
    return f"raw.{identifier(city, 'city')}.{partition(device)}.{identifier(device, 'device')}"


def rows(city: str, device: str) -> str:
    """Subject in the stream of validated rows: HTTP, imports, bridges."""
    return f"rows.{identifier(city, 'city')}.{partition(device)}.{identifier(device, 'device')}"


def pack(city: str, partition_no: int) -> str:
    """Subject in the stream of many small payloads of one partition."""
    if not 0 <= partition_no < PARTITIONS:
        raise InputError("bus.subject", f"There is no partition {partition_no}; they are 0 to {PARTITIONS - 1}.")
    return f"pack.{identifier(city, 'city')}.{partition_no}"


def flags(city: str, source: str) -> str:
    """Subject in the stream of revised flags, by whoever judges: a service, a person's desk."""
    return f"flags.{identifier(city, 'city')}.{partition(source)}.{identifier(source, 'source')}"


def parse_up(subject: str) -> tuple[str, str]:
    """City and device of ``up.<city>.<device>``; else refused."""
    head, _, rest = subject.partition(".")
    city, _, device = rest.partition(".")
    if head != "up":
        raise InputError("bus.subject", f"{subject[:80]!r} is not up.<city>.<device>.")
    return identifier(city, "city"), identifier(device, "device")


def parse(subject: str) -> Origin:
    """Origin of a message of the stream by its subject; else refused."""
    kind, *tokens = subject.split(".")
    wanted = 2 if kind == "pack" else 3
    if kind not in {"raw", "rows", "pack", "flags"} or len(tokens) != wanted or not (tokens[1].isascii() and tokens[1].isdigit()):
        raise InputError("bus.subject", f"{subject[:80]!r} is not a subject of the stream {STREAM}.")
    number = int(tokens[1])
    if number >= PARTITIONS:
        raise InputError("bus.subject", f"{subject[:80]!r}: there is no partition {number}.")
    return Origin(kind, tokens[0], number, tokens[2] if wanted == 3 else "")


def of_partitions(numbers: range | list[int], city: str = "*") -> list[str]:
    """Filters of the stream for a reader that takes only some partitions."""
    kinds = (("raw", ".*"), ("rows", ".*"), ("pack", ""), ("flags", ".*"))
    return [f"{kind}.{city}.{n}{tail}" for n in numbers for kind, tail in kinds]
