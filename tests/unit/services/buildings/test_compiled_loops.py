from __future__ import annotations

import numpy as np

from dure.services.buildings.modelling import hinge_kernel, refining_kernel, towt_kernel
from dure.services.buildings.modelling.change_points import Bills, fit_billing, fit_daily, fit_daily_many
from dure.services.buildings.modelling.compiling import bypassed, compile_ahead, kernel
from dure.services.buildings.modelling.seasons import fit_seasonal
from dure.services.buildings.modelling.towt import fit_hourly

ENTRIES = (
    *(hinge_kernel.hinge_sums, hinge_kernel.best_candidate, hinge_kernel.fit_meters, hinge_kernel.best_cover),
    *(refining_kernel.refine, refining_kernel.predict_rows),
    *(towt_kernel.occupancy, towt_kernel.fit_hours, towt_kernel.predict_hours),
)


def read_only(values):
    values = np.array(values)
    values.flags.writeable = False
    return values


def test_nothing_is_compiled_beyond_what_is_compiled_ahead():
    compile_ahead()
    ahead = [len(entry.signatures) for entry in ENTRIES]
    chance = np.random.default_rng(1)
    temperature, usage = read_only(60 + 15 * chance.standard_normal(1400))[::2], read_only(90 + chance.random(1400))[::2]
    hour, month, cell = np.arange(700) % 168, np.arange(700) // 300, np.arange(700) % 6
    fit_daily(temperature, usage)
    fit_daily_many(temperature, np.asfortranarray([usage, usage]))
    fit_billing(temperature, Bills(np.arange(0, 700, 50), np.arange(50, 750, 50), 10 * usage[:14]))
    fit_seasonal(temperature, usage, cell).predict(temperature, cell[::1])
    fit_hourly(temperature, usage, hour, month).predict(temperature, hour, month)
    assert [len(entry.signatures) for entry in ENTRIES] == ahead


def test_within_a_bypass_the_loops_are_plain_python():
    with bypassed():
        assert not hasattr(kernel("towt_kernel").fit_hours, "signatures")
    assert hasattr(kernel("towt_kernel").fit_hours, "signatures")


def test_the_interpreted_loops_can_be_made_ready_too():
    with bypassed():
        compile_ahead()
