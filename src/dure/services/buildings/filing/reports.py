"""Reports of a building, a body or all buildings: what was used, how it compares, what was promised, and how sure it is. Pure.

`report` makes a `Report` of a `Dossier`; pages, print and PDF show the same one. A figure carries the id `explain` unfolds it by.
"""

from __future__ import annotations

from dure.core.text import Text
from dure.emissions.conversion import Refused
from dure.services.buildings.comparing.comparison_desk import months_of
from dure.services.buildings.comparing.eui import WH_PER_KWH, Eui
from dure.services.buildings.comparing.grade import Grade
from dure.services.buildings.comparing.peers import Place
from dure.services.buildings.comparing.standings import Comparison, Standing
from dure.services.buildings.comparing.targets import Forecast, Target, Trajectory, trajectory
from dure.services.buildings.explaining.figures import Figure, Subject, What
from dure.services.buildings.filing import charts
from dure.services.buildings.filing.activity import Worked
from dure.services.buildings.filing.dossier import Dossier
from dure.services.buildings.filing.grade_sheet import AGAINST, LEVELS, boundaries
from dure.services.buildings.filing.ngms import G_PER_T
from dure.services.buildings.filing.report_model import Fact, Grid, Part, Picture, Report
from dure.services.buildings.filing.report_sources import quality, sources
from dure.services.buildings.filing.source_sheets import subject_name
from dure.services.buildings.model import SUPPLIES

RANKED_MAX = 30
SCALES = {"emissions_g": (G_PER_T, "tCO2e"), "energy_wh": (1_000_000, "MWh"), "eui_wh_m2": (WH_PER_KWH, "kWh/m²")}
MARKED = Text("확인이 필요한 값이 들어 있음", "holds values to be confirmed")


def report(dossier: Dossier) -> Report:
    """The report of a question."""
    asked = dossier.question
    language = asked.language
    worked, compared = dossier.worked(), dossier.compared()
    name = subject_name(dossier)
    months = dossier.months
    one = asked.subject.startswith("building:")
    parts = [
        headline(dossier, worked, compared),
        by_month(dossier, worked),
        *(
            [stands(dossier, compared.standings[dossier.chosen[0].id])]
            if one and dossier.chosen
            else [ranking(dossier, compared)]
        ),
        *promised(dossier),
        quality(dossier, worked),
        sources(dossier, worked),
    ]
    return Report(
        title=Text(f"{name} 에너지 보고서", f"Energy report: {name}")(language),
        subtitle=Text(
            f"{months[0]}~{months[-1]}, {dossier.as_of_words}에 알던 대로, 배출계수 {asked.programme}",
            f"{months[0]} to {months[-1]}, as known at {dossier.as_of_words}, emission factors {asked.programme}",
        )(language),
        city=dossier.city(language),
        language=language,
        as_of=asked.as_of,
        parts=tuple(parts),
    )


def figure_of(dossier: Dossier, what: What) -> str:
    """The id of a figure of the subject over the period, as known at the question's instant and by its factors."""
    asked = dossier.question
    kind, _, name = asked.subject.partition(":")
    subject: Subject = "building" if kind == "building" else "body" if kind == "body" else "portfolio"
    return str(
        Figure(
            subject=subject, what=what, id=name, first=dossier.months[0], last=dossier.months[-1], as_of=asked.as_of,
            programme=asked.programme,
        )
    )  # fmt: skip


def of_building(dossier: Dossier, building: str, what: What) -> str:
    """The id of a figure of one of the buildings, likewise."""
    asked = dossier.question
    return str(
        Figure(
            subject="building", what=what, id=building, first=dossier.months[0], last=dossier.months[-1], as_of=asked.as_of,
            programme=asked.programme,
        )
    )  # fmt: skip


def headline(dossier: Dossier, worked: Worked, compared: Comparison) -> Part:
    """The figures in front."""
    language = dossier.question.language
    energy = sum(one.energy_wh or 0 for one in worked.series) / WH_PER_KWH
    before = dossier.worked(year_before=True)
    unsure = MARKED(language) if any(cell.provisional for one in worked.series for cell in one.cells) else ""
    facts = [
        Fact(Text("에너지 (최종)", "Energy (final)")(language), f"{energy:,.0f}", "kWh", figure_of(dossier, "energy")),
        Fact(
            Text("온실가스", "Greenhouse gas")(language),
            f"{worked.co2e_g / G_PER_T:,.1f}",
            "tCO2e",
            figure_of(dossier, "carbon"),
            unsure,
        ),
    ]
    if before.series and before.co2e_g and not before.refused_n and not worked.refused_n:
        change = round((worked.co2e_g / before.co2e_g - 1) * 100, 1) + 0.0  # no "-0.0"
        facts.append(Fact(Text("지난해 같은 달들보다", "Against the same months a year before")(language), f"{change:+.1f}", "%"))
    if dossier.question.subject.startswith("building:") and dossier.chosen:
        facts += _of_building(dossier, compared.standings[dossier.chosen[0].id])
    else:
        name = Text("건물", "Buildings")(language)
        facts.append(Fact(name, f"{len({one.building for one in worked.series}):,}"))
    return Part(heading=Text("한눈에", "At a glance")(language), facts=tuple(facts))


