"""The pooled verdict of a run: a report of its own that exists only if all conditions of a test were measured."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from five import RULE, baseline_of, measurement_of

from pytest_failaware.cli.main import main
from pytest_failaware.config.gate import build_gate
from pytest_failaware.config.vocabulary import BUILT_IN
from pytest_failaware.core.attachment import Attachment, JudgedItem
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.request import Writing
from pytest_failaware.judge.pairing import pair
from pytest_failaware.judge.pooled import share_of
from pytest_failaware.judge.sides import sides_of
from pytest_failaware.judge.verdict import Terms, judge
from pytest_failaware.plugin.ledger import NOTHING, Ledger
from pytest_failaware.plugin.pooling import not_pooled, pooled_verdict

KEYS = ("clean", "blur", "low_light", "fog:1")
GATE = """
import pytest

@pytest.mark.reliability(conditions=["clean", "blur", "low_light", "fog:1"], baseline="b")
def test_m(): pass
"""
SAMPLES, LOST = 3000, 30


class Gates:
    """A marked test on predictions: each condition loses one point of right answers, each on other samples."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester, self.path = pytester, pytester.path
        pytester.makeini("[pytest]\n")
        self.test(GATE)
        self.predict()
        self.run("--failaware-update-new").assert_outcomes(passed=4)
        self.predict(lost=dict.fromkeys(KEYS, LOST))

    def test(self, source: str) -> None:
        """Write the test file."""
        (self.path / "test_gate.py").write_text(source, encoding="utf-8")

    def predict(self, lost: Mapping[str, int] = {}, shift: int = 0) -> None:
        """Write predictions with so many right answers lost in each condition, on samples of its own.

        Args:
            lost: the number of lost answers by condition.
            shift: the number of the first sample that can be lost.
        """
        random = np.random.default_rng(0)
        label, columns = random.integers(0, 10, SAMPLES), []
        for number, key in enumerate(KEYS):
            logits = random.normal(0, 1, (SAMPLES, 10))
            logits[np.arange(SAMPLES), label] += 6
            rows = np.arange(shift + number, SAMPLES, len(KEYS))[: lost.get(key, 0)]
            logits[rows] = np.roll(logits[rows], 1, axis=1)
            columns.append(logits.astype(np.float32))
        np.savez(
            self.path / "p.npz",
            sample_id=np.tile(np.arange(SAMPLES), len(KEYS)),
            label=np.tile(label, len(KEYS)),
            condition=np.repeat(list(KEYS), SAMPLES),
            logits=np.concatenate(columns),
        )

    def run(self, *options: str, without: Sequence[str] = ("randomly", "rerunfailures", "xdist")) -> pytest.RunResult:
        """Run the gate on the predictions."""
        off = [word for plugin in without for word in ("-p", f"no:{plugin}")]
        return self.pytester.runpytest_inprocess(*off, "--failaware-predictions=p.npz", *options)

    def verdicts(self, *options: str, **more: Sequence[str]) -> dict[str, str]:
        """Return the verdicts of a run by condition, as its JSON report has them."""
        self.run("--failaware-report=report.json", *options, **more)
        results = json.loads((self.path / "report.json").read_text(encoding="utf-8"))["results"]
        return {result["condition"]: result["verdict"] for result in results}


@pytest.fixture
def gates(pytester: pytest.Pytester) -> Gates:
    """Return a stored baseline and predictions whose loss no single condition shows."""
    return Gates(pytester)


PASSED = dict.fromkeys(KEYS, "passed")


def test_a_loss_in_all_conditions_fails_the_mean_alone(gates: Gates) -> None:
    """The mean is one more failed test, after the last condition; its text begins with the act."""
    result = gates.run("-v")

    result.assert_outcomes(passed=4, failed=1)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines([
        "*::test_m[[]fog:1[]] PASSED*100%*",
        "*::test_m[[]mean[]] FAILED*100%*",
        "retrain, or accept with a reason: test_m[[]mean[]]: worse than baseline 'b' allows",
        "  Is the model worse? yes",
        "    accuracy: *, -1.00 pt (allowed 0.50 pt): REGRESSED",
        "      on these 12,000 answers of all conditions: 12,000 -> 11,880",
        "  this is the mean over all conditions of the test, sample by sample; *",
        "test_m: retrain, or accept with a reason (regressed: mean)",
        "5 checked: 1 regressed, 4 *",
        "*--failaware-update-baselines*--failaware-reason=*",
        "FAILED test_gate.py::test_m[[]mean[]] - REGRESSED: accuracy -1.00 pt*",
    ])  # fmt: skip


