"""The results of `evaluate`: tables, data frames with names, warnings at the caller's line, progress."""

from __future__ import annotations

import io
import sys
import warnings
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import toy
from five import measurement_of
from screen import screen
from torch import nn

from pytest_failaware import Evaluation, Evaluations, FailAwareWarning, evaluate
from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.progress import no_progress
from pytest_failaware.core.records import NO_CLASS
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.report.terminal.screen import follow_here

TOY = {"dataset": toy.images(), "preprocess": "none"}
HEADINGS = "condition  accuracy  confident_accuracy  silent_failure_rate  confident_correct_rate  flagged"


@pytest.fixture
def both(toy_model: toy.Bands) -> Evaluations:
    """Evaluate the toy model under two conditions."""
    return evaluate(model=toy_model, conditions=["clean", "low_light"], **TOY)


def evaluations_of(**letters: str) -> Evaluations:
    """Return conditions with one sample for each letter."""
    gate = build_gate({"conditions": list(letters)})
    return Evaluations(
        evaluations={
            key: Evaluation(measurement=measurement_of(text, key), rule=FailureRule()) for key, text in letters.items()
        },
        gate=gate,
    )


# ---- as text -------------------------------------------------------------------------------------------------------


def test_it_reads_well_on_a_terminal(both: Evaluations) -> None:
    """`repr` gives one line, and `print` a table with the exact names of the metrics."""
    assert "<Evaluations: clean 180 of 300 right, low_light 180 of 300 right>" == repr(both)
    assert [
        "300 samples, 3 classes; rule confidence < 0.6 or entropy > 1.0",
        HEADINGS,
        "clean        60.00%              66.67%               20.00%                  40.00%   40.00%",
    ] == str(both).splitlines()[:3]
    assert "note: entropy > 1.0 adds nothing to confidence < 0.6 with 3 classes" == str(both).splitlines()[-1]


def test_a_line_for_many_conditions_is_short() -> None:
    """`repr` names four conditions and counts the others."""
    fogs = evaluations_of(**{f"fog:{severity}": "RRw" for severity in range(1, 6)}, clean="RRR")

    assert "fog:4 2 of 3 right, 2 more>" == repr(fogs)[-27:]


def test_a_failing_assertion_shows_a_line(both: Evaluations) -> None:
    """The `repr` of each part of a result is one line, so a failing assertion prints no array."""
    clean = both["clean"]

    assert "<Evaluation of clean: 300 samples, 180 right, 120 flagged>" == repr(clean)
    assert "<ConditionStats of clean: 300 samples, 180 right, 120 flagged>" == repr(clean.stats)
    assert "<Records of 300 samples>" == repr(clean.records)


def test_an_unknown_condition_is_named(both: Evaluations) -> None:
    """A KeyError for an unknown condition names the conditions that were evaluated."""
    with pytest.raises(KeyError, match="'blur' was not evaluated; choose from clean, low_light"):
        both["blur"]
    assert both.get("blur") is None
    assert {"clean", "low_light"} == dict(both).keys()


class Cells(HTMLParser):
    """A parser that collects the text of each cell and every tag."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the tag."""
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        """Remember the text."""
        self.texts.append(data)


def test_a_notebook_gets_a_table(both: Evaluations) -> None:
    """A notebook gets a table with the same numbers, with only tags of tables and paragraphs."""
    cells = Cells()
    cells.feed(both._repr_html_())

    assert {"p", "table", "thead", "tbody", "tr", "th", "td"} == cells.tags
    assert ["clean", "60.00%", "66.67%", "20.00%", "40.00%", "40.00%"] == cells.texts[7:13]


def test_names_cannot_write_html(both: Evaluations) -> None:
    """HTML tags and terminal codes in a note, as from a file name, are escaped or removed."""
    notes = Evaluations(evaluations=both.evaluations, gate=both.gate, notes=("<script>alert(1)</script>\x1b[2J",))

    assert "\x1b" not in str(notes) + notes._repr_html_()
    assert "<script>" not in notes._repr_html_()
    assert "note: &lt;script&gt;alert(1)&lt;/script&gt;" in notes._repr_html_()


# ---- as a data frame -----------------------------------------------------------------------------------------------


