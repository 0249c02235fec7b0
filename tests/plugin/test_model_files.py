"""The options that concern the file of a model, as users type them."""

from __future__ import annotations

import hashlib
import warnings

import pytest
import torch
import toy
from project import Project

from pytest_failaware import evaluate


def saved_module(project: Project, name: str) -> str:
    """Save a whole pickled model in the project and return the value for --failaware-trust-model."""
    model = toy.network()
    model.load_state_dict(toy.weights())
    torch.save(model, project.path / name)
    return f"sha256:{hashlib.sha256((project.path / name).read_bytes()).hexdigest()}"


def test_pickled_model_needs_trust(project: Project) -> None:
    """A pickled model is refused with the option to add; with that option it is measured and the summary says so."""
    trusted = saved_module(project, "whole.pth")
    refused = project.run(model="whole.pth")
    passed = project.record(f"--failaware-trust-model={trusted}", model="whole.pth")

    assert pytest.ExitCode.USAGE_ERROR == refused.ret
    refused.stdout.fnmatch_lines([f"*whole.pth: needs pickle globals *toy.Bands*--failaware-trust-model={trusted}"])
    passed.stdout.fnmatch_lines(["a pickled model, whose code ran as trusted", "2 checked: 2 recorded"])


def test_program_in_place_of_weights(project: Project) -> None:
    """A trusted TorchScript file is measured, the summary says so, and a second run reuses the cache."""
    model = toy.network()
    model.load_state_dict(toy.weights())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates TorchScript
        torch.jit.script(model).save(project.path / "program.bin")
    trust = f"--failaware-trust-model=sha256:{hashlib.sha256((project.path / 'program.bin').read_bytes()).hexdigest()}"
    first, second = project.record(trust, model="program.bin"), project.run(trust, model="program.bin")

    first.stdout.fnmatch_lines(["a program of TorchScript*", "2 checked: 2 recorded"])
    first.stdout.no_fnmatch_line("*reused*")
    second.stdout.fnmatch_lines(["*reused*", "2 checked: 2 unchanged"])


def test_evaluate_takes_the_same(project: Project) -> None:
    """`evaluate` takes the options trust_model and checkpoint_key and measures as a run does."""
    torch.save({"model": toy.weights(dead=(2,)), "ema": toy.weights()}, project.path / "both.pth")
    same = {"dataset": toy.images(), "preprocess": "none", "conditions": ["clean"]}
    trusted = saved_module(project, "whole.pth")
    pickled = evaluate(model=str(project.path / "whole.pth"), trust_model=trusted, **same)
    averaged = evaluate(model=str(project.path / "both.pth"), arch="toy:network", checkpoint_key="ema", **same)

    assert 0.6 == pickled["clean"].stats.rates["accuracy"].value == averaged["clean"].stats.rates["accuracy"].value
