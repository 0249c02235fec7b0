"""Gates on predictions from a file: those of the digits example, and those of a classifier of a table."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from project import Project

from pytest_failaware import evaluate
from pytest_failaware.config.option_texts import Surroundings
from pytest_failaware.config.resolve import resolve
from pytest_failaware.measure.engine.outputs import logits_of
from pytest_failaware.measure.models.loading import choose_device
from pytest_failaware.measure.opening import open_bench, open_images, open_model

DIGITS = Path(__file__).parents[2] / "examples" / "digits"

Arrays = Mapping[str, NDArray[np.generic]]


@pytest.fixture
def digits_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the example's module importable, and remove it again after the test."""
    monkeypatch.syspath_prepend(str(DIGITS))
    monkeypatch.delitem(sys.modules, "digits", raising=False)


def exported(checkpoint: str) -> dict[str, NDArray[np.generic]]:
    """Return what a serving system would write to a file: the logits of the images of every condition."""
    typed = {"model": str(DIGITS / checkpoint), "arch": "digits:network", "dataset": "digits:test_set"}
    config = resolve(
        command_line={**typed, "preprocess": "resize=32"},
        ini={},
        around=Surroundings(environ={}, invocation_dir=DIGITS, ini_dir=DIGITS),
    )
    bench = open_bench(config, open_model(config, choose_device("cpu")), open_images(config))
    ids, labels, conditions = bench.store.sample_id, bench.store.labels, config.gate.conditions
    with torch.inference_mode():
        batches = [logits_of(bench.model.module, inputs) for one in conditions for inputs, _ in bench.loader(one, 0)]
    return {
        "sample_id": np.tile(ids, len(conditions)),
        "label": np.tile(labels, len(conditions)),
        "condition": np.repeat([one.key for one in conditions], len(ids)),
        "logits": np.concatenate(batches),
    }


@pytest.mark.usefixtures("digits_only")
@pytest.mark.parametrize("checkpoint", ["digits.pth", "digits_worse.pth"])
def test_the_digits_gate_from_the_model_and_from_its_predictions(pytester: pytest.Pytester, checkpoint: str) -> None:
    """A model and its predictions get the same verdicts and counts against the same baseline."""
    np.savez(pytester.path / "digits.npz", **exported(checkpoint))
    found = {}
    for how in (f"--failaware-model={DIGITS / checkpoint}", f"--failaware-predictions={pytester.path / 'digits.npz'}"):
        options = (
            "-p",
            "no:randomly",
            f"--rootdir={DIGITS}",
            "-c",
            str(DIGITS / "pytest.ini"),
            "-p",
            "no:cacheprovider",
        )
        pytester.runpytest_inprocess(*options, str(DIGITS), how, f"--failaware-report={pytester.path / 'run.json'}")
        report = json.loads((pytester.path / "run.json").read_text(encoding="utf-8"))
        found[how] = [(one["condition"], one["verdict"], one["cells"]) for one in report["results"]]

    by_model, by_predictions = found.values()
    assert by_model == by_predictions
    assert 5 == len(by_model)  # four conditions and their mean
    failing = checkpoint != "digits.pth"
    assert failing == any(verdict == "regressed" for _, verdict, _ in by_model)


# ---- a classifier that no image ever saw ---------------------------------------------------------------------------

TABLE = """
import pytest

@pytest.mark.reliability(conditions=["clean", "missing_values"], rule="confidence < 0.7", baseline="cells")
def test_cells(): pass
"""


