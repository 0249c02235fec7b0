"""The HTML report: failures first, everything in one small file, and names that stay text."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from five import baseline_of, measurement_of, with_columns

import pytest_failaware
from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.conditions.published import IMAGENET_C, IMAGENET_C_EXTRA
from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.fact import Fact
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.pictures import Pictures, Thumbnail
from pytest_failaware.core.plain import from_plain, to_plain
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import Evidence, ItemResult, Sensitivity, Verdict
from pytest_failaware.core.summary import RunReport
from pytest_failaware.judge.curves import pictures_of
from pytest_failaware.judge.verdict import Terms, judge
from pytest_failaware.report.html.html import html_text
from pytest_failaware.report.proof import interval, ways

BEFORE, NOW = "R" * 150 + "w" * 50, "R" * 90 + "W" * 30 + "w" * 80
HOSTILE = ("</title><script>alert(1)</script>", "\"><img src=x onerror='y'>", "\x1b[31m\u202e{{ 7 * 7 }}`<!--")
EVIDENCE = Evidence(paired=True, p_beyond=1.0, p_within=1.0, p_worse=1.0, p_better=1.0, low=None, high=None, level=0.01)
CSS = (Path(pytest_failaware.__file__).parent / "report" / "html" / "palette.css").read_text(encoding="utf-8")


class Page(HTMLParser):
    """The tags of a page with their attributes, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text.replace("<wbr>", ""))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep it."""
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every tag with a name."""
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        """Return the visible text in one line."""
        return " ".join(" ".join(self.words).split())


def item(
    before: Measurement, now: Measurement, *, test: str = "test_x", known: bool = True, **gate: Any
) -> tuple[ItemResult, Pictures]:
    """Return the verdict on a measurement and its pictures."""
    built = build_gate(gate)
    key = now.condition.key
    baseline, records = (baseline_of(before), before.records) if known else (None, None)
    reference = Reference(name="small", key=key, baseline=baseline, records=records)
    nodeid = f"t.py::{test}[{key}]"
    result = judge(now, reference, built, Terms(nodeid=nodeid))
    return dataclasses.replace(result, test=(f"t.py::{test}[", "]")), pictures_of(now, built, reference)


def page_of(*items: tuple[ItemResult, Pictures], **more: Any) -> str:
    """Return the report of these items."""
    results = tuple(result for result, _ in items)
    return html_text(RunReport(results=results, **more), {result.nodeid: drawn for result, drawn in items})


def regressed(key: str = "blur", **more: Any) -> tuple[ItemResult, Pictures]:
    return item(measurement_of(BEFORE, key, **more), measurement_of(NOW, key, **more))


def passed(key: str = "clean", **more: Any) -> tuple[ItemResult, Pictures]:
    return item(measurement_of(BEFORE, key, **more), measurement_of(BEFORE, key, **more))


# ---- what it says --------------------------------------------------------------------------------------------------


def test_the_verdict_comes_first_then_what_to_do() -> None:
    """The act comes before what failed; the row of a failing gate has the numbers and the claim of the terminal."""
    text = Page(page_of(passed(), regressed(), command="pytest -q")).text

    assert "pytest-failaware ✕ Reliability failed 2 checked: 1 regressed, 1 unchanged What to do What failed" in text
    assert "What to do test_x: retrain, or accept with a reason (regressed: blur) What failed" in text
    row = (
        "test_x[blur] accuracy 75.00% 45.00% -30.00 pt 0.50 pt 9.3e-15 proven to be more than 0.50 pt worse: "
        "24.07 to 36.68 pt worse ✕ regressed"
    )
    assert row in text
    headings = ["What to do", "What failed", "Rates", "Conditions", "Provenance"]
    assert 2 * headings == re.findall(
        "What to do|What failed|Rates(?! of)|Conditions|Provenance", text
    )  # links, then sections


def test_the_ranking_shows_its_ways() -> None:
    """The details of a condition have each way to the coverage of the baseline, with its rate and its p."""
    gate = {"metrics": ["confident_accuracy_at_coverage"]}
    judged = item(measurement_of(BEFORE, "blur"), measurement_of(NOW, "blur"), **gate)
    (evidence,) = (gate.evidence for gate in judged[0].comparisons if gate.evidence and gate.evidence.ways)
    text = Page(page_of(judged)).text

    assert ["both stored thresholds scaled"] == [way for way, _, _ in ways(evidence)]
    table = text.partition("With as many trusted as the baseline")[2].partition("Change of")[0]
    assert [cell in table for row in ways(evidence) for cell in row] == [True, True, True]
    other = item(measurement_of(BEFORE, "blur"), measurement_of(NOW, "blur"), metrics=["accuracy"])
    assert "With as many trusted" not in Page(page_of(other)).text


