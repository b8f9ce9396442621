"""What enrolling a row does to the register: new, unchanged, changed, differs or refused, each with its reason. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from dure.core.assets import Asset
from dure.core.geo import Point, at
from dure.core.text import Text
from dure.services.environment.enrolling.enrolment import cell_of, near, same_place
from dure.services.environment.enrolling.enrolment_cells import BadCell
from dure.services.environment.enrolling.enrolment_rows import KIND_USUAL, Enrolment, Noticed, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

State = Literal["new", "unchanged", "changed", "differs", "refused"]
Facts = dict[str, Any]
LIKE_DIGITS = 9  # of a DevEUI: its maker's block, and a little of the maker's own numbering


class KnownDevice(msgspec.Struct, frozen=True):
    """What planning needs to know of a device of the register."""

    id: str
    asset: str
    codec: str = ""
    dev_eui: str | None = None
    state: str = "quarantined"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the register holds of the assets and devices a batch names, where assets stand near its places, and usual codecs."""

    assets: dict[str, Asset] = {}
    devices: dict[str, KnownDevice] = {}
    by_dev_eui: dict[str, KnownDevice] = {}
    places: dict[tuple[int, int], list[tuple[str, Point]]] = {}
    codecs: dict[str, str] = {}  # by the first `LIKE_DIGITS` of a DevEUI: the one codec that all such devices have


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What becomes of a row. `differs` is a change that was not asked for; `secret` is shown in this one answer only."""

    row: int
    state: State
    device: str = ""
    asset: str = ""
    name: Text = Text("")
    dev_eui: str = ""
    code: str = ""
    why: Text | None = None
    noticed: tuple[Noticed, ...] = ()
    before: Facts = {}
    after: Facts = {}
    secret: str = ""
    replayed: int = 0


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """An outcome, with the asset and device as they would be; None where nothing is to be written of them."""

    outcome: Outcome
    asset: Asset | None = None
    device: KnownDevice | None = None
    device_is_new: bool = False


def plan(
    items: Iterable[Enrolment], known: Known, city: str, zone_of: Callable[[Point], str | None], *, update: bool
) -> list[Planned]:
    """What each row would do, in order: a row sees what the rows before it would have done.

    Parameters
    ----------
    items : rows that could be read
    known : what the register holds of them
    city : id of the city
    zone_of : id of the zone that holds a point, None outside all
    update : whether a row may change what is known; else such a row ``differs`` and nothing is done
    """
    planner = _Planner(known, city, zone_of, update=update)
    return [planner.row(one) for one in items]


def refused(one: Refused) -> Outcome:
    """The outcome of a row that could not be read."""
    return Outcome(row=one.row, state="refused", device=one.device, name=Text(one.content), code=one.code, why=one.why)


class _Planner:
    def __init__(self, known: Known, city: str, zone_of: Callable[[Point], str | None], *, update: bool) -> None:
        self._assets, self._devices, self._by_eui = dict(known.assets), dict(known.devices), dict(known.by_dev_eui)
        self._places = {cell: list(there) for cell, there in known.places.items()}
        self._codecs = dict(known.codecs)
        self._city, self._zone_of, self._update = city, zone_of, update

    def row(self, one: Enrolment) -> Planned:
        """The row; why it is refused stands in its outcome."""
        try:
            device_id, device = self._device(one)
            one = self._with_codec(one, device)
            asset_id, asset = self._asset(one, device)
            wanted = self._wanted_device(one, device_id, asset_id, device)
            return self._decided(one, device, wanted, asset, self._wanted_asset(one, asset_id, asset))
        except BadCell as bad:
            name = Text(one.name_ko, one.name_en)
            told = Outcome(row=one.row, state="refused", device=one.device, asset=one.asset, name=name, dev_eui=one.dev_eui)
            return Planned(outcome=msgspec.structs.replace(told, code=bad.code, why=bad.why))

    def _device(self, one: Enrolment) -> tuple[str, KnownDevice | None]:
        owner = self._by_eui.get(one.dev_eui) if one.dev_eui else None
        device_id = one.device or (owner.id if owner else one.asset or f"eui-{one.dev_eui}")
        if owner is not None and owner.id != device_id:
            raise BadCell(
                "enrolment.dev_eui_taken",
                Text(
                    f"DevEUI {one.dev_eui}: 장치 {owner.id}의 것입니다. 라벨과 맞춰 보고, 그 장치라면 그 이름을 적어 주세요.",
                    f"The DevEUI {one.dev_eui} is that of {owner.id}. Compare the label, or use that device's id.",
                ),
            )
        device = self._devices.get(device_id)
        if device is not None and device.state == "revoked":
            raise BadCell(
                "enrolment.device_revoked",
                Text(
                    f"장치 {device.id}: 폐기된 이름입니다. 다른 이름으로 등록해 주세요.",
                    f"The device {device.id} is revoked. Use another id.",
                ),
            )
        return device_id, device

    def _asset(self, one: Enrolment, device: KnownDevice | None) -> tuple[str, Asset | None]:
        asset_id = device.asset if device is not None and not one.asset_said else one.asset
        asset = self._assets.get(asset_id)
        if asset is None:
            if not one.name_ko or not asset_id:
                why = Text("새 지점에는 이름을 적어 주세요.", "A new place needs a name.")
                raise BadCell("enrolment.name_missing", why)
            return asset_id, None
        if asset.city != self._city:
            why = Text(f"자산 {asset.id}: 다른 도시의 것입니다.", f"The asset {asset.id} belongs to another city.")
            raise BadCell("asset.other_city", why)
        if asset.state == "retired":
            why = Text(
                f"자산 {asset.id}: 퇴역한 곳입니다. 새 id를 적어 주세요.", f"The asset {asset.id} is retired. Give a new id."
            )
            raise BadCell("enrolment.asset_retired", why)
        if device is None and not one.asset_said and one.name_ko != asset.name.ko:
            why = Text(
                f"이름으로 만든 자산 id {asset.id}: {asset.name.ko}의 것입니다. 자산 id를 따로 적어 주세요.",
                f"The asset id {asset.id} made of the name belongs to {asset.name.ko}. Give an asset id.",
            )
            raise BadCell("enrolment.asset_differs", why)
        return asset_id, asset

    def _with_codec(self, one: Enrolment, device: KnownDevice | None) -> Enrolment:
        """A label that came without a codec takes that of its siblings, and it is said."""
        usual = self._codecs.get(one.dev_eui[:LIKE_DIGITS], "") if one.labelled and one.dev_eui else ""
        if one.codec or not usual or (device is not None and device.codec):
            return one
        why = Text(
            f"코덱을 적지 않아 DevEUI가 비슷한 장치들의 것을 썼습니다: {usual}",
            f"No codec was given; that of devices with a like DevEUI was taken: {usual}",
        )
        return msgspec.structs.replace(one, codec=usual, noticed=(*one.noticed, Noticed("enrolment.codec_usual", why)))

    def _wanted_device(self, one: Enrolment, device_id: str, asset_id: str, device: KnownDevice | None) -> KnownDevice:
        codec = one.codec or (device.codec if device else "")
        dev_eui = one.dev_eui or (device.dev_eui if device else None)
        if dev_eui and not codec:
            why = Text(
                "LoRaWAN 장치에는 코덱을 적어 주세요. 없으면 보낸 값을 읽을 수 없습니다.",
                "A LoRaWAN device needs a codec; what it sends cannot be read without.",
            )
            raise BadCell("enrolment.codec_missing", why)
        return KnownDevice(device_id, asset_id, codec, dev_eui, device.state if device else "quarantined")

    def _wanted_asset(self, one: Enrolment, asset_id: str, asset: Asset | None) -> Asset:
        if asset is None:
            place = None if one.place is None else at(one.place.lon, one.place.lat)
            attributes = one.attributes | self._zone(one.place)
            name = Text(one.name_ko, one.name_en)
            kind = one.kind or KIND_USUAL
            return Asset(id=asset_id, city=self._city, kind=kind, name=name, place=place, attributes=attributes)
        moved = one.place is not None and (asset.place is None or asset.place.point != one.place)
        attributes = asset.attributes | one.attributes
        if moved and one.place is not None:
            attributes = {name: value for name, value in attributes.items() if name != "zone"} | self._zone(one.place)
        return msgspec.structs.replace(
            asset,
            kind=one.kind or asset.kind,
            name=Text(one.name_ko or asset.name.ko, one.name_en or asset.name.en),
            place=at(one.place.lon, one.place.lat) if moved and one.place is not None else asset.place,
            attributes=attributes,
        )

    def _zone(self, point: Point | None) -> dict[str, str]:
        zone = None if point is None else self._zone_of(point)
        return {"zone": zone} if zone else {}

    def _decided(
        self, one: Enrolment, device: KnownDevice | None, wanted: KnownDevice, asset: Asset | None, wanted_asset: Asset
    ) -> Planned:
        before, after = _changes(device, wanted, asset, wanted_asset)
        state: State = "new" if device is None else "changed" if after else "unchanged"
        if after and not self._update:
            state = "differs"
        placed = asset is None or asset.place != wanted_asset.place
        outcome = Outcome(
            row=one.row,
            state=state,
            device=wanted.id,
            asset=wanted.asset,
            name=wanted_asset.name,
            dev_eui=wanted.dev_eui or "",
            code="enrolment.differs" if state == "differs" else "",
            why=_DIFFERS if state == "differs" else None,
            noticed=(*one.noticed, *(self._about_place(wanted_asset, one) if placed else ())),
            before=before,
            after=after,
        )
        if state in ("differs", "unchanged"):
            return Planned(outcome=outcome)
        self._remember(wanted, wanted_asset)
        return Planned(
            outcome=outcome,
            asset=wanted_asset if wanted_asset != asset else None,
            device=wanted if wanted != device else None,
            device_is_new=device is None,
        )

    def _about_place(self, asset: Asset, one: Enrolment) -> list[Noticed]:
        if asset.place is None:
            return [_NO_PLACE]
        found = []
        if "zone" not in asset.attributes:
            found.append(_OUTSIDE)
        other = near(asset.place.point, self._places)
        if other is not None and other != asset.id and all(known.code != "enrolment.same_place" for known in one.noticed):
            found.append(same_place(other))
        return found

    def _remember(self, device: KnownDevice, asset: Asset) -> None:
        self._devices[device.id] = device
        self._assets[asset.id] = asset
        if device.dev_eui:
            self._by_eui[device.dev_eui] = device
        if asset.place is not None:
            self._places.setdefault(cell_of(asset.place.point), []).append((asset.id, asset.place.point))


def _changes(device: KnownDevice | None, wanted: KnownDevice, asset: Asset | None, wanted_asset: Asset) -> tuple[Facts, Facts]:
    """Old and new of each fact that a row would change of what is known."""
    old: Facts = {}
    new: Facts = {}
    if asset is not None:
        old |= _flat(asset)
        new |= _flat(wanted_asset)
    if device is not None:
        old |= {"asset": device.asset, "codec": device.codec, "dev_eui": device.dev_eui}
        new |= {"asset": wanted.asset, "codec": wanted.codec, "dev_eui": wanted.dev_eui}
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return {name: old.get(name) for name in changed}, {name: new.get(name) for name in changed}


def _flat(asset: Asset) -> Facts:
    place = None if asset.place is None else asset.place.coordinates
    return {"kind": asset.kind, "name_ko": asset.name.ko, "name_en": asset.name.en, "place": place} | asset.attributes


_DIFFERS = Text(
    "이미 등록된 내용과 다릅니다. 바꾸려면 고치기를 함께 고르세요.",
    "It differs from what is registered. Ask for updates to change it.",
)
_NO_PLACE = Noticed(
    "enrolment.no_place", Text("위치가 없어 지도에 보이지 않습니다.", "It has no position and will not be on the map.")
)
_OUTSIDE = Noticed(
    "enrolment.outside_zones",
    Text("도시의 모든 구역 밖입니다. 위치가 맞는지 보세요.", "It lies outside every zone of the city. Check the position."),
)