def test_every_report_has_the_mean(gates: Gates) -> None:
    """JSON, JUnit, HTML and Markdown show the pooled verdict; the JSON has no measurement for it."""
    files = ("report.html", "report.md")
    gates.run("--junitxml=junit.xml", "--failaware-report=report.json", *(f"--failaware-report={f}" for f in files))
    document = json.loads((gates.path / "report.json").read_text(encoding="utf-8"))
    cases = {case.get("name"): case for case in ElementTree.parse(gates.path / "junit.xml").iter("testcase")}

    mean = document["results"][-1]
    assert ("test_gate.py::test_m[mean]", "regressed", None) == (
        mean["nodeid"], mean["verdict"], mean["measurement"])  # fmt: skip
    assert document["counts"] == {"regressed": 1, "inconclusive": 4}
    assert cases["test_m[mean]"].find("failure") is not None
    properties = {one.get("name"): one.get("value") for one in cases["test_m[mean]"].iter("property")}
    assert ("regressed", "mean") == (properties["failaware.verdict"], properties["failaware.condition"])
    for name in files:
        assert "mean]" in (gates.path / name).read_text(encoding="utf-8").replace("&#93;", "]"), name


def test_a_good_mean_passes(gates: Gates) -> None:
    """An unchanged model has an unchanged mean; a loss within the tolerance passes it."""
    gates.predict()
    assert dict.fromkeys((*KEYS, "mean"), "unchanged") == gates.verdicts("--failaware-strict")
    gates.predict(lost={"clean": 5})
    assert "passed" == gates.verdicts()["mean"]


@pytest.mark.parametrize("options", [("-k", "not blur"), ("test_gate.py::test_m[clean]",), ("--lf",)])
def test_a_part_of_the_conditions_has_no_mean(gates: Gates, options: Sequence[str]) -> None:
    """With -k, an id or --lf of one condition the summary says how many ran; that is no failure, and no skip."""
    gates.predict(lost={"clean": 400})
    gates.test(GATE)
    gates.run("-k", "clean").assert_outcomes(failed=1, deselected=3)
    result = gates.run(*options, "-v")

    count = 3 if "-k" in options else 1
    result.stdout.fnmatch_lines([f"*test_m: mean not judged: {count} of 4 conditions ran"])
    result.stdout.no_fnmatch_line("*mean]*")


def test_a_part_passes_a_strict_run(gates: Gates) -> None:
    """A mean that is not judged, because -m leaves out a condition, does not fail a strict run."""
    gates.predict()
    (gates.path / "conftest.py").write_text(
        "def pytest_itemcollected(item):\n    if 'blur' in item.name: item.add_marker('slow')\n", encoding="utf-8"
    )
    gates.pytester.makeini("[pytest]\nmarkers = slow")
    result = gates.run("--failaware-strict", "-m", "not slow")

    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(["*test_m: mean not judged: 3 of 4 conditions ran"])


def test_lf_runs_the_conditions_of_a_failed_mean(gates: Gates) -> None:
    """After a failed mean --lf runs all its conditions and no other test, and judges the mean again."""
    gates.test(GATE + "\ndef test_other(): pass\n")
    gates.run().assert_outcomes(passed=5, failed=1)
    gates.run("--lf").assert_outcomes(passed=4, failed=1)
    gates.predict()
    gates.run("--lf").assert_outcomes(passed=5)
    gates.run("--lf").assert_outcomes(passed=6)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("if 'blur' in request.node.name: assert 0", "3 of 4 conditions can be used (blur *)"),
        ("if 'blur' in request.node.name: pytest.skip()", "3 of 4 conditions ran"),
    ],
)
def test_a_condition_whose_body_does_not_pass(gates: Gates, body: str, why: str) -> None:
    """A condition whose body fails or skips counts as not measured."""
    gates.test(GATE.replace("def test_m(): pass", f"def test_m(request):\n    {body}"))
    result = gates.run()

    result.stdout.fnmatch_lines([f"*test_m: mean not judged: {why}"])
    result.stdout.no_fnmatch_line("*mean]*")


def test_an_expected_failure_is_not_pooled(gates: Gates) -> None:
    """A test that is marked xfail has no mean, which would fail the run without the permission of the mark."""
    gates.test(GATE.replace("@pytest", "@pytest.mark.xfail\n@pytest", 1))
    result = gates.run()

    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(
        ["*test_m: mean not judged: 0 of 4 conditions can be used (clean is expected to fail,*"]
    )


