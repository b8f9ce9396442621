"""OpenDSM on the same days, in an environment of its own: ``python mv_peer_opendsm.py IN.npz OUT.json``.

``pip install "opendsm==1.2.7" "multimethod<2" "pandas<3"``. IN holds `daily_temperature` (n_meters, n_days) [F], `daily_usage`,
`hourly_temperature` (n_meters, n_hours), `hourly_usage` (maybe of no meters), and where each begins. Nothing of Dure is imported.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from opendsm.eemeter import DailyBaselineData, DailyModel, HourlyBaselineData, HourlyModel


def frame(temperature, usage, start, step):
    index = pd.date_range(start, periods=len(usage), freq=step, tz="Etc/GMT+5")
    return pd.DataFrame({"temperature": temperature, "observed": usage}, index=index)


def daily(temperature, usage, start):
    data = DailyBaselineData(frame(temperature, usage, start, "D"), is_electricity_data=True)
    began = time.process_time()
    model = DailyModel().fit(data, ignore_disqualification=True)
    cpu_s = time.process_time() - began
    known = model.predict(data, ignore_disqualification=True)
    return cpu_s, known.reindex(data.df.index)["predicted"].to_numpy(), str(model.best_combination), len(model.best_combination)


def hourly(temperature, usage, start):
    data = HourlyBaselineData(frame(temperature, usage, start, "h"), is_electricity_data=True)
    began = time.process_time()
    model = HourlyModel().fit(data, ignore_disqualification=True)
    cpu_s = time.process_time() - began
    known = model.predict(data, ignore_disqualification=True)
    wanted = pd.date_range(start, periods=len(usage), freq="h", tz="Etc/GMT+5")
    return cpu_s, known["predicted"].reindex(wanted).to_numpy()


def main(given, told):
    warnings.simplefilter("ignore")
    data = np.load(given)
    found = {"source": f"opendsm {version('opendsm')}", "daily": [], "hourly": []}
    days, hours = str(data["daily_start"]), str(data["hourly_start"])
    for temperature, usage in zip(data["daily_temperature"], data["daily_usage"], strict=True):
        cpu_s, predicted, split, _ = daily(temperature, usage, days)
        found["daily"].append({"cpu_s": cpu_s, "predicted": predicted.tolist(), "split": split})
        print(len(found["daily"]), round(cpu_s, 2), split, file=sys.stderr)
    for temperature, usage in zip(data["hourly_temperature"], data["hourly_usage"], strict=True):
        cpu_s, predicted = hourly(temperature, usage, hours)
        found["hourly"].append({"cpu_s": cpu_s, "predicted": predicted.tolist()})
        print(len(found["hourly"]), round(cpu_s, 2), file=sys.stderr)
    Path(told).write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