def test_the_greater_loss_comes_first() -> None:
    """Gates and conditions with a greater loss come first, in any order of the tests."""
    more = "R" * 60 + "W" * 30 + "w" * 110
    worst = item(measurement_of(BEFORE, "fog:1"), measurement_of(more, "fog:1"))
    page = Page(page_of(regressed(), worst, regressed("fog:2"), facts=(Fact(text="model m.pth on cpu"),)))
    failing = page.text.partition("Rates of each")[0]

    assert -1 < failing.index("model m.pth on cpu") < failing.index("What failed")
    rows = re.findall(r"test_x\[(\S+)\] accuracy", failing)
    assert ["fog:1", "blur", "fog:2"] == rows
    assert ["fog:1", "blur", "fog:2"] == re.findall(r"test_x\[(\S+)\] ✕ regressed \d+ samples", page.text)


def test_intervals_say_which_way() -> None:
    """Intervals say better or worse instead of a sign."""
    said = [
        interval(dataclasses.replace(EVIDENCE, low=low, high=high), Estimate(numerator=1, denominator=2))
        for low, high in ((0.0419, 0.0573), (-0.091, -0.0692), (-0.0153, 0.0169), (None, None))
    ]

    assert [
        "4.19 to 5.73 pt worse",
        "6.92 to 9.10 pt better",
        "1.53 pt better to 1.69 pt worse",
        "too few samples to tell",
    ] == said


def test_what_the_gates_of_a_recorded_run_can_see() -> None:
    """A recorded run shows each gate's smallest drops and how many are too far from the tolerance."""
    result, drawn = passed()
    sights = tuple(
        Sensitivity(metric=name, counted_on=1234, few=0.0117, many=many, is_far=many == 1)
        for name, many in (("accuracy", 0.0254), ("confident_accuracy", 1.0))
    )
    recorded = dataclasses.replace(result, sights=sights, verdict=Verdict.RECORDED, at_chance=True)
    text = Page(page_of((recorded, drawn))).text

    assert "gate counted on 0.2 % flip 10 % flip accuracy 1,234 1.17 pt 2.54 pt" in text
    assert "confident_accuracy 1,234 1.17 pt none" in text
    assert 1 == text.count("the smallest drop that turns a gate red four times out of five")
    assert "too few samples: 1 of 2 gates see only drops of more than four times their tolerance" in text
    assert "test_x[clean]: not shown to know more than the largest class" in text
    assert "What the gates can see" not in Page(page_of((result, drawn))).text


def test_the_calibration_error_stands_beside_its_diagram() -> None:
    """The diagram has the calibration error of both sides, or of this side if only it is known."""
    assert re.search(r"\(ECE\): now 0\.\d{4}, baseline 0\.\d{4}\.", Page(page_of(regressed())).text)
    alone = item(measurement_of(NOW), measurement_of(NOW), known=False)
    assert re.search(r"\(ECE\): now 0\.\d{4}\.", Page(page_of(alone)).text)


def test_a_run_that_passed_says_so_and_folds_everything() -> None:
    """A passed run has no section on failures and no unfolded condition."""
    page = Page(page_of(passed()))

    assert "✓ Reliability passed 1 checked: 1 unchanged Rates Conditions Provenance Rates" in page.text
    assert [{}] == page.all("details")
    assert {"class": "target", "id": "c1"} in page.all("div")


def test_the_worst_condition_is_unfolded() -> None:
    """Only the worst condition is unfolded, so that the page stays short on a phone."""
    page = Page(page_of(passed(), *(regressed(key) for key in ("blur", "fog:1", "fog:2", "fog:3"))))

    assert [True, False, False, False, False] == ["open" in one for one in page.all("details")]