def test_exitfirst_makes_no_mean(gates: Gates) -> None:
    """With -x a failed condition ends the run, without a mean and without a word on it."""
    gates.predict(lost={"clean": 400})
    gates.run("-x").stdout.no_fnmatch_line("*[[]mean*")


def test_other_samples_are_not_pooled() -> None:
    """Conditions that were compared on different samples have no mean, and the summary says so."""
    alike, other = (_ledger({"clean": "a", "blur": "a", "low_light": last}) for last in ("a", "b"))
    judged = pooled_verdict(alike, "t.py::test_x[clean]", BUILT_IN, Writing())

    assert judged is not None
    assert "t.py::test_x[mean]" == judged.nodeid
    assert pooled_verdict(other, "t.py::test_x[clean]", BUILT_IN, Writing()) is None
    assert ["test_x: mean not judged: the conditions were compared on different samples"] == list(not_pooled(other))


def _ledger(samples: Mapping[str, str]) -> Ledger:
    """Return the ledger of a run in which each condition was compared on the samples with this hash."""
    gate, ledger = build_gate({"conditions": list(samples)}), Ledger()
    for key, name in samples.items():
        now = measurement_of("RRWrw", key)
        nodeid = f"t.py::test_x[{key}]"
        reference = Reference(name="small", key=key, baseline=baseline_of(now), records=now.records)
        result = dataclasses.replace(
            judge(now, reference, gate, Terms(nodeid=nodeid)), test=("t.py::test_x[", "]"), location=("t.py", 1)
        )
        share = dataclasses.replace(share_of(sides_of(pair(now.records, now.records), RULE, RULE), key), samples=name)
        item = JudgedItem(
            result=result,
            facts=(),
            model="m",
            opened=(),
            rule=RULE,
            declared=tuple(samples),
            alpha=None,
            is_named=True,
            is_to_write=False,
            is_acceptable=True,
            declaration=gate.declaration,
            is_for_files=False,
            measurement=None,
            pictures=None,
            share=share,
        )
        for when, attachment in (("setup", NOTHING), ("call", Attachment(judged=item)), ("teardown", NOTHING)):
            ledger.add(SimpleNamespace(nodeid=nodeid, when=when, outcome="passed"), attachment)
    return ledger


def test_recording_says_nothing_on_the_mean(gates: Gates) -> None:
    """A run that records, or has nothing stored, has no mean and says nothing about it."""
    (gates.path / "baselines" / "b.yaml").unlink()
    gates.run().stdout.no_fnmatch_line("*[[]mean*")
    gates.run("--failaware-update-new").stdout.no_fnmatch_line("*[[]mean*")


def test_an_update_needs_a_reason_for_a_worse_mean(gates: Gates) -> None:
    """Without a reason the update of a test with a red mean writes nothing; with one the mean passes."""
    before = _files(gates.path)
    refused = gates.run("--failaware-update-baselines")
    refused.assert_outcomes(passed=4, failed=1)
    assert pytest.ExitCode.USAGE_ERROR == refused.ret
    refused.stdout.fnmatch_lines(["baseline 'b' NOT written: the new values of mean are worse *--failaware-reason*"])
    assert before == _files(gates.path)

    gates.run("--failaware-update-baselines", "--failaware-reason=meant").assert_outcomes(passed=5)
    assert before != _files(gates.path)
    assert "mean" not in (gates.path / "baselines" / "b.yaml").read_text(encoding="utf-8").split()


def _files(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((path / "baselines").rglob("*")) if file.is_file()}


def test_parameters_keep_their_place(gates: Gates) -> None:
    """Each set of other parameters has a mean of its own, also if a parameter has the name of a condition."""
    gates.predict(lost={})
    gates.test(
        GATE.replace("@pytest", "@pytest.mark.parametrize('p', ['clean', 'a-b'])\n@pytest", 1).replace("_m()", "_m(p)")
    )
    result = gates.run("-v")

    result.assert_outcomes(passed=10)
    names = {line.split("::")[1].split(" ")[0] for line in result.outlines if "::test_m[" in line and "PASSED" in line}
    assert 10 == len(names)
    assert 2 == sum("mean" in name for name in names)


def test_accept_needs_a_reason_for_a_worse_mean(gates: Gates, capsys: pytest.CaptureFixture[str]) -> None:
    """The command accept takes a report whose mean is red only with a reason, and stores no entry for the mean."""
    gates.run("--failaware-report=report.json").stdout.fnmatch_lines(["5 checked: 1 regressed*"])
    stored = gates.path / "baselines"

    assert 4 == main(["accept", str(gates.path / "report.json"), f"--baseline-dir={stored}"])
    assert "test_m[mean]: is worse than what was stored; if that is meant, add --reason" in capsys.readouterr().err
    assert 0 == main(["accept", str(gates.path / "report.json"), f"--baseline-dir={stored}", "--reason=meant"])
    assert "passed" != gates.verdicts()["mean"]


