"""`dure buildings` on a city that rests: a file is looked at, taken in, and its months are told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dure.cli import app
from dure.cli_buildings import out

sys.path.insert(0, str(Path(__file__).parents[1] / "flows" / "city"))
from city_running import write_city

HEAD = "id,kind,name_ko,name_en,lon,lat,state,device,dev_eui,codec,parent,fuel,number"
ROWS = (
    "hall,building,시청,City hall,126.9,37.2,live,,,,,,",
    "e-main,meter,전기,Electricity,126.9,37.2,live,,,,hall,electricity,0100-1",
)
BILLS = "계량기번호,사용량(kWh),청구금액,사용월\n0100-1,1200,150000,2026-03\n77,1,1,2026-03\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("cli")
    write_city(found / "city", [])
    (found / "city" / "assets" / "buildings.csv").write_text("\n".join([HEAD, *ROWS]) + "\n", "utf-8")
    (found / "bills.csv").write_text(BILLS, "utf-8")
    return found


@pytest.fixture
def run(folder, monkeypatch):
    monkeypatch.setenv("DURE_NATS_PORT", "0")
    monkeypatch.setenv("DURE_MQTT_PORT", "0")
    monkeypatch.setenv("DURE_OCPP_PORT", "0")
    monkeypatch.setattr(out, "width", 200)

    def call(*words):
        found = CliRunner().invoke(
            app, ["buildings", *map(str, words), "--city", str(folder / "city"), "--data", str(folder / "data")]
        )
        return found.exit_code, found.output + str(found.exception or "")

    return call


def test_a_file_is_looked_at_then_taken_in_and_asked_for(run, folder):
    code, said = run("import", folder / "bills.csv", "--dry-run")
    assert (code, "1 rows can be taken, 1 cannot" in said, "bill.meter_unknown" in said) == (0, True, True), said
    code, said = run("import", folder / "bills.csv")
    assert (code != 0, "import.rejected_rows" in said) == (True, True), said
    code, said = run("import", folder / "bills.csv", "--accepted")
    assert (code, "taken, 1 bills" in said) == (0, True), said
    code, said = run("months", "hall", "--first", "2026-01", "--last", "2026-12")
    assert (code, "month" in said) == (0, True), said
    code, said = run("months", "nowhere")
    assert (code != 0, "buildings.unknown" in said) == (True, True), said
    code, said = run("import", folder / "bills.csv", "--kind", "songs")
    assert (code != 0, "import.choice" in said) == (True, True), said