def test_numbers_of_a_condition() -> None:
    """A condition shows the cells of both sides, the parts of the change, the flips and the worst class."""
    text = Page(page_of(regressed())).text

    assert "right wrong trusted 150 → 90 -60 0 → 30 +30 flagged 0 → 0 +0 50 → 80 +30" in text
    assert "all together -25.00 pt the change at the rule's own threshold" in text
    assert "8 of 30, those of the highest confidence now." in text
    assert "class accuracy silent failures flagged samples cat 74.63% → 44.78% 0 → 10 17 → 27 67" in text


def test_what_was_compared_with_nothing() -> None:
    """A missing baseline is shown with its remedy, and only one side is drawn."""
    result, drawn = item(measurement_of(NOW), measurement_of(NOW), known=False)
    text = Page(page_of((result, drawn))).text

    assert "no entry 'clean' in baseline 'small'" in text
    assert "✕" not in text.partition("What is missing")[0]
    assert "! Nothing to compare with yet 1 checked: 1 missing" in text
    assert text.startswith("Reliability not compared yet: ")  # by which a later run knows that the file is ours
    assert "record it by the command at the end of the log" in text
    assert "trusted 90 30 flagged 0 80" in text
    assert "→" not in text.partition("Provenance")[0].replace("right →", "")


def test_a_first_run_that_fails_for_more_is_red() -> None:
    """A first run with another failure than the missing baseline is red."""
    first = item(measurement_of(NOW), measurement_of(NOW), known=False)
    pages = [
        Page(page_of(first, complaints=("strict: x",))),
        Page(page_of(first, errors={"t.py::test_y[clean]": "no such file"})),
        Page(page_of(first, regressed())),
    ]

    assert [True] * 3 == ["✕ Reliability failed" in page.text for page in pages]


@pytest.mark.parametrize(("is_against", "word"), [(False, "baseline"), (True, "reference")])
def test_the_other_side_has_one_name(is_against: bool, word: str) -> None:
    """The other side has the same name in every table, legend and list of a page."""
    result, drawn = pictured("blur", 100, 2)
    result = dataclasses.replace(result, is_against=is_against)
    page = Page(html_text(RunReport(results=(result,)), {result.nodeid: drawn}))
    labels = {attributes.get("data-label") for _, attributes in page.tags}

    assert word in labels
    assert {word} == labels & {"before", "was", "baseline", "reference"}
    assert f"45.00% {word} 75.00%" in page.text
    assert f"Right and trusted in the {word}, wrong and trusted now" in page.text
    assert not re.search(r"\bwas\b", page.text)


def test_the_rates_of_a_page_are_those_that_gate() -> None:
    """The rates of a page are the gating rates, then the share of flagged samples."""
    text = Page(page_of(regressed())).text

    assert (
        "Rates of each condition test accuracy accuracy at coverage confident accuracy confident correct rate flagged "
        "verdict"
    ) in text


def test_classes_say_in_which_order_they_stand() -> None:
    """The order of classes is stated, and the first class is that of the failure's text."""
    text = Page(page_of(regressed())).text

    assert "Classes those first that lost most right answers, then those that gained most silent failures class" in text
    alone = item(measurement_of(NOW), measurement_of(NOW), known=False)
    assert "Classes those with most wrong answers first class" in Page(page_of(alone)).text


def test_failing_gates_say_in_which_order_they_stand() -> None:
    """Failing gates of one question are sorted by the proven loss, the lower end of the interval in each row."""
    more = "R" * 60 + "W" * 30 + "w" * 110
    worst = item(measurement_of(BEFORE, "fog:1"), measurement_of(more, "fog:1"))
    failing = Page(page_of(regressed(), worst)).text.partition("Rates of each")[0]
    parts = failing.partition("Does the pair of model and rule keep its promise?")[::2]
    ends = [
        [float(end) for end in re.findall(r"proven to be more than 0.50 pt worse: ([\d.]+) to", part)] for part in parts
    ]

    assert "by verdict, then by the loss that is proven: the lower end of its interval" in failing
    assert min(map(len, ends)) > 1
    assert [sorted(part, reverse=True) for part in ends] == ends


def test_troubles_errors_and_an_empty_run() -> None:
    """Troubles, errors and an empty run are all shown, and nothing is green."""
    report = RunReport(
        errors={"t.py::test_x[clean]": "model.pth: no such file"},
        unchecked=("t.py::test_x[clean]", "t.py::test_y[clean]"),
        complaints=("strict: no result",),
        incomplete="an xdist worker was lost",
    )
    text = Page(html_text(report, {})).text

    assert "✕ Reliability failed nothing was compared" in text
    for words in (
        "not a whole run: an xdist worker was lost",
        "test_y[clean] has no result",
        "no such file",
        "strict:",
    ):
        assert words in text


