"""eemeter's CalTRACK 2 models of its own samples, in an environment of its own: ``python mv_peer_eemeter.py SAMPLES OUT.json``.

``pip install eemeter==3.2.0 "numpy<2" "pandas<2.2"``. SAMPLES is the folder `eemeter_samples` of the test data. OUT is what the
unit tests call ``mv_golden_eemeter.json``. Nothing of Dure is imported.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import eemeter
import pandas as pd

FIELDS = ("intercept", "beta_hdd", "beta_cdd", "heating_balance_point", "cooling_balance_point")


def read(folder, entry):
    meter = pd.read_csv(folder / entry["meter_data_filename"], index_col="start", parse_dates=True)
    meter.index = pd.to_datetime(meter.index, utc=True)
    known = pd.read_csv(folder / entry["temperature_filename"], index_col="dt", parse_dates=True)["tempF"]
    known.index = pd.to_datetime(known.index, utc=True)
    return meter, known.asfreq("h")


def billing_matrix(baseline, temperature):
    """As `create_caltrack_billing_design_matrix`, which looks at no more than the first 35 days of a period: here at all."""
    usage = eemeter.compute_usage_per_day_feature(baseline, series_name="meter_value")
    features = eemeter.compute_temperature_features(
        baseline.index,
        temperature,
        heating_balance_points=range(30, 91),
        cooling_balance_points=range(30, 91),
        data_quality=True,
        tolerance=pd.Timedelta(days=71),
    )
    return eemeter.merge_features([usage, features])


def fitted(folder, name, entry):
    meter, temperature = read(folder, entry)
    end = pd.Timestamp(entry["blackout_start_date"], tz="UTC")
    baseline, _ = eemeter.get_baseline_data(meter, end=end, max_days=365)
    began = time.process_time()
    if name.endswith("daily"):
        model = eemeter.fit_caltrack_usage_per_day_model(eemeter.create_caltrack_daily_design_matrix(baseline, temperature))
    else:
        matrix = billing_matrix(baseline, temperature)
        model = eemeter.fit_caltrack_usage_per_day_model(matrix, use_billing_presets=True, weights_col="n_days_kept")
    cpu_s = time.process_time() - began
    best = model.model
    return {
        "meter": entry["meter_data_filename"],
        "temperature": entry["temperature_filename"],
        "first": baseline.index[0].isoformat(),
        "last": baseline.index[-1].isoformat(),
        "kind": best.model_type,
        **{field: best.model_params.get(field) for field in FIELDS},
        "r_squared_adj": best.r_squared_adj,
        "cvrmse": model.avgs_metrics.cvrmse,
        "cvrmse_adj": model.avgs_metrics.cvrmse_adj,
        "nmbe": model.avgs_metrics.nmbe,
        "qualified": sum(one.status == "QUALIFIED" for one in model.candidates),
        "cpu_s": round(cpu_s, 2),
    }


def main(folder, told):
    warnings.simplefilter("ignore")
    folder = Path(folder)
    entries = json.loads((folder / "metadata.json").read_text("utf-8"))
    found = {}
    for name, entry in sorted(entries.items()):
        if name.startswith("il-") and not name.endswith("hourly"):
            found[name] = fitted(folder, name, entry)
            print(name, found[name], file=sys.stderr)
    kept = {"source": f"eemeter {version('eemeter')}", "on": datetime.now(UTC).date().isoformat(), "models": found}
    Path(told).write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
