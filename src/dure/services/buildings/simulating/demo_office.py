"""The demo's energy manager: what people do once a city has meters.

Bills are taken in at the import desk, the exchange of a meter is noted, a target is set, and, once there are readings enough, the
baseline of the LED lighting is frozen. Months are asked for of what the meters sent of their past.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from dure.core.errors import DureError
from dure.core.text import Text
from dure.core.time import day_of, from_us, to_us
from dure.engines.records.audit import By
from dure.services.buildings.baselines import measure_records
from dure.services.buildings.baselines.measure_desk import MeasureDesk
from dure.services.buildings.baselines.measures import Wanted
from dure.services.buildings.baselines.refit_watch import RefitWatch
from dure.services.buildings.baselines.saving_watch import SavingWatch
from dure.services.buildings.comparing import target_records
from dure.services.buildings.comparing.targets import Target
from dure.services.buildings.factors.carbon import PROGRAMME
from dure.services.buildings.finding.finding_watch import FindingWatch
from dure.services.buildings.intervals import exchange_records
from dure.services.buildings.intervals.import_desk import ImportDesk
from dure.services.buildings.intervals.import_files import Asked
from dure.services.buildings.intervals.read_watch import ReadWatch
from dure.services.buildings.months import touched_records
from dure.services.buildings.months.touched_records import Touched
from dure.services.buildings.reads.model import Exchange
from dure.services.buildings.simulate import SENDING, first_sent
from dure.services.buildings.simulating.virtual_bills import bills_of, files_of
from dure.services.buildings.simulating.virtual_buildings import HOUR_US
from dure.services.buildings.simulating.virtual_registers import Counter, first_hour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.services.buildings.simulating.virtual_bills import BillRow
    from dure.services.buildings.simulating.virtual_buildings import Climate, VirtualMeter
    from dure.spine.house import House

log = structlog.get_logger("dure.simulator")

MANAGER = "demo-energy-manager"
BILL_MONTHS = 26
BASELINE_D = 366
STORED_S = 30.0
FILE_NAMES = {
    "electricity.csv": "전기 고지서.csv",
    "city_gas.csv": "도시가스 고지서.csv",
    "heat.csv": "지역난방 고지서.csv",
    "water.csv": "수도 고지서.csv",
    "oil.csv": "유류 구입.csv",
}
TARGET_ID, TARGET_YEAR, TARGET_SHARE = "demo-target-2030", 2030, 0.5
BASE_YEARS = (2007, 2009)
BASE_OVER_NOW = 1.38  # what the body emitted in its base years, over what it emits by the simulator


class DemoOffice:
    """Does once, after the past was sent, what a person would."""

    def __init__(self, house: House, meters: Sequence[VirtualMeter], climate: Climate) -> None:
        self._house, self._meters, self._climate = house, meters, climate
        self._began_at = meters[0].began_at
        self._asked = False

    async def begin(self) -> int:
        """Take the bills in, note the exchange, set the target, ask for months; how many bills."""
        rows = await asyncio.to_thread(self._bills)
        desk, taken = ImportDesk(self._house), 0
        for name, body in files_of(rows).items():
            done = await desk.confirm(body, Asked(name=FILE_NAMES[name], kind="bills"), "accepted", self._by())
            taken += done.bills_n
        await asyncio.to_thread(self._write)
        return taken

    async def look(self) -> int:
        """Freeze what can be frozen by now; how many measures.

        Models, savings and findings, which else come by night and in turns, are asked for once.
        """
        frozen, waiting = await asyncio.to_thread(self._freeze)
        if not waiting and not self._asked and await self._ready():
            self._asked = True
            await self._ask()
        return frozen

    async def _ready(self) -> bool:
        """Whether the hours of the registers are on the books, and every month that was touched is made."""
        if not await self._stored():
            return False
        await ReadWatch(self._house).look()
        return await self._stored() and not await asyncio.to_thread(self._months_wait)

    def _months_wait(self) -> bool:
        with self._house.records.read() as connection:
            return bool(touched_records.waiting(connection, 1))

    async def _ask(self) -> None:
        await RefitWatch(self._house).look()
        await SavingWatch(self._house).look()
        watch, looked = FindingWatch(self._house), 0
        while looked < len(self._meters):
            looked += max(await watch.look(), 1)

    async def _stored(self) -> bool:
        """Whether all that was sent so far is stored within a while; where another process records, nobody can tell."""
        recorder = self._house.recorder
        seq = (await self._house.bus.state()).last_seq
        return recorder is None or await recorder.wait_for(seq, STORED_S)

    def _by(self) -> By:
        return By(MANAGER, self._house.clock.now())

    def _bills(self) -> list[BillRow]:
        today = day_of(self._began_at, self._house.city.zone)
        billed = [one for one in self._meters if one.meter.number and one.meter.part == "main" and one.meter.fuel != "pv"]
        seed = self._house.city.seed
        return [row for one in billed for row in bills_of(seed, one, self._climate, today, BILL_MONTHS)]

    def _write(self) -> None:
        with self._house.records.begin() as connection:
            for one in self._meters:
                if one.fault == "exchanged":
                    last, first = Counter(self._house.city.seed, one, self._climate).at_exchange()
                    exchange_records.note(connection, one.meter.id, Exchange(from_us(one.fault_us), last, first), self._by())
            touched_records.touch(connection, self._sent_months())
            target = self._target()
            if not target_records.find(connection, target.subject):
                target_records.put(connection, target)

    def _sent_months(self) -> list[Touched]:
        """The months of the uses that were sent: each can be made when its last hour is stored."""
        found, now = [], self._house.clock.now()
        for one in self._meters:
            if one.speech in SENDING:
                end = to_us(self._began_at) // HOUR_US if one.speech == "use" else first_hour(one)
                hours = (hour * HOUR_US for hour in range(first_sent(one), end))
                months = touched_records.months_of(hours, self._house.city.zone)
                found += [
                    Touched(meter=one.meter.id, month=month, touched_at=now, use=one.meter.supply.use, last_us=last_us)
                    for month, last_us in months.items()
                ]
        return found

    def _target(self) -> Target:
        """Half of the base years' emissions by 2030, for the body of most buildings."""
        body = max((one.building.body for one in self._meters), key=[one.building.body for one in self._meters].count)
        base_g = BASE_OVER_NOW * emitted_g_year(self._meters)
        return Target(
            id=TARGET_ID,
            subject=f"body:{body}",
            kind="emissions_g",
            year=TARGET_YEAR,
            value=TARGET_SHARE * base_g,
            base=base_g,
            base_from=BASE_YEARS[0],
            base_to=BASE_YEARS[1],
            programme=PROGRAMME,
            person=MANAGER,
            made_at=self._house.clock.now(),
            base_note="시연용으로 지어낸 값 · made up for the demo",
        )

    def _freeze(self) -> tuple[int, int]:
        """Freeze the baseline of each measure whose year of readings is there; how many were frozen, and how many wait."""
        with self._house.records.read() as connection:
            known = {meter for one in measure_records.listing(connection) for meter in one.meters}
        frozen = waiting = 0
        for one in self._meters:
            if one.measure_at is None or one.meter.id in known:
                continue
            try:
                MeasureDesk(self._house).freeze(self._wanted(one, one.measure_at), self._by())
            except DureError as error:  # readings or weather are not all stored yet: the next look tries again
                log.debug("demo.measure_waits", code=error.code)
                waiting += 1
                continue
            frozen += 1
        return frozen, waiting

    def _wanted(self, one: VirtualMeter, began_at: datetime) -> Wanted:
        begins_on: date = day_of(began_at, self._house.city.zone)
        return Wanted(
            building=one.building.id,
            name=Text("LED 조명 교체 (시연)", "LED lighting (demo)"),
            work="led",
            meters=(one.meter.id,),
            begins_on=begins_on,
            baseline_start=begins_on - timedelta(days=BASELINE_D),
            baseline_end=begins_on,
            static="연면적과 운영 시간이 같음",
            late=True,
        )


def emitted_g_year(meters: Sequence[VirtualMeter]) -> float:
    """What buildings of this size emit in a year, roughly [gCO2e]: a base for the demo's target."""
    areas = {one.building.id: one.building.area_m2 for one in meters}
    return 52_000.0 * sum(areas.values())
