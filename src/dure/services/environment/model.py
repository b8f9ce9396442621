"""Nouns of the environment service: its kinds of asset and the properties they observe, as rows of data.

Ids are stable. Names of NGSI-LD attributes (Smart Data Models: WeatherObserved, AirQualityObserved, WaterQualityObserved,
NoiseLevelObserved) follow from them by one table when that door opens. `source` says where a span comes from:

* WMO/ZAMG: example limits in CBS/OPAG-IOS ET AWS-1 Doc 9(2);
* CAI: the upper end of the table of 통합대기환경지수, beyond which no grade exists;
* definition: the quantity cannot be outside, whatever measures it;
* "to be confirmed": a usual instrument or climate span without a source read by us. A city sets its own in
  properties.toml, with its source.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dure.core.assets import AssetKind
from dure.core.properties import Property
from dure.core.text import Text

SERVICE = "environment"
WMO = "WMO/ZAMG example limits, CBS/OPAG-IOS ET AWS-1 Doc 9(2)"
WMO_FAIL = f"{WMO} (fail); usual in Korea (suspect): to be confirmed"
WMO_SUSPECT = f"{WMO} (suspect); usual instrument span (fail): to be confirmed"
CAI = "CAI table upper end (suspect); usual instrument span (fail): to be confirmed"
DEFINITION = "definition"
DEFINITION_FAIL = f"{DEFINITION} (fail); usual in rivers (suspect): to be confirmed"
USUAL = "usual instrument span: to be confirmed"

SILENT_AFTER_PERIODS = 3  # a station is silent when it has sent nothing for three of its periods

Span = tuple[float, float]


def _row(id_: str, name: tuple[str, str], unit: str, spans: tuple[Span, Span], source: str, **more: Any) -> Property:
    """One property; `spans` are the possible and the likely span."""
    (fail_min, fail_max), (low, high) = spans
    return Property(
        id=id_,
        name=Text(*name),
        unit=unit,
        fail_min=fail_min,
        fail_max=fail_max,
        suspect_min=low,
        suspect_max=high,
        source=source,
        **more,
    )


# fmt: off
WEATHER: tuple[Property, ...] = (
    _row("air_temperature", ("기온", "Air temperature"), "Cel", ((-50, 50), (-30, 42)), WMO_FAIL),
    _row("relative_humidity", ("상대습도", "Relative humidity"), "%", ((0, 104), (0, 100)), WMO, decimals=0),
    _row("dew_point", ("이슬점온도", "Dew point"), "Cel", ((-80, 50), (-50, 32)), USUAL),
    _row("air_pressure", ("기압", "Air pressure"), "hPa", ((630, 1060), (940, 1050)), WMO_FAIL),
    _row("wind_speed", ("풍속", "Wind speed"), "m/s", ((0, 75), (0, 50)), WMO_SUSPECT),
    _row("wind_gust", ("순간풍속", "Wind gust"), "m/s", ((0, 100), (0, 65)), USUAL),
    _row("wind_direction", ("풍향", "Wind direction"), "deg", ((0, 360), (0, 360)), DEFINITION, decimals=0, aggregate="vector"),
    _row("precipitation", ("강수량", "Precipitation since the last reading"), "mm", ((0, 200), (0, 40)), USUAL, aggregate="sum"),
    _row("precipitation_total", ("누적강수량", "Precipitation on the counter"), "mm", ((0, 1e6), (0, 1e6)), DEFINITION),
    _row("solar_irradiance", ("일사량", "Solar irradiance"), "W/m2", ((-20, 2000), (-5, 1500)), USUAL, decimals=0),
    _row("reflected_irradiance", ("반사 일사량", "Reflected irradiance"), "W/m2", ((-20, 2000), (-5, 1300)), USUAL, decimals=0),
    _row("illuminance", ("조도", "Illuminance"), "lx", ((0, 250_000), (0, 150_000)), USUAL, decimals=0),
    _row("uv_index", ("자외선지수", "UV index"), "1", ((0, 25), (0, 16)), USUAL),
    _row("soil_temperature", ("지중온도", "Soil temperature"), "Cel", ((-40, 80), (-20, 50)), USUAL),
    _row("soil_moisture", ("토양수분", "Soil moisture by volume"), "%", ((0, 100), (0, 100)), DEFINITION),
    _row("snow_depth", ("적설", "Snow depth"), "cm", ((0, 300), (0, 80)), USUAL),
    _row("soil_conductivity", ("토양 전기전도도", "Soil conductivity"), "uS/cm", ((0, 23_000), (0, 10_000)), USUAL, decimals=0),
)
AIR: tuple[Property, ...] = (
    _row("pm1", ("극초미세먼지(PM-1)", "PM1"), "ug/m3", ((0, 1000), (0, 400)), USUAL, decimals=0),
    _row("pm2_5", ("초미세먼지(PM-2.5)", "PM2.5"), "ug/m3", ((0, 1000), (0, 500)), CAI, decimals=0),
    _row("pm10", ("미세먼지(PM-10)", "PM10"), "ug/m3", ((0, 3000), (0, 600)), CAI, decimals=0),
    _row("o3", ("오존", "Ozone"), "[ppm]", ((-0.02, 1), (0, 0.6)), CAI, decimals=3),
    _row("no2", ("이산화질소", "Nitrogen dioxide"), "[ppm]", ((-0.02, 5), (0, 2)), CAI, decimals=3),
    _row("so2", ("아황산가스", "Sulfur dioxide"), "[ppm]", ((-0.02, 5), (0, 1)), CAI, decimals=3),
    _row("co", ("일산화탄소", "Carbon monoxide"), "[ppm]", ((-0.5, 200), (0, 50)), CAI, decimals=2),
    _row("co2", ("이산화탄소", "Carbon dioxide"), "[ppm]", ((0, 40_000), (350, 5000)), USUAL, decimals=0),
    _row("tvoc", ("총휘발성유기화합물", "Volatile organic compounds"), "ug/m3", ((0, 60_000), (0, 10_000)), USUAL, decimals=0),
    _row("tvoc_volume", ("총휘발성유기화합물(부피)", "Organic compounds by volume"), "[ppb]", ((0, 6e4), (0, 5e3)), USUAL),
    _row("hcho", ("포름알데히드", "Formaldehyde"), "ug/m3", ((0, 10_000), (0, 1000)), USUAL, decimals=0),
    _row("h2s", ("황화수소", "Hydrogen sulfide"), "[ppm]", ((-0.02, 100), (0, 10)), USUAL, decimals=3),
    _row("nh3", ("암모니아", "Ammonia"), "[ppm]", ((-0.5, 500), (0, 50)), USUAL, decimals=2),
)
NOISE: tuple[Property, ...] = (
    _row("noise_leq", ("등가소음도", "Equivalent sound level (Leq, A)"), "dB[SPL]", ((15, 140), (25, 110)), USUAL),
    _row("sound_level", ("음압레벨", "Sound level as the maker says"), "dB[SPL]", ((0, 150), (20, 130)), USUAL),
    _row("sound_level_peak", ("최고음압레벨", "Peak sound level as the maker says"), "dB[SPL]", ((0, 170), (20, 150)), USUAL),
    _row("noise_max", ("최고소음도", "Maximum sound level (Lmax, A)"), "dB[SPL]", ((15, 150), (25, 130)), USUAL),
)
_HOURLY: tuple[Property, ...] = (
    _row("water_temperature", ("수온", "Water temperature"), "Cel", ((-3, 50), (-1, 38)), USUAL),
    _row("ph", ("수소이온농도(pH)", "pH"), "[pH]", ((0, 14), (4, 11)), DEFINITION_FAIL, decimals=2),
    _row("dissolved_oxygen", ("용존산소", "Dissolved oxygen"), "mg/L", ((0, 40), (0, 20)), USUAL, decimals=2),
    _row("oxygen_saturation", ("산소포화도", "Oxygen saturation"), "%", ((0, 400), (0, 200)), USUAL, decimals=0),
    _row("electrical_conductivity", ("전기전도도", "Electrical conductivity"), "uS/cm", ((0, 1e5), (10, 6e4)), USUAL, decimals=0),
    _row("turbidity", ("탁도", "Turbidity"), "[NTU]", ((0, 4000), (0, 1000)), USUAL),
    _row("suspended_solids", ("부유물질", "Suspended solids"), "mg/L", ((0, 100_000), (0, 5000)), USUAL),
    _row("redox_potential", ("산화환원전위", "Redox potential"), "mV", ((-2000, 2000), (-800, 1000)), USUAL, decimals=0),
    _row("toc", ("총유기탄소", "Total organic carbon"), "mg/L", ((0, 200), (0, 30)), USUAL, decimals=2),
    _row("tn", ("총질소", "Total nitrogen"), "mg/L", ((0, 200), (0, 30)), USUAL, decimals=3),
    _row("tp", ("총인", "Total phosphorus"), "mg/L", ((0, 50), (0, 3)), USUAL, decimals=3),
    _row("chlorophyll_a", ("클로로필 a", "Chlorophyll a"), "ug/L", ((0, 1000), (0, 400)), USUAL),
)
# By hand in a laboratory, once a month: import them with the day of the sample.
_LABORATORY: tuple[Property, ...] = (
    _row("bod", ("생물화학적 산소요구량(BOD)", "Biochemical oxygen demand"), "mg/L", ((0, 1000), (0, 50)), USUAL),
    _row("cod", ("화학적 산소요구량(COD)", "Chemical oxygen demand"), "mg/L", ((0, 2000), (0, 80)), USUAL),
    _row("total_coliform", ("총대장균군", "Total coliforms"), "/dL", ((0, 1e9), (0, 1e6)), USUAL, decimals=0),
    _row("fecal_coliform", ("분원성대장균군", "Fecal coliforms"), "/dL", ((0, 1e9), (0, 1e6)), USUAL, decimals=0),
)
LABORATORY_PERIOD_S = 31 * 86_400
_LEVEL = _row("water_level", ("수위", "Water level"), "m", ((-5, 50), (-1, 20)), USUAL, decimals=2)
WATER: tuple[Property, ...] = (
    *(msgspec.structs.replace(one, period_s=3600) for one in _HOURLY),
    *(msgspec.structs.replace(one, period_s=LABORATORY_PERIOD_S) for one in _LABORATORY),
    _LEVEL,
)
DEVICE: tuple[Property, ...] = (
    _row("battery_voltage", ("배터리 전압", "Battery voltage"), "V", ((0, 60), (1.8, 30)), USUAL, decimals=2),
    _row("battery_fraction", ("배터리 잔량", "Battery charge"), "1", ((0, 1), (0, 1)), DEFINITION, decimals=2),
    _row("distance", ("거리", "Distance by a ranging sensor"), "m", ((0, 100), (0, 50)), USUAL, decimals=3),
    _row("device_temperature", ("기기 온도", "Temperature inside the device"), "Cel", ((-60, 125), (-40, 85)), USUAL),
)
# What sensors of other services send; here until those services register them.
SENSED: tuple[Property, ...] = (
    _row("occupied", ("점유 여부", "Occupied"), "1", ((0, 1), (0, 1)), DEFINITION, decimals=0),
)
# Made here from readings, never sent by a device: corrected beside raw, and indices by the hour.
_CORRECTED = "the raw property's span, corrected by a calibration model"
_INDEX = "definition of the index"
DERIVED: tuple[Property, ...] = (
    _row("pm2_5_corrected", ("초미세먼지(PM-2.5) 보정값", "PM2.5, corrected"), "ug/m3", ((-50, 1500), (0, 500)), _CORRECTED),
    _row("pm10_corrected", ("미세먼지(PM-10) 보정값", "PM10, corrected"), "ug/m3", ((-100, 4000), (0, 600)), _CORRECTED),
    _row("cai", ("통합대기환경지수(CAI)", "Comprehensive air-quality index"), "1", ((0, 600), (0, 575)), _INDEX, decimals=0,
         period_s=3600),
    _row("rtwqi", ("실시간수질지수(RTWQI)", "Real-time water quality index"), "1", ((0, 100), (0, 100)), _INDEX, period_s=3600),
)
# fmt: on
PROPERTIES: tuple[Property, ...] = (*WEATHER, *AIR, *NOISE, *WATER, *DEVICE, *SENSED, *DERIVED)


def _ids(*groups: tuple[Property, ...]) -> tuple[str, ...]:
    return tuple(one.id for group in groups for one in group)


KINDS: tuple[AssetKind, ...] = (
    AssetKind("station", Text("대기·기상 측정소", "Air and weather station"), SERVICE, _ids(WEATHER, AIR, NOISE, DEVICE)),
    AssetKind("river_point", Text("하천 측정점", "River point"), SERVICE, _ids(WATER, DEVICE)),
    AssetKind("lake_point", Text("호소 측정점", "Lake point"), SERVICE, _ids(WATER, DEVICE)),
    AssetKind("noise_point", Text("소음 측정점", "Noise point"), SERVICE, _ids(NOISE, DEVICE)),
)
