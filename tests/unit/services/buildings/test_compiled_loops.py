from __future__ import annotations

import subprocess
import sys

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


FIRST_FIT = """
import time
import numba
import numpy as np
from dure.services.buildings.modelling.change_points import KOREAN_C
from dure.services.buildings.modelling.seasons import Splitting, fit_seasonal
from dure.services.buildings.modelling.towt import KNOTS_C, Hourly, fit_hourly
hour = np.arange(8760)
temperature = 12 - 14 * np.cos(hour / 8760 * 6.283) + 4 * np.sin(hour / 24 * 6.283)
usage = 100 + 3 * np.maximum(0, 15 - temperature) + 20 * (hour % 24 > 8)
loaded = time.process_time()
fit_hourly(temperature, usage, hour % 168, (hour // 730).clip(0, 11), Hourly(knots=KNOTS_C))
days = temperature.reshape(-1, 24).mean(1), usage.reshape(-1, 24).sum(1)
fit_seasonal(*days, np.arange(365) % 6, Splitting(grid=KOREAN_C))
print(time.process_time() - loaded, loaded)
"""


def test_a_first_fit_in_a_new_process_takes_less_than_two_seconds_when_the_cache_is_warm():
    compile_ahead()
    told = subprocess.run([sys.executable, "-c", FIRST_FIT], check=True, capture_output=True, text=True, timeout=120)
    cpu_s = float(told.stdout.split()[0])
    assert cpu_s < 2, f"CPU of both fits, and of loading all before: {told.stdout}"


def test_loops_are_kept_in_a_spare_folder_where_nothing_else_can_be_written(tmp_path):
    """What numba tries first is taken away in a process of its own: the installation and the home cannot be written."""
    program = """
import sys
import numba.core.caching as caching
caching.CacheImpl._locator_classes = [caching.UserProvidedCacheLocator]
from dure.services.buildings.modelling import compiling
compiling.spare_cache(sys.argv[1])
print(compiling.kernel("towt_kernel").occupancy.stats.cache_path)
"""
    told = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "compiled")], check=True, capture_output=True, text=True, timeout=120
    )
    assert told.stdout.strip().startswith(str(tmp_path / "compiled"))
