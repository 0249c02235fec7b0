"""evaluate(): the whole measurement without pytest, on numbers computed by hand, and what must not change them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import toy

from pytest_failaware import FailAwareError, evaluate
from pytest_failaware.core.estimates import Cells
from pytest_failaware.core.records import SCORES, Records

FOUR = ("clean", "gaussian_noise", "blur", "low_light")


def assert_identical(one: Records, other: Records) -> None:
    """Check that ids, labels and predictions are equal and scores differ by less than 1e-4."""
    for name in ("sample_id", "label", "prediction"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    for name in SCORES:
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-4, rel=1e-4), name


def test_the_numbers_computed_on_paper(toy_model: toy.Bands) -> None:
    """The cells and scores of the toy images are those computed by hand from their logits."""
    outcome = evaluate(model=toy_model, dataset=toy.images(), preprocess="none", conditions=["clean"])["clean"]
    bright = np.exp(10) / (np.exp(10) + 2)

    assert Cells(trusted_right=120, trusted_wrong=60, flagged_right=60, flagged_wrong=60) == outcome.stats.cells
    assert 180 == np.isclose(outcome.records.confidence, bright, atol=1e-7).sum()
    assert 120 == outcome.flagged.sum()
    assert 0.6 == outcome.stats.rates["accuracy"].value
    assert [200 / 255, 10] == pytest.approx(np.unique(outcome.records.max_logit).tolist())


def test_any_metric_by_its_name(toy_model: toy.Bands) -> None:
    """`score` returns any score or rate by its name, and refuses a misspelt name."""
    clean = evaluate(model=toy_model, dataset=toy.images(), preprocess="none", conditions=["clean"])["clean"]

    assert pytest.approx(0.18) == clean.score("augrc").value
    assert clean.score("auroc_f") == clean.score("auroc_f(entropy)")
    assert pytest.approx(1 / 3) == clean.score("risk_at_coverage(0.5)").value
    assert 0.5 == clean.score("failure_recall").value
    with pytest.raises(FailAwareError, match="unknown metric 'augrcs'; did you mean 'augrc'"):
        clean.score("augrcs")


def test_records_do_not_depend_on_batches_or_order(toy_model: toy.Bands) -> None:
    """Records are the same for batches of 1, 2, 7 and 64 and for a shuffled data set, under every condition."""
    reference = evaluate(model=toy_model, dataset=toy.images(), preprocess="none", conditions=FOUR, batch_size=64)
    shuffled = toy.Images(order=tuple(np.random.default_rng(0).permutation(300)))
    for dataset, batch_size in ((toy.images(), 1), (toy.images(), 2), (toy.images(), 7), (shuffled, 7)):
        other = evaluate(model=toy_model, dataset=dataset, preprocess="none", conditions=FOUR, batch_size=batch_size)
        for condition in FOUR:
            assert_identical(reference[condition].records, other[condition].records)


def test_a_subset_has_the_records_of_the_whole(toy_model: toy.Bands) -> None:
    """The noise of a sample does not depend on the other samples that are measured."""
    noise = {"model": toy_model, "preprocess": "none", "conditions": ["gaussian_noise"]}
    whole = evaluate(dataset=toy.images(), **noise)["gaussian_noise"].records
    part = evaluate(dataset=toy.Images(order=(12, 3, 7)), **noise)["gaussian_noise"].records
    rows = np.searchsorted(whole.sample_id, part.sample_id)

    assert 3 == len(part)
    assert_identical(whole.take(rows), part)


def test_the_seed_reaches_the_noise_alone(toy_model: toy.Bands) -> None:
    """Another seed changes the scores under noise and no others."""
    first, second = (
        evaluate(
            model=toy_model, dataset=toy.images(), preprocess="none", conditions=["clean", "gaussian_noise"], seed=seed
        )
        for seed in (0, 1)
    )

    assert np.array_equal(first["clean"].records.entropy, second["clean"].records.entropy)
    assert not np.array_equal(first["gaussian_noise"].records.entropy, second["gaussian_noise"].records.entropy)


def test_a_given_model_is_handed_back_as_it_was(toy_model: toy.Bands) -> None:
    """`evaluate` leaves the training mode and the gradient flags of a model as they were."""
    toy_model.train()
    toy_model.linear.weight.requires_grad_(False)
    evaluate(model=toy_model, dataset=toy.images(), preprocess="none", conditions=["clean"])

    assert (True, True) == (toy_model.training, toy_model.linear.training)
    assert (False, True) == (toy_model.linear.weight.requires_grad, toy_model.linear.bias.requires_grad)


def test_nothing_global_changes(toy_model: toy.Bands) -> None:
    """`evaluate` changes no random state, number of threads, gradient mode or warning filter."""
    import random
    import warnings

    def state() -> tuple[object, ...]:
        return (
            torch.random.get_rng_state().tolist(),
            np.random.get_state()[1].tolist(),
            random.getstate(),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
            torch.are_deterministic_algorithms_enabled(),
            list(warnings.filters),
        )

    before = state()
    evaluate(model=toy_model, dataset=toy.images(), preprocess="none", conditions=FOUR)

    assert before == state()


class Viewing(torch.nn.Module):
    """A network that flattens its feature map with `view`, which does not work for channels-last maps."""

    def __init__(self) -> None:
        super().__init__()
        self.features = torch.nn.Conv2d(3, 4, 3)
        self.head = torch.nn.Linear(4 * 36, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits, (N, 3)."""
        maps = self.features(images)
        return self.head(maps.view(len(maps), -1))