def test_a_frame_has_names(both: Evaluations) -> None:
    """The data frame has the name of each sample and the names of its classes."""
    frame = both["clean"].to_frame()
    dim = frame[frame.sample_name == "item 4"].iloc[0]

    assert "sample_id sample_name label label_name prediction prediction_name" == " ".join(frame.columns[:6])
    assert {f"item {number}" for number in range(300)} == set(frame.sample_name)
    assert ("middle", "top", True) == (dim.label_name, dim.prediction_name, dim.flagged)
    assert frame.label_name.tolist() == [toy.CLASSES[label] for label in frame.label]


def test_a_frame_over_all_conditions(both: Evaluations) -> None:
    """The data frame of all conditions has one row for each condition and sample, numbered from 0."""
    frame = both.to_frame()

    assert ["condition", "sample_id", "sample_name"] == frame.columns[:3].tolist()
    assert {"clean": 300, "low_light": 300} == frame.condition.value_counts().to_dict()
    assert list(range(600)) == frame.index.tolist()


def test_a_frame_without_finite_logits() -> None:
    """A sample without finite logits has no predicted class, so the name of the class is missing."""
    measurement = measurement_of("RRr")
    measurement.records.prediction[1] = NO_CLASS
    frame = Evaluation(measurement=measurement, rule=FailureRule()).to_frame()

    assert [False, True, False] == frame.prediction_name.isna().tolist()
    assert ["10", "11", "12"] == frame.sample_name.tolist()


def test_predictions_have_the_names_of_their_file() -> None:
    """The sample names of predictions are the ids of their file, both texts and whole numbers."""
    columns = {"label": [0, 1, 0, 1], "classes": ["cat", "dog"], "probabilities": [[0.9, 0.1], [0.2, 0.8]] * 2}
    for ids in (["a", "b", "c", "d"], [4, 5, 6, 7]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FailAwareWarning)
            frame = evaluate(records={"sample_id": np.array(ids), **columns}).to_frame()
        assert set(map(str, ids)) == set(frame.sample_name)
        assert {"cat", "dog"} == set(frame.label_name)


# ---- warnings ------------------------------------------------------------------------------------------------------