def test_severities_are_drawn_where_there_are_two() -> None:
    """Two severities get one diagram with both rates of both sides, one severity gets none."""
    items = [regressed(f"fog:{severity}") for severity in (1, 2, 3)]
    page = Page(page_of(passed(), *items, regressed("snow:3")))
    said = [word for word in page.words if "by severity" in word]

    assert ["Accuracy and confident accuracy under fog, by severity"] == said
    assert (
        "accuracy, baseline: 75.0% at 1, 75.0% at 2, 75.0% at 3; accuracy, now: 45.0% at 1, 45.0% at 2, 45.0% at 3; "
        "confident, baseline: 100.0% at 1, 100.0% at 2, 100.0% at 3; confident, now: 75.0% at 1, 75.0% at 2, 75.0% at 3"
    ) in page.words


def test_tests_of_one_name_have_a_diagram_each() -> None:
    """Tests of the same name each have a diagram."""
    items = []
    for prefix in ("a.py::test_x", "b.py::test_x"):
        for result, drawn in (regressed("fog:1"), regressed("fog:2")):
            moved = dataclasses.replace(
                result, nodeid=result.nodeid.replace("t.py::test_x", prefix), test=(f"{prefix}[", "]")
            )
            items.append((moved, drawn))

    assert 2 == page_of(*items).count("under fog, test_x, by severity</title>")


def test_corruptions_are_drawn_in_one_scale() -> None:
    """All corruptions are drawn on the same scale."""
    items = [*(passed(f"snow:{n}") for n in (1, 2)), *(regressed(f"fog:{n}") for n in (1, 2))]
    snow, fog = (part.partition("</svg>")[0] for part in page_of(*items).split("by severity</title>")[1:])

    assert ">20%</text>" in fog
    assert ">20%</text>" in snow


def test_provenance_stands_once() -> None:
    """Shared provenance is shown once; each condition shows only its differences."""
    noise = item(measurement_of(BEFORE, "gaussian_noise"), measurement_of(BEFORE, "gaussian_noise"))
    text = Page(page_of(noise, passed("blur"))).text

    assert 1 == text.count("sha256:model")
    assert f"pytest-failaware {version('pytest-failaware')}" in text
    assert "seed 0 parameters sigma 0.3" in text
    assert "parameters radius 2" in text


def test_what_else_changed_is_said_once() -> None:
    """What else changed is shown once, with the number of tests unless it is all of them."""
    now = measurement_of(NOW, "blur", model="sha256:other")
    text = Page(page_of(passed(), item(measurement_of(BEFORE, "blur"), now))).text

    assert "What else changed model sha256:m -> sha256:o in 1 of 2 tests" in text


# ---- images --------------------------------------------------------------------------------------------------------


def pictured(key: str, size: int, count: int = 8) -> tuple[ItemResult, Pictures]:
    """Return a regressed condition with images of this size in bytes."""
    result, drawn = regressed(key)
    return result, dataclasses.replace(drawn, thumbnails=images_of(result, size, count))


def images_of(result: ItemResult, size: int, count: int = 8) -> tuple[Thumbnail, ...]:
    """Return images of this size in bytes for the worst flips."""
    assert result.change is not None
    uri = "data:image/png;base64," + "A" * size
    ids = [flip.sample_id for flip in result.change.worst[:count]]
    return tuple(Thumbnail(sample_id=one, uri=uri, width=8, height=8) for one in ids)


def test_the_gallery_has_an_image_with_words_for_each_flip() -> None:
    """Each flip has an image as a data URI with its label, both answers and their confidences."""
    page = Page(page_of(pictured("blur", 5000, 2)))
    first = page.all("img")[0]

    assert 2 == len(page.all("img"))
    assert first["src"] == "data:image/png;base64," + "A" * 5000
    assert re.fullmatch(r"Sample \d+, which shows (cat|dog|eel)", first["alt"] or "")
    assert "2 of 30, those of the highest confidence now; images as the model saw them." in page.text
    assert re.search(r"label cat baseline cat \(80%\) now dog \(80%\)", page.text)