def test_no_condition_is_called_mean(gates: Gates) -> None:
    """A condition with the name of the mean is refused in one sentence."""
    gates.test(GATE.replace("fog:1", "mean"))
    gates.run().stdout.fnmatch_lines(["*'mean' is the name of the verdict over all conditions; give the condition *"])


@pytest.mark.parametrize("workers", [("-n", "2"), ("-p", "randomly", "-p", "no:xdist")])
def test_workers_and_order_play_no_part(gates: Gates, workers: Sequence[str]) -> None:
    """With two workers and in random order the mean has the numbers of one process."""
    pytest.importorskip("xdist" if "-n" in workers else "pytest_randomly")
    alone = _mean(gates)

    assert "regressed" == alone["verdict"]
    assert alone == _mean(gates, *workers, without=("rerunfailures",))


def _mean(gates: Gates, *options: str, **more: Sequence[str]) -> dict[str, object]:
    gates.run("--failaware-report=report.json", *options, **more)
    results = json.loads((gates.path / "report.json").read_text(encoding="utf-8"))["results"]
    return next(result for result in results if result["condition"] == "mean")


def test_an_attempt_that_ran_again_counts_last(gates: Gates) -> None:
    """If rerunfailures runs a condition again, the mean is made once, from the last attempt."""
    pytest.importorskip("pytest_rerunfailures")
    gates.test(GATE.replace("def test_m(): pass", FLAKY).replace("import pytest", "import pytest\nseen = []"))
    result = gates.run("--reruns=1", without=("randomly", "xdist"))

    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*1 rerun*"])


def test_conditions_that_fail_and_run_again_have_one_mean(gates: Gates) -> None:
    """If each condition fails and runs again, the mean is still reported once, in JUnit, too."""
    pytest.importorskip("pytest_rerunfailures")
    gates.predict(dict.fromkeys(KEYS, 300))
    result = gates.run("--reruns=1", "--junitxml=j.xml", without=("randomly", "xdist"))

    result.assert_outcomes(failed=5)
    assert 1 == (gates.path / "j.xml").read_text(encoding="utf-8").count('name="test_m[mean]"')


def test_a_weak_seed_is_named(gates: Gates) -> None:
    """A seed that may be worse is stored, and a notice asks whether its training was sound."""
    result = gates.run("--failaware-add-seed", "--failaware-reason=the second seed of this recipe")

    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(["b.yaml: the seed is inconclusive under *; was its training sound?*seeds --drop *"])


def test_a_file_that_is_named_twice_has_one_mean(gates: Gates) -> None:
    """Items that pytest runs twice are pooled once."""
    result = gates.run("--keep-duplicates", "test_gate.py", "test_gate.py")

    result.assert_outcomes(passed=8, failed=1)


FLAKY = """def test_m(request):
    if "fog" in request.node.name and not seen:
        seen.append(1)
        assert 0
"""


def test_a_worker_that_dies_leaves_no_mean(gates: Gates) -> None:
    """If a worker is lost with a condition, the mean is not judged, even though the other conditions passed."""
    pytest.importorskip("xdist")
    body = "def test_m(request):\n    if 'fog' in request.node.name: __import__('os')._exit(1)"
    gates.test(GATE.replace("def test_m(): pass", body))
    result = gates.run("-n", "2", without=("randomly", "rerunfailures"))

    result.stdout.fnmatch_lines(["*test_m: mean not judged: 3 of 4 conditions ran"])
    result.stdout.no_fnmatch_line("*[[]mean*")


def test_a_recipe_judges_the_mean_by_its_seeds(gates: Gates) -> None:
    """Against three seeds the mean is judged by their spread: one more seed passes, a worse model is red."""
    for number in (1, 2):
        gates.predict(lost=dict.fromkeys(KEYS, 25 * number), shift=100 * number)
        gates.run("--failaware-add-seed", "--failaware-reason=seed").assert_outcomes(passed=5)
    gates.predict(lost=dict.fromkeys(KEYS, 55), shift=300)
    honest = _mean(gates)
    assert "passed" == honest["verdict"]
    assert 3 == honest["comparisons"][0]["evidence"]["seeds"]["count"]  # type: ignore[index]

    gates.predict(lost=dict.fromkeys(KEYS, 600))
    assert "regressed" == _mean(gates)["verdict"]