def _of_building(dossier: Dossier, standing: Standing) -> list[Fact]:
    language, found = dossier.question.language, standing.eui
    if not isinstance(found, Eui):
        return []
    note = "" if found.comparable else Text("빠진 달이 있음", "months are missing")(language)
    facts = [
        Fact(
            Text("단위면적당", "Per floor area")(language),
            f"{found.kwh_m2:,.1f}",
            "kWh/m²",
            of_building(dossier, standing.building, "eui"),
            note,
        )
    ]
    if isinstance(standing.grade, Grade):
        figure = of_building(dossier, standing.building, "grade")
        against = AGAINST[standing.grade.against](language)
        facts.append(Fact(Text("등급", "Grade")(language), standing.grade.letter, "", figure, against))
    return facts


def by_month(dossier: Dossier, worked: Worked) -> Part:
    """Months by fuel: a chart and its table."""
    language = dossier.question.language
    sums: dict[str, dict[str, int]] = {}
    for one in worked.series:
        for cell in one.cells:
            if cell.energy_wh is not None:
                of_fuel = sums.setdefault(one.fuel, {})
                of_fuel[cell.month] = of_fuel.get(cell.month, 0) + cell.energy_wh
    fuels = [fuel for fuel in SUPPLIES if fuel in sums]
    names = [SUPPLIES[fuel].name(language) for fuel in fuels]
    layers = [
        charts.Layer(fuel, name, [_mwh(sums[fuel].get(month)) for month in dossier.months])
        for fuel, name in zip(fuels, names, strict=True)
    ]
    title = Text("달마다 쓴 에너지", "Energy by month")(language)
    rows = tuple((month, *(_number(sums[fuel].get(month), WH_PER_KWH, 0) for fuel in fuels)) for month in dossier.months)
    head = (Text("달", "Month")(language), *(f"{name} (kWh)" for name in names))
    return Part(
        heading=title,
        picture=Picture(charts.stacked_months(title, dossier.months, layers, "MWh"), title) if layers else None,
        grids=(Grid("", head, rows, tuple(range(1, len(head)))),) if layers else (),
    )


def stands(dossier: Dossier, standing: Standing) -> Part:
    """A building among its like: the sentence, the chart, the target."""
    language, found = dossier.question.language, standing.eui
    heading = Text("비슷한 건물과 견주면", "Compared with similar buildings")(language)
    if not isinstance(found, Eui):
        return Part(heading=heading, text=(found.why(language),))
    text, picture = [], None
    if isinstance(standing.place, Place):
        place = standing.place
        text.append(
            Text(
                f"{LEVELS[place.level].ko}가 같은 다른 건물 {place.others_n}개 가운데 {place.percentile:.0f} %가 더 적게 씁니다.",
                f"Of {place.others_n} others of the same {LEVELS[place.level].en}, {place.percentile:.0f} % use less.",
            )(language)
        )
        target = None if isinstance(standing.legal, Refused) or standing.legal is None else standing.legal.kwh_m2
        names = tuple(
            one(language) for one in (Text("이 건물", "This building"), Text("가운데", "Median"), Text("목표", "Target"))
        )
        svg = charts.place(heading, (place.low, place.median, place.high), found.kwh_m2, target, (names[0], names[1], names[2]))
        picture = Picture(svg, text[0])
    text += [one.why(language) for one in (standing.place, standing.legal, standing.grade) if isinstance(one, Refused)]
    if isinstance(standing.grade, Grade):
        text.append(f"{standing.grade.letter}: {standing.grade.meaning(language)}. {boundaries(dossier)}")
    return Part(heading=heading, text=tuple(dict.fromkeys(text)), picture=picture)