@pytest.mark.filterwarnings("ignore:clean. almost surely set up wrongly:pytest_failaware.FailAwareWarning")
def test_models_that_call_view_are_measured() -> None:
    """A model that calls `view` gets contiguous inputs, and its records are those of a plain forward pass."""
    torch.manual_seed(0)
    model = Viewing()
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    dataset = [(image, k % 3) for k, image in enumerate(pixels)]
    records = evaluate(model=model, dataset=dataset, preprocess="none", conditions=["clean"])["clean"].records
    with torch.inference_mode():
        logits = model(torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous() / 255)

    assert sorted(logits.max(1).values.tolist()) == pytest.approx(sorted(records.max_logit.tolist()), rel=1e-5)


class Broken(torch.nn.Module):
    """A model whose answer is computed by a function of the number of images."""

    def __init__(self, answer: Callable[[int], object]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, images: torch.Tensor) -> object:
        """Return the answer, which does not depend on the images."""
        return self.answer(len(images))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda count: torch.full((count, 3), float("nan")), "300 of 300 clean images .* not finite"),
        (lambda count: torch.zeros(count), "shape .64,., one number per image, as for a sigmoid"),
        (lambda count: {"scores": torch.zeros(count, 3)}, "a dict of 'scores', in which nothing is called logits"),
        (lambda count: torch.zeros(count, 10), "3 in --failaware-dataset .top, middle, bottom., 10 logits"),
    ],
)
def test_answers_that_are_no_logits(answer: Callable[[int], object], words: str) -> None:
    """An answer that is not a matrix of finite logits is refused."""
    with pytest.raises(FailAwareError, match=words):
        evaluate(model=Broken(answer), dataset=toy.images(), preprocess="none", conditions=["clean"])


def test_a_mean_for_other_channels_is_refused(toy_model: toy.Bands) -> None:
    """A mean for another number of channels is refused with the name of the option."""
    with pytest.raises(FailAwareError, match="--failaware-preprocess"):
        evaluate(model=toy_model, dataset=toy.images(), preprocess="mean=0/0/0,std=1/1/1", conditions=["clean"])


def test_the_folder_of_torchvision_data_sets(toy_model: toy.Bands, tmp_path: Path) -> None:
    """A data set of torchvision is searched in data_root, or else in the folder data."""
    mnist = {"model": toy_model, "dataset": "torchvision:MNIST", "preprocess": "none"}
    for options, folder in (({"data_root": tmp_path}, tmp_path), ({}, Path.cwd() / "data")):
        with pytest.raises(FailAwareError, match=re.escape(f"MNIST: not in {folder}, ")):
            evaluate(**mnist, **options)


def test_bad_images_are_left_out_where_that_is_allowed(toy_model: toy.Bands) -> None:
    """Bad images are left out if bad_samples allows it; otherwise the first one is an error."""

    class Damaged(toy.Images):
        def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
            if index == 7:
                raise OSError("image file is truncated")
            return super().__getitem__(index)

    given = {"model": toy_model, "dataset": Damaged(), "preprocess": "none", "conditions": ["clean"]}

    assert 299 == len(evaluate(**given, bad_samples="skip:1")["clean"].records)
    with pytest.raises(FailAwareError, match="item 7: reading it raised OSError: image file is truncated"):
        evaluate(**given)