def predict(path: Path, *, columns: int = 30, groups: int | None = None) -> None:
    """Write the probabilities of a regression for malign cells, on complete measurements and with missing values."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = load_breast_cancer()
    train, test = slice(None, None, 2), slice(1, None, 2)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(data.data[train][:, :columns], data.target[train])
    clean = data.data[test][:, :columns]
    holes = np.where(np.random.default_rng(0).random(clean.shape) < 0.2, clean.mean(axis=0), clean)
    count = len(clean)
    given = {
        "sample_id": np.tile([f"cell {row}" for row in range(count)], 2),
        "label": np.tile(data.target_names[data.target[test]], 2),
        "condition": np.repeat(["clean", "missing_values"], count),
        "probabilities": np.concatenate([model.predict_proba(clean), model.predict_proba(holes)]),
        "classes": data.target_names,
    }
    np.savez(path, **given, **({} if groups is None else {"group": np.tile(np.arange(count) % groups, 2)}))


def test_a_classifier_of_a_table_is_gated_end_to_end(project: Project) -> None:
    """A classifier of a table is recorded, is unchanged, and fails if it learnt from only two columns."""
    project.test(TABLE)
    predict(project.path / "good.npz")
    predict(project.path / "worse.npz", columns=2)
    good, worse = "--failaware-predictions=good.npz", "--failaware-predictions=worse.npz"

    project.run(good, "--failaware-update-baselines", model=None).stdout.fnmatch_lines(
        ["failaware: predictions good.npz, preprocess none", "predictions good.npz (sha256 ????????): 284 samples, 2 *"]
    )
    project.run(good, model=None).stdout.fnmatch_lines(["2 checked: 2 unchanged"])
    project.run(worse, "-v", model=None).stdout.fnmatch_lines(
        [
            "    cell *: '*', before '*' (*%), now '*' (*%), sample *",
            "*what else changed: predictions ????????, made elsewhere -> predictions ????????, made elsewhere",
            "2 checked: 2 regressed",
        ]
    )
    project.run(worse, "--failaware-against=good.npz", model=None).stdout.fnmatch_lines(
        ["*; against good.npz (sha256 ????????)", "2 checked: 2 regressed"]
    )


def test_a_model_against_its_own_predictions(project: Project) -> None:
    """A checkpoint can be compared with predictions that were written from its own records."""
    from toy import Images, network, weights

    model = network()
    model.load_state_dict(weights())
    records = evaluate(model=model, dataset=Images(), preprocess="none", conditions=["clean", "low_light"])
    table = records.to_frame()
    sure, rest = table["confidence"], (1 - table["confidence"]) / 2
    for number, name in enumerate(("top", "middle", "bottom")):
        table[f"probability_{name}"] = np.where(table["prediction"] == number, sure, rest)
    table.to_csv(project.path / "served.csv", index=False)
    result = project.run("--failaware-against=served.csv")

    result.stdout.fnmatch_lines(
        [
            "*served.csv: columns of the predictions that are not used: sample_name, label_name, prediction, *",
            "2 checked: 2 passed",
        ]
    )


def test_groups_of_predictions_reach_the_verdict(project: Project) -> None:
    """A loss that is proven over 284 independent cells may be chance if the cells come from three groups."""
    project.test(TABLE)
    predict(project.path / "good.npz")
    predict(project.path / "worse.npz", columns=2, groups=3)
    project.run("--failaware-predictions=good.npz", "--failaware-update-baselines", model=None)
    result = project.run("--failaware-predictions=worse.npz", "-v", model=None)

    result.stdout.fnmatch_lines(["*tested over the 3 groups of the samples*", "2 checked: 2 passed"])
    project.run("--failaware-predictions=good.npz", model=None)
    predict(project.path / "alone.npz", columns=2)
    result = project.run("--failaware-predictions=alone.npz", model=None)
    result.stdout.fnmatch_lines(["2 checked: 2 regressed"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--failaware-predictions=absent.csv",), "*absent.csv: no such file; give an npz, csv or parquet file*"),
        (("--failaware-predictions=good.npz", "--failaware-model=good.pth"), "*exclude each other*keep one"),
        (("--failaware-predictions=good.npz", "--failaware-limit=3"), "*limit=3: predictions are not measured again*"),
        (("--failaware-predictions=good.npz", "--failaware-group=cell"), "*no column 'cell' of --failaware-group*"),
        (("--failaware-predictions=good.npz", "--failaware-against=toy:network"), "*against=toy:network: no file of *"),
    ],
)
def test_mistakes_are_one_line_and_exit_4(project: Project, options: tuple[str, ...], sentence: str) -> None:
    """A mistake on the command line or in the file is one line with exit code 4."""
    project.test(TABLE)
    predict(project.path / "good.npz")
    result = project.run(*options, model=None)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    (result.stderr if result.errlines and "ERROR" in result.errlines[0] else result.stdout).fnmatch_lines([sentence])


def test_a_condition_nobody_predicted(project: Project) -> None:
    """A condition without predictions fails, and the line names the conditions of the file."""
    project.test(TABLE.replace("missing_values", "mising_values"))
    predict(project.path / "good.npz")
    result = project.run("--failaware-predictions=good.npz", model=None)

    result.stdout.fnmatch_lines(
        ["*good.npz: has no predictions under mising_values; did you mean 'missing_values'? choose from clean, *"]
    )


def test_a_marker_may_name_such_a_condition_only_with_predictions(project: Project) -> None:
    """A condition that only predictions can have is unknown in a run with a model."""
    project.test(TABLE)

    project.run().stdout.fnmatch_lines(["*unknown condition 'missing_values'*"])