def ranking(dossier: Dossier, compared: Comparison) -> Part:
    """Buildings of the subject by intensity, and how many have which grade."""
    language = dossier.question.language
    mine = {one.id for one in dossier.chosen}
    ranked = [one for one in compared.ranked if one.building in mine]
    rows: list[tuple[str, ...]] = []
    figures: list[str] = []
    for one in ranked[:RANKED_MAX]:
        assert isinstance(one.eui, Eui)  # noqa: S101  # only those are ranked
        letter = one.grade.letter if isinstance(one.grade, Grade) else "–"
        tonnes = _number(one.eui.co2e_g, G_PER_T, 1)
        energy = f"{one.eui.energy_wh / WH_PER_KWH:,.0f}"
        name = dossier.sites.buildings[one.building].name(language)
        rows.append((str(len(rows) + 1), name, f"{one.eui.kwh_m2:,.1f}", letter, energy, tonnes))
        figures.append(of_building(dossier, one.building, "eui"))
    counts = {row.id: 0 for row in dossier.compare.grades}
    for standing in ranked:
        if isinstance(standing.grade, Grade):
            counts[standing.grade.letter] += 1
    left = len(mine) - len(ranked)
    told = Text(
        f"견줄 수 있는 건물 {len(ranked)}개, 빠진 달이나 연면적 때문에 견주지 않은 건물 {left}개.",
        f"{len(ranked)} buildings are compared; {left} are not, for want of months or of a floor area.",
    )
    graded = ", ".join(f"{letter} {n}" for letter, n in counts.items())
    heads = (
        "",
        *(one(language) for one in (Text("건물", "Building"), Text("kWh/m²"), Text("등급", "Grade"), Text("kWh"), Text("tCO2e"))),
    )
    return Part(
        heading=Text("면적에 견주어 많이 쓰는 순서", "Highest use per floor area")(language),
        text=(told(language), f"{Text('등급', 'Grades')(language)}: {graded}. {boundaries(dossier)}"),
        grids=(Grid("", heads, tuple(rows), (0, 2, 4, 5), tuple(figures)),) if rows else (),
    )


def promised(dossier: Dossier) -> list[Part]:
    """Each target of the subject, with its line and where we are."""
    found = []
    for target in dossier.targets:
        same = target.kind != "emissions_g" or target.programme == dossier.question.programme
        if same:
            months = months_of(target, dossier.rows, dossier.sites.buildings.values(), dossier.compare)
            found.append(_promise(dossier, trajectory(target, months, dossier.question.last, dossier.compare)))
    return found


def _promise(dossier: Dossier, one: Trajectory) -> Part:
    language, target = dossier.question.language, one.target
    scale, unit = SCALES[target.kind]
    title = Text(f"{target.year}년까지 {target.share * 100:+.0f} %", f"{target.share * 100:+.0f} % by {target.year}")(language)
    facts = [
        Fact(
            Text("기준 (넣은 값)", "Base (as entered)")(language),
            f"{target.base / scale:,.1f}",
            unit,
            "",
            f"{target.base_from}-{target.base_to} {target.base_note}".strip(),
        ),
        Fact(Text("지금의 선", "The line now")(language), f"{one.planned_now / scale:,.1f}", unit),
    ]
    rolling = "–" if one.rolling is None else f"{one.rolling / scale:,.1f}"
    facts.append(Fact(Text("지난 열두 달", "Last twelve months")(language), rolling, unit))
    text = () if one.on_path is None else (PATH[one.on_path](language),)
    return Part(heading=title, text=text, facts=tuple(facts), picture=trajectory_picture(one, title, language))


PATH = {
    True: Text("지난 열두 달은 선 아래에 있습니다.", "The last twelve months are on or below the line."),
    False: Text("지난 열두 달은 선보다 높습니다.", "The last twelve months are above the line."),
}


def trajectory_picture(one: Trajectory, title: str, language: str) -> Picture:
    """The chart of a trajectory."""
    scale, unit = SCALES[one.target.kind]
    points = [
        charts.Point(year.year, year.planned / scale, None if year.actual is None else year.actual / scale) for year in one.years
    ]
    ahead = None
    over = any(year.actual is not None for year in one.years if year.year == int(one.last[:4]))
    if isinstance(one.forecast, Forecast) and not over:
        parts = (one.forecast.value / scale, one.forecast.low / scale, one.forecast.high / scale)
        ahead = charts.Span(int(one.last[:4]), *parts)
    words = (
        Text("그해", "Year"),
        Text("목표로 가는 선", "Line to the goal"),
        Text("연말 예상 (90 %)", "Year end expected (90 %)"),
    )
    names = tuple(word("en" if language == "en" else "ko") for word in words)
    return Picture(charts.trajectory(title, points, ahead, unit, (names[0], names[1], names[2])), title)


def target_title(target: Target) -> Text:
    """A target in words."""
    share = f"{target.share * 100:+.0f} %"
    return Text(f"{target.year}년까지 {share}", f"{share} by {target.year}")


def _mwh(value: int | None) -> float | None:
    return None if value is None else value / 1_000_000


def _number(value: int | None, scale: int, decimals: int) -> str:
    return "–" if value is None else f"{value / scale:,.{decimals}f}"