class NormalisedNet(nn.Module):
    """A network whose batch norm has seen these images in [0, 1]."""

    def __init__(self, images: np.ndarray) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, momentum=None))
        self.head = nn.Linear(4, 2)
        with torch.no_grad():
            self.features(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits, (N, 2)."""
        return self.head(self.features(images).mean((2, 3)))


def warned(**given: object) -> list[warnings.WarningMessage]:
    """Return the warnings of `evaluate`."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        evaluate(**given)
    return found


def test_wrong_preprocessing_is_a_warning_before_anything_is_measured() -> None:
    """Wrong preprocessing is a warning at the caller's line before anything is measured."""
    torch.manual_seed(0)
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    model = NormalisedNet(images)
    given = {"model": model, "dataset": [(image, k % 2) for k, image in enumerate(images)], "conditions": ["clean"]}
    wrong = "mean=0.485/0.456/0.406,std=0.229/0.224/0.225"

    first, *_ = warned(preprocess=wrong, **given)
    assert (FailAwareWarning, __file__) == (first.category, first.filename)
    assert "without mean and std" in str(first.message)
    assert [] == [one for one in warned(preprocess="none", **given) if "preprocess=" in str(one.message)]
    with pytest.raises(FailAwareWarning, match="without mean and std"):
        evaluate(preprocess=wrong, **given)
    with pytest.warns(FailAwareWarning):
        notes = evaluate(preprocess=wrong, **given).notes
    assert 1 == len([note for note in notes if "without mean and std" in note])


def test_clean_images_at_chance_are_a_warning(toy_model: toy.Bands) -> None:
    """Clean images at chance give a warning, and degraded images at chance give none."""
    with torch.no_grad():
        toy_model.linear.weight.zero_()
    (one,) = warned(model=toy_model, conditions=["clean", "low_light"], **TOY)

    assert "clean: almost surely set up wrongly: 33.33% of 300 clean samples are right" in str(one.message)
    assert "check the preprocessing, the order of the classes and the weights" in str(one.message)


class Dazzled(nn.Module):
    """A network that answers black images with NaN."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits, (N, 3)."""
        return self.network(images) / images.amax((1, 2, 3), keepdim=True)[:, 0, 0]


def test_logits_that_are_not_finite_are_a_warning(toy_model: toy.Bands) -> None:
    """Logits that are not finite give a warning that counts them for each condition."""
    (one,) = warned(model=Dazzled(toy_model), conditions=["clean", "low_light(factor=0)"], **TOY)

    assert "low_light(factor=0): 300 of 300 samples get logits that are not finite" in str(one.message)


def test_predictions_warn_at_the_line_of_the_caller() -> None:
    """Predictions give a warning at the caller's line, as a model does."""
    (one,) = warned(records={"sample_id": range(60), "label": [0, 1] * 30, "logits": [[5.0, 0.0]] * 60})

    assert __file__ == one.filename
    assert "clean: almost surely set up wrongly: 50.00% of 60 clean samples are right" in str(one.message)


def test_a_run_without_doubts_is_quiet(toy_model: toy.Bands) -> None:
    """An evaluation without doubts gives no warning, although it has notes."""
    assert [] == warned(model=toy_model, conditions=["clean"], **TOY)


# ---- what is given -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{"model": "model.pth", **TOY}, {"records": {}}], ids=["model", "records"])
def test_conditions_are_a_list(given: dict[str, object]) -> None:
    """Conditions given as text are refused, since the text would be read letter by letter."""
    with pytest.raises(ConfigError, match=r"evaluate: conditions: 'clean' is text; give a list, as in \['clean'\]"):
        evaluate(conditions="clean", **given)


# ---- progress ------------------------------------------------------------------------------------------------------


class Stream(io.StringIO):
    """A stream that may be a terminal."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self.is_terminal


@pytest.fixture
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw each state, as if enough time had passed."""
    monkeypatch.setattr("pytest_failaware.report.terminal.live._REDRAWN", 0.0)


@pytest.mark.usefixtures("_always")
def test_progress_on_a_terminal(toy_model: toy.Bands, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal shows progress of the decoding and of each condition, and the line is removed at the end."""
    stream = Stream(is_terminal=True)
    monkeypatch.setattr(sys, "stderr", stream)
    evaluate(model=toy_model, conditions=["clean", "low_light"], **TOY)

    assert "decoding 300/300 images" in stream.getvalue()
    assert "low_light (2 of 2) 300/300 images" in stream.getvalue()
    assert "" == screen(stream.getvalue()).strip()


@pytest.mark.usefixtures("_always")
def test_no_progress_in_a_log(toy_model: toy.Bands, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file or a pipe gets no progress, and a missing stream is no error."""
    stream = Stream(is_terminal=False)
    monkeypatch.setattr(sys, "stderr", stream)
    evaluate(model=toy_model, conditions=["clean"], **TOY)
    assert "" == stream.getvalue()

    monkeypatch.setattr(sys, "stderr", None)
    assert no_progress is follow_here()


class Output:
    """The output of a notebook cell, with all texts that it has shown."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def display(self, content: dict[str, str], *, raw: bool, display_id: bool) -> Output:
        """Open the output."""
        assert (True, True, []) == (raw, display_id, self.texts)
        self.update(content, raw=raw)
        return self

    def update(self, content: dict[str, str], *, raw: bool) -> None:
        """Show something else."""
        assert raw
        self.texts.append(content["text/plain"])


@pytest.mark.usefixtures("_always")
def test_progress_in_a_notebook(toy_model: toy.Bands, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook shows progress in one output of the cell, which is empty at the end, and stderr stays empty."""
    output, stream = Output(), Stream(is_terminal=False)
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=output.display))
    evaluate(model=toy_model, conditions=["clean"], **TOY)

    assert "decoding 300/300 images" in " ".join(output.texts)
    assert "clean (1 of 1) 300/300 images" in output.texts[-2]
    assert ("", "") == (output.texts[-1], stream.getvalue())


def test_ipython_on_a_terminal_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython on a terminal shows the progress line of terminals, since its shell has no kernel."""
    monkeypatch.setattr(sys, "stderr", Stream(is_terminal=True))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace()))

    assert "LiveLine.follow" == follow_here().__qualname__