def with_names(items: tuple[ItemResult, Pictures], name: str) -> tuple[ItemResult, Pictures]:
    """Return the same item with a name for each of the worst flips."""
    result, drawn = items
    assert result.change is not None
    worst = tuple(dataclasses.replace(flip, name=name) for flip in result.change.worst)
    return dataclasses.replace(result, change=dataclasses.replace(result.change, worst=worst)), drawn


@pytest.mark.parametrize("name", ["cat/21.png", *HOSTILE])
def test_the_gallery_names_the_images(name: str) -> None:
    """The gallery shows names beside the ids as text, unless names must not be shown."""
    result, drawn = with_names(pictured("blur", 5000, 2), name)
    pages = [
        Page(html_text(RunReport(results=(result,)), {result.nodeid: drawn}, names=names)) for names in (True, False)
    ]
    seen = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)
    shows = [{(one["alt"] or "").rpartition(", which shows")[0] for one in page.all("img")} for page in pages]

    assert (2, 0) == tuple(page.words.count(seen) for page in pages)
    assert {seen} == shows[0]
    assert [] == [alt for alt in shows[1] if not re.fullmatch(r"Sample \d+", alt)]
    assert [tag for tag, _ in pages[1].tags if tag not in ("dt", "dd")] == [
        tag for tag, _ in pages[0].tags if tag not in ("dt", "dd")
    ]


def test_images_have_a_budget() -> None:
    """Images of the worst conditions are kept; other flips are listed as text."""
    items = [pictured(key, 30_000) for key in ("blur", "clean", "low_light", "fog:1")]
    page = Page(page_of(*items))

    assert 2 * 8 == len(page.all("img"))
    assert 4 == page.text.count("8 of 30, those of the highest confidence now")


# ---- one small file that does nothing ------------------------------------------------------------------------------


def with_a_thousand_classes(key: str, letters: str) -> Measurement:
    """Return samples that each have their own class, with wrong answers one class off."""
    classes = tuple(f"n{number:08} a class with a name of some length" for number in range(1000))
    measured = measurement_of(letters, key, classes=classes)
    label = (np.arange(len(letters)) % 1000).astype(np.uint16)
    prediction = np.where(measured.records.correct, label, (label + 1) % 1000).astype(np.uint16)
    records = with_columns(measured.records, label=label, prediction=prediction)
    return dataclasses.replace(measured, records=records)


def test_a_thousand_classes_and_95_conditions_stay_small() -> None:
    """A page with 1,000 classes and 95 conditions has all details and is under 3 MB."""
    items = []
    for key in (f"{name}:{severity}" for name in (*IMAGENET_C, *IMAGENET_C_EXTRA) for severity in range(1, 6)):
        sides = (with_a_thousand_classes(key, letters) for letters in ("RRRRw" * 500, "RRWRw" * 500))
        result, drawn = item(*sides)
        items.append((result, dataclasses.replace(drawn, thumbnails=images_of(result, 4000))))
    text = page_of(*items)

    assert 95 == text.count("<details")
    assert len(text.encode()) < 3_000_000
    assert text.count("<img") > 100


def test_thousands_of_conditions_stay_small() -> None:
    """At most 400 failed gates and 1,000 conditions have rows; the rest is counted."""
    result, _ = regressed()
    results = tuple(dataclasses.replace(result, nodeid=f"t.py::test_{number}[blur]") for number in range(1500))
    text = html_text(RunReport(results=results), {})
    failing = sum(comparison.verdict.fails for comparison in result.comparisons)

    assert len(text.encode()) < 3_000_000
    assert f"{failing * 1500 - 400} more failing gates are in the log." in text
    assert "500 more conditions are in the log." in text


