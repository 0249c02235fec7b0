"""`failaware_store_logits`: gates on scores that need every logit, and what happens if logits are missing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from project import MARKED, Command, Project
from stored import golden_file
from toy import Images, network, weights

from pytest_failaware import evaluate

KEY = "failaware_store_logits = true"
SCORES = "metrics=['accuracy', 'augrc(gen)', 'ece(temperature=1.50)']"
NEEDS = "needs every logit of a sample, and they are not kept; set failaware_store_logits = true in the ini"
NO_BASELINE = (
    "no logits are stored in the baseline; record it again with failaware_store_logits = true and "
    "--failaware-update-baselines"
)


def marked(project: Project, arguments: str = SCORES) -> None:
    project.test(MARKED.replace("reliability", f"reliability({arguments})"))


def stored(project: Project, file: str = "clean") -> dict[str, np.ndarray]:
    with np.load(project.sample_file(file)) as found:
        return {name: found[name] for name in found.files}


def predictions(project: Project, checkpoint: dict[str, torch.Tensor]) -> None:
    """Write the predictions of the model for the clean images to a file."""
    images = np.stack([Images()[index][0] for index in range(300)])
    logits = torch.from_numpy(images / 255).float().flatten(1) @ checkpoint["linear.weight"].T
    labels = [Images()[index][1] for index in range(300)]
    np.savez(project.path / "p.npz", sample_id=np.arange(300), label=labels, logits=logits.numpy())


def test_from_recording_to_a_worse_model(project: Project) -> None:
    """Logits are stored, the same model passes on their scores, and a worse model fails."""
    project.ini(KEY)
    marked(project)
    project.record().assert_outcomes(passed=2)
    logits = stored(project)["logits"]
    assert (np.float32, (300, 3)) == (logits.dtype, logits.shape)
    assert [0, 10] == pytest.approx([logits.min(), logits.max()])

    same = project.run("-v")
    same.assert_outcomes(passed=2)
    assert project.line_with(same, "test_toy[clean]", "augrc(gen)", "0.1800", "+0.0000", "passed")
    assert project.line_with(same, "test_toy[clean]", "ece(temperature=1.5)", "+0.0000", "passed")
    worse = project.run(model="worse.pth")
    worse.assert_outcomes(failed=2)
    assert project.line_with(worse, "test_toy[clean]", "augrc(gen)", "0.1800", "0.2867", "REGRESSED")
    before = project.files()
    project.record().stdout.fnmatch_lines(["*unchanged clean, low_light; nothing written*"])
    assert before == project.files()


@pytest.mark.parametrize(
    "arguments", ["metrics=['augrc(gen)']", "maximum={'ece(temperature=2)': 0.2}", "minimum={'auroc_f(gen)': 0.2}"]
)
def test_without_the_key_nothing_is_measured(project: Project, arguments: str) -> None:
    """Without the key a metric that needs logits is a collection error that names the metric and the key."""
    marked(project, arguments)
    result = project.run()

    result.stdout.fnmatch_lines([f"*test_toy: metrics: *(*): {NEEDS}*"])
    result.assert_outcomes(errors=1)
    assert "Traceback" not in result.stdout.str()


def test_without_the_key_in_the_ini_or_an_override(project: Project) -> None:
    """Without the key such a metric is refused in the ini file and in an override, too."""
    override = project.run("--failaware-override=metrics=augrc(gen)")
    override.stdout.fnmatch_lines([f"*augrc(gen): {NEEDS}*"])
    project.ini("failaware_metrics = accuracy augrc(gen)")
    result = project.run()

    assert 4 == result.ret
    result.stderr.fnmatch_lines([f"ERROR: metrics: augrc(gen): {NEEDS}*"])


def test_a_baseline_without_logits(project: Project) -> None:
    """A baseline without logits is incomparable; the update that the message names adds only the logits."""
    project.record()
    project.ini(KEY)
    marked(project)
    before, entries = stored(project), project.stored()
    result = project.run()
    result.assert_outcomes(failed=2)
    assert project.line_with(result, "augrc(gen)", "undefined", "0.1800", f"INCOMPARABLE ({NO_BASELINE})")
    assert project.line_with(result, "ece(temperature=1.5)", f"INCOMPARABLE ({NO_BASELINE})")

    update = project.record()
    update.assert_outcomes(passed=2)
    update.stdout.fnmatch_lines(["*updated clean, low_light; review and commit it*"])
    after = stored(project)
    assert [*before, "logits"] == list(after)
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)
    assert 3 == len(list(project.sample_file().parent.iterdir()))  # no file of a golden reference
    for key, entry in project.stored().items():
        assert {**entry, "records": ""} == {**entries[key], "records": ""}  # type: ignore[dict-item]  # from YAML
        assert entry["records"] != entries[key]["records"]  # type: ignore[index]  # as above
    project.run().assert_outcomes(passed=2)


def test_a_run_without_the_key_takes_none_away(project: Project) -> None:
    """An update without the key keeps the logits of unchanged entries, and says if changed entries lose theirs."""
    project.ini(KEY)
    project.record()
    (project.path / "tox.ini").write_text((project.path / "tox.ini").read_text().replace(KEY, ""))
    before = project.files()
    project.record().stdout.fnmatch_lines(["*unchanged clean, low_light; nothing written*"])
    assert before == project.files()

    lost = project.record(model="worse.pth")
    lost.stdout.fnmatch_lines(
        ["*updated clean, low_light; no logits any more for clean, low_light; review and commit*"]
    )
    assert "logits" not in stored(project)
    with np.load(golden_file(project.path / "baselines", "clean", "toy")) as golden:
        assert "logits" in golden.files


def test_drift_from_a_reference_without_logits(project: Project) -> None:
    """Drift from a golden reference without logits is not judged, and a note says how to change that."""
    project.record()
    project.record(model="worse.pth")
    project.ini(KEY)
    project.record(model="worse.pth")
    marked(project)
    result = project.run("-v", model="worse.pth")

    result.assert_outcomes(passed=2)
    assert (
        "drift is not judged for augrc(gen), ece(temperature=1.5): the golden reference has no logits; update with "
        "--failaware-reset-golden to make these values the golden reference"
    ) in result.stdout.str()
    project.record("--failaware-reset-golden", "--failaware-reason=logits", model="worse.pth")
    assert "drift is not judged" not in project.run("-v", model="worse.pth").stdout.str()


def test_predictions_bring_their_own(project: Project) -> None:
    """Predictions are judged on their own logits without the key, but an update needs the key."""
    marked(project, f"conditions=['clean'], {SCORES}")
    predictions(project, weights())
    typed = "--failaware-predictions=p.npz"
    refused = project.run(typed, "--failaware-update-baselines", model=None)
    refused.stdout.fnmatch_lines([f"*{NEEDS}*"])
    project.ini(KEY)
    project.run(typed, "--failaware-update-baselines", model=None).assert_outcomes(passed=1)
    assert (300, 3) == stored(project)["logits"].shape

    (project.path / "tox.ini").write_text((project.path / "tox.ini").read_text().replace(KEY, ""))
    project.run(typed, model=None).assert_outcomes(passed=1)
    project.run(typed, "--failaware-prune", model=None).assert_outcomes(passed=1)
    predictions(project, weights(dead=(2,)))
    worse = project.run(typed, model=None)
    assert project.line_with(worse, "augrc(gen)", "0.1800", "0.2867", "REGRESSED")


def test_predictions_without_the_key_store_no_logits(project: Project) -> None:
    """Without the key an update on predictions stores no logits."""
    marked(project, "conditions=['clean']")
    predictions(project, weights())
    project.run("--failaware-predictions=p.npz", "--failaware-update-baselines", model=None).assert_outcomes(passed=1)

    assert "logits" not in stored(project)


def test_a_second_model_and_a_report_that_is_accepted(project: Project, command: Command) -> None:
    """Both models of --failaware-against have logits, and `accept` stores those of a report."""
    project.ini(KEY)
    marked(project, f"conditions=['clean'], {SCORES}")
    against = project.run("--failaware-against=good.pth", model="worse.pth")
    assert project.line_with(against, "augrc(gen)", "0.1800", "0.2867", "REGRESSED")

    project.run("--failaware-report=r.json")
    code, _ = command("accept", "r.json")
    assert 0 == code
    assert (300, 3) == stored(project)["logits"].shape


def test_commands(project: Project, command: Command) -> None:
    """`show` and `selftest` use stored logits, and say so if there are none."""
    project.record()
    code, text = command("show", "toy", "--metrics", "augrc(gen)", "nll(temperature=5)")
    assert (0, 4) == (code, text.count("no logits"))
    code, text = command("selftest", "toy", "--gate=metrics=augrc(gen)", "--draws=2")
    assert 4 == code
    assert "toy: no logits are stored for clean, low_light, and augrc(gen) needs them; record it again with" in text

    project.ini(KEY)
    project.record()
    code, text = command("show", "toy", "--metrics", "augrc(gen)", "augrc(temperature=3)")
    assert ["0.1800", "0.1800"] == text.splitlines()[3].split()[7:9]
    code, text = command("selftest", "toy", "--gate=metrics=augrc(gen)", "--draws=2")
    assert "every gate was seen red" in text


def test_a_score_of_ones_own(project: Project) -> None:
    """A user's score that needs logits is treated like a built-in one."""
    (project.path / "conftest.py").write_text(
        "from pytest_failaware import ScoreMetric\n"
        "def gap(records, flagged): return float((records.logits.max(1) - records.logits.mean(1)).mean())\n"
        "def pytest_failaware_metrics():\n"
        "    return [ScoreMetric(name='gap', compute=gap, higher_is_better=True, needs_logits=True)]\n"
    )
    marked(project, "conditions=['clean'], metrics=['gap']")
    project.run().stdout.fnmatch_lines([f"*metrics: gap: {NEEDS}*"])
    project.ini(KEY)
    project.record()
    project.run("-v").assert_outcomes(passed=1)


def test_in_a_script() -> None:
    """`evaluate` keeps logits with store_logits=True; otherwise a score is undefined and says why."""
    model = network()
    model.load_state_dict(weights())
    asked = {"model": model, "dataset": Images(), "preprocess": "none", "conditions": ["clean"]}
    plain, kept = evaluate(**asked)["clean"], evaluate(**asked, store_logits=True)["clean"]

    assert (None, "no logits are stored") == (plain.score("augrc(gen)").value, plain.score("augrc(gen)").reason)
    assert 0.18 == pytest.approx(kept.score("augrc(gen)").value)
    assert kept.records.logits is not None
    assert list(plain.to_frame().columns) == list(kept.to_frame().columns)