def test_what_does_not_fit_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a page is too large, only the last details are left out, and no link is broken."""
    monkeypatch.setattr("pytest_failaware.report.html.html.LARGEST", 60_000)
    page = Page(page_of(passed(), *(regressed(f"fog:{severity}") for severity in range(1, 6))))
    kept = len(page.all("details"))

    assert 0 < kept < 6
    assert f"The details of {6 - kept} more conditions are left out" in page.text
    assert {f"#c{number}" for number in range(1, kept + 1)} == {
        one["href"] for one in page.all("a") if re.match(r"#c\d", one["href"] or "")
    }
    assert {(one["href"] or "")[1:] for one in page.all("a")} <= {one.get("id") for _, one in page.tags}
    for key in ("clean", "fog:5"):
        assert f"test_x[{key}]" in page.text


def test_nothing_is_loaded_and_nothing_runs() -> None:
    """The page has no script, no address and nothing external, and a policy that forbids them."""
    text = page_of(pictured("blur", 100), passed())
    page = Page(text)

    for words in ("<script", "http:", "https:", "//", "javascript:", "@import", "url("):
        assert words not in text.lower()
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in [
        one.get("content") for one in page.all("meta")
    ]
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert (attributes.get("src") or "data:").startswith("data:")
        assert re.match(r"data:|#[a-z]+\d*$", attributes.get("href") or "#c1")


def test_hostile_names_are_inert() -> None:
    """Hostile class names, test names, facts and errors add no tag and no control character."""
    calm, wild = (
        page_of(
            item(*(measurement_of(one, "blur", classes=names) for one in (BEFORE, NOW)), test=test),
            facts=(Fact(text=fact),),
            notices=(fact,),
            complaints=(fact,),
            errors={fact: fact},
            command=fact,
        )
        for names, test, fact in ((("a", "b", "c"), "test_x", "fact"), (HOSTILE, HOSTILE[1], "".join(HOSTILE)))
    )

    assert [tag for tag, _ in Page(calm).tags] == [tag for tag, _ in Page(wild).tags]
    assert [sorted(one) for _, one in Page(calm).tags] == [sorted(one) for _, one in Page(wild).tags]
    assert {"\n"} == {letter for letter in wild if not letter.isprintable()}
    assert "{{ 7 * 7 }}" in Page(wild).text
    assert HOSTILE[0] in Page(wild).text


def test_names_without_end_are_cut() -> None:
    """A class name of a hundred thousand letters is cut."""
    long = "a" * 100_000

    assert len(page_of(regressed(classes=(long, "b", "c")), facts=(Fact(text=long),))) < 80_000


# ---- for everybody -------------------------------------------------------------------------------------------------


def test_drawings_and_tables_say_what_they_are() -> None:
    """Drawings have a title and a description, tables a caption, and headings a scope."""
    text = page_of(regressed(), *(passed(f"fog:{severity}") for severity in (1, 2)))
    page = Page(text)

    drawings = re.findall(r'<svg role="img" viewBox="[^"]*"><title>[^<]+</title><desc>[^<]+</desc>', text)
    assert len(drawings) == len(page.all("svg")) == 3 * 4 + 1
    assert len(page.all("table")) == len(re.findall(r"<table[^>]*>\s*<caption>[^<]+</?(caption|span)", text)) > 5
    assert 3 * 2 * 2 == text.count('<g class="before dashed">')  # legend and line of two diagrams
    assert {"col", "row", "rowgroup"} == {one.get("scope") for one in page.all("th")}
    assert "en" == page.all("html")[0]["lang"]


def colours(css: str) -> Mapping[str, str]:
    """Return the variables of a block."""
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", css))


def luminance(colour: str) -> float:
    """Return the relative luminance as WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_contrast_of_black_and_white() -> None:
    """White has the luminance 1 and black 0."""
    assert (1.0, 0.0) == (luminance("#ffffff"), luminance("#000000"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "raised"])
@pytest.mark.parametrize("ink", ["ink", "muted", "first", "second", "before", "good", "warn", "bad"])
def test_every_colour_can_be_read(theme: str, ground: str, ink: str) -> None:
    """Every colour has a contrast of at least 4.5 to 1 on both backgrounds of both themes."""
    light, _, dark = CSS.partition("@media screen and (prefers-color-scheme: dark)")
    known = colours(light) if theme == "light" else colours(dark)
    lighter, darker = sorted((luminance(known[ink]), luminance(known[ground])), reverse=True)

    assert colours(light).keys() == colours(dark).keys()
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


# ---- on the way ----------------------------------------------------------------------------------------------------


def test_pictures_come_back_as_they_were() -> None:
    """Pictures survive JSON text, with and without a reference."""
    for _, drawn in (pictured("blur", 10), item(measurement_of(NOW), measurement_of(NOW), known=False)):
        assert drawn == from_plain(Pictures, json.loads(json.dumps(to_plain(drawn), allow_nan=False)))
