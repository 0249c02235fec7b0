"""Whether clean samples say that a set-up is wrong: counted false alarms of honest models, and counted hits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from five import with_columns
from numpy.typing import NDArray
from scipy.sparse import csgraph, csr_array

from pytest_failaware.core.records import NO_CLASS, Records
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.alarm import AlarmKind, alarm_of, find_alarm, is_known
from pytest_failaware.judge.permutation import find_renaming, is_renamed_alike
from pytest_failaware.judge.power import LEAST

Labels = NDArray[np.int64]
DRAWS = 100


def records_of(label: Labels, prediction: Labels, random: np.random.Generator) -> Records:
    """Samples with ids in a random order."""
    order, zeros = random.permutation(len(label)), np.zeros(len(label), np.float32)
    return Records(
        samples=Samples(
            ids=np.sort(random.integers(0, 2**63, len(label), dtype=np.uint64)),
            labels=label[order].astype(np.uint16),
        ),
        prediction=prediction[order].astype(np.uint16),
        confidence=zeros,
        entropy=zeros,
        label_log_probability=zeros,
        sum_squares=zeros,
        second_probability=zeros,
        max_logit=zeros,
    )


def answers(label: Labels, classes: int, accuracy: float, random: np.random.Generator) -> Labels:
    """Predictions of which a share is right, the others spread over the other classes."""
    other = (label + random.integers(1, classes, len(label))) % classes
    return np.where(random.random(len(label)) < accuracy, label, other)


def model(
    classes: int, samples: int, accuracy: float, random: np.random.Generator, meaning: Labels | None = None
) -> Records:
    """A model on equally frequent classes, whose outputs may mean other classes."""
    label = np.arange(samples) % classes
    predicted = answers(label, classes, accuracy, random)
    return records_of(label, predicted if meaning is None else meaning[predicted], random)


def circle(classes: int) -> Labels:
    """Each output one class further."""
    return np.roll(np.arange(classes), -1)


def count_renamings(make: object, draws: int = DRAWS) -> int:
    """In how many draws a renaming is found."""
    return sum(find_renaming(make(np.random.default_rng(seed))) is not None for seed in range(draws))  # type: ignore[operator]


# ---- false alarms --------------------------------------------------------------------------------------------------


def confused_pair(random: np.random.Generator) -> Records:
    """Ten classes; cats and dogs are told apart by a coin."""
    label = np.arange(300) % 10
    predicted = answers(label, 10, 0.9, random)
    pair = np.isin(label, [3, 5])
    return records_of(label, np.where(pair, random.choice([3, 5], 300), predicted), random)


def swapped_cats(random: np.random.Generator) -> Records:
    """Ten classes; most cats are taken for dogs, and most dogs for cats: other names would gain 12 points."""
    label = np.arange(1000) % 10
    mistaken = np.where(label == 3, 5, np.where(label == 5, 3, label))
    pair = np.isin(label, [3, 5]) & (random.random(1000) < 0.8)
    return records_of(label, np.where(pair, mistaken, answers(label, 10, 0.9, random)), random)


HONEST = {
    "chance_of_2": lambda random: model(2, 64, 0.5, random),
    "chance_of_10": lambda random: model(10, 300, 0.1, random),
    "chance_of_1000": lambda random: model(1000, 2000, 0.001, random),
    "weak_of_2": lambda random: model(2, 40, 0.55, random),
    "weak_of_10": lambda random: model(10, 64, 0.2, random),
    "two_samples_of_1000": lambda random: model(1000, 2000, 0.4, random),
    "two_samples_of_10": lambda random: model(10, 20, 0.5, random),
    "one_sample_of_10": lambda random: model(10, 10, 0.5, random),
    "one_sample": lambda random: model(2, 1, 0.5, random),
    "confused_pair": confused_pair,
    "swapped_cats": swapped_cats,
    "largest_class_only": lambda random: records_of(np.arange(200) % 10, np.zeros(200, np.int64), random),
}


@pytest.mark.parametrize("name", HONEST)
def test_no_renaming_is_found_in_an_honest_model(name: str) -> None:
    """In 100 draws no renaming is found, because a chance fit of one half does not fit the other."""
    assert 0 == count_renamings(HONEST[name])


def misread(label: Labels, to: Labels, share: float | Labels, random: np.random.Generator) -> Records:
    """Samples whose answer is `to` of their class in such a share, which may differ by class, and else their class."""
    shares = np.broadcast_to(share, to.shape)[label]
    return records_of(label, np.where(random.random(len(label)) < shares, to[label], label), random)


def of_shares(shares: tuple[float, ...], samples: int) -> Labels:
    """Labels of classes in these shares."""
    return np.repeat(np.arange(len(shares)), np.round(samples * np.array(shares)).astype(int))


def one_too_high(grades: int) -> Labels:
    """The next grade for each, if there is one."""
    return np.minimum(np.arange(grades) + 1, grades - 1)


def kept_zero(grades: int) -> Labels:
    """The next grade for each but 0."""
    return np.where(np.arange(grades) == 0, 0, one_too_high(grades))


SWAP = np.array([1, 0])
SWAPPED_OF_3 = np.array([1, 0, 2])
CONFUSED = {
    "screening": lambda r: misread(of_shares((0.95, 0.05), 1000), SWAP, np.array([0.67, 0.02]), r),
    "screening_of_few": lambda r: misread(of_shares((0.95, 0.05), 200), SWAP, np.array([0.67, 0.02]), r),
    "always_the_rare_class": lambda r: records_of(of_shares((0.95, 0.05), 400), np.ones(400, np.int64), r),
    "one_class_hardly_found": lambda r: misread(np.ones(300, np.int64), SWAP, 0.98, r),
    "one_class_half_found": lambda r: misread(np.zeros(300, np.int64), SWAP, 0.6, r),
    "four_grades": lambda r: misread(of_shares((0.25, 0.26, 0.26, 0.23), 400), kept_zero(4), 1.0, r),
    "four_grades_few_of_the_highest": lambda r: misread(of_shares((0.4, 0.26, 0.26, 0.08), 300), kept_zero(4), 1.0, r),
    "five_grades": lambda r: misread(np.arange(1000) % 5, one_too_high(5), 0.7, r),
    "five_grades_few_of_the_highest": lambda r: misread(
        of_shares((0.3, 0.3, 0.3, 0.05, 0.05), 200), one_too_high(5), 0.7, r
    ),
    "five_grades_one_too_low": lambda r: misread(np.arange(320) % 5, np.maximum(np.arange(5) - 1, 0), 0.8, r),
    "all_taken_for_one_of_three": lambda r: misread(np.arange(300) % 3, np.array([2, 2, 2]), 0.8, r),
    "normal_taken_for_one_disease": lambda r: misread(
        of_shares((0.7, 0.15, 0.15), 400), np.array([1, 1, 1]), np.array([0.8, 0.0, 0.2]), r
    ),
}


@pytest.mark.parametrize("name", CONFUSED)
def test_no_renaming_is_found_in_a_model_that_is_confused_in_one_direction(name: str) -> None:
    """A renaming is a bijection, so what the other classes gain, a class or an output that was known loses."""
    assert 0 == count_renamings(CONFUSED[name])


def test_a_model_of_a_rare_class_is_no_alarm() -> None:
    """A model that finds half of a rare class is no alarm, although its accuracy is at chance."""
    label = np.repeat([0, 1], [950, 50])
    predicted = np.concatenate([np.repeat([0, 1], [925, 25]), np.repeat([0, 1], [25, 25])])

    assert "" == alarm_of(records_of(label, predicted, np.random.default_rng(0)), ["fine", "defect"])


@pytest.mark.parametrize("accuracy", [0.3, 0.6, 0.95])
def test_a_model_that_knows_something_is_no_alarm(accuracy: float) -> None:
    """Three of ten right on 300 samples are more than chance."""
    assert "" == alarm_of(model(10, 300, accuracy, np.random.default_rng(0)), list("abcdefghij"))


# ---- hits ----------------------------------------------------------------------------------------------------------


def shuffled(random: np.random.Generator) -> Records:
    """A thousand classes in a random order, two samples of each."""
    return model(1000, 2000, 0.8, random, random.permutation(1000))


def of_groups(random: np.random.Generator) -> Records:
    """The first five of ten classes in a circle."""
    meaning = np.concatenate([circle(5), np.arange(5, 10)])
    return model(10, 500, 0.8, random, meaning)


def subset_of_imagenet(random: np.random.Generator) -> Records:
    """A model with a thousand outputs on ten of its classes, which are numbered from 0."""
    outputs = np.array([0, 217, 482, 491, 497, 566, 569, 571, 574, 701])
    return model(10, 200, 0.8, random, outputs)


def few_of_the_classes(random: np.random.Generator) -> Records:
    """Ten classes in a circle, of which the samples show four."""
    label = np.arange(200) % 4
    return records_of(label, circle(10)[answers(label, 10, 0.8, random)], random)


TEXT_ORDER = np.array(sorted(range(12), key=str))

HITS = {
    "circle_of_10_on_64": (lambda random: model(10, 64, 0.85, random, circle(10)), 90),
    "circle_of_10_on_300": (lambda random: model(10, 300, 0.6, random, circle(10)), 100),
    "two_classes_swapped_of_2": (lambda random: model(2, 200, 0.85, random, circle(2)), 100),
    "a_third_of_three_swapped": (lambda random: model(3, 300, 0.8, random, np.array([1, 0, 2])), 100),
    "five_of_ten": (of_groups, 100),
    "off_by_one": (lambda random: model(100, 500, 0.7, random, np.arange(100) + 1), 100),
    "shuffled_1000": (shuffled, 100),
    "subset_of_imagenet": (subset_of_imagenet, 100),
    "few_of_the_classes": (few_of_the_classes, 100),
    "text_order_of_12_on_64": (lambda random: model(12, 64, 0.9, random, TEXT_ORDER), 90),
    "text_order_of_12_on_320": (lambda random: model(12, 320, 0.7, random, TEXT_ORDER), 100),
    "reversed_6_on_64": (lambda random: model(6, 64, 0.85, random, np.arange(6)[::-1]), 90),
    "reversed_10_on_320": (lambda random: model(10, 320, 0.6, random, np.arange(10)[::-1]), 100),
    "reversed_5_on_128": (lambda random: model(5, 128, 0.75, random, np.arange(5)[::-1]), 95),
    "circle_of_5_on_128": (lambda random: model(5, 128, 0.75, random, circle(5)), 100),
    "rare_class_swapped": (
        lambda random: misread(of_shares((0.8, 0.2), 400), SWAP, np.array([0.95, 0.8]), random),
        95,
    ),
}


@pytest.mark.parametrize("name", HITS)
def test_another_order_of_the_classes_is_found(name: str) -> None:
    """Another order of the classes is found in at least this many of 100 draws."""
    make, least = HITS[name]

    assert least <= count_renamings(make)


def test_two_swapped_classes_of_ten_are_a_blind_spot() -> None:
    """They are a fifth of the samples, and the model is not right on all of them: a gain of 18 points is no alarm."""
    meaning = np.arange(10)
    meaning[[3, 5]] = 5, 3

    assert count_renamings(lambda random: model(10, 1000, 0.9, random, meaning)) < 5


# ---- the renaming --------------------------------------------------------------------------------------------------


def test_the_sentence_has_the_renaming_with_names() -> None:
    """The sentence has each output with its class, the share that would be right, and the remedy."""
    text = alarm_of(model(3, 300, 0.9, np.random.default_rng(0), np.array([1, 0, 2])), ["cat", "dog", "eel"])

    assert "0 'cat' -> 1 'dog', 1 'dog' -> 0 'cat' (fitted on one half" in text
    assert "'eel'" not in text
    assert text.endswith("give the classes of the data the order of the model's outputs")


def test_numbers_that_are_names_stand_once() -> None:
    """Classes without names are shown by their number only."""
    text = alarm_of(model(3, 300, 0.9, np.random.default_rng(0), np.array([1, 0, 2])), ["0", "1", "2"])

    assert "renamed: 0 -> 1, 1 -> 0 (fitted" in text


def test_many_renamings_are_shortened() -> None:
    """Ten renamings are shown, the others are counted."""
    text = alarm_of(model(100, 1000, 0.9, np.random.default_rng(0), circle(100)), list(map(str, range(100))))

    assert "0 -> 99, 1 -> 0, 2 -> 1, 3 -> 2, 4 -> 3, 5 -> 4, 6 -> 5, 7 -> 6, 8 -> 7, 9 -> 8 and 90 more (" in text


def test_more_outputs_than_classes_have_a_remedy_of_their_own() -> None:
    """With more outputs than classes the remedy is to use the numbers of the outputs as labels."""
    text = alarm_of(subset_of_imagenet(np.random.default_rng(0)), list("abcdefghij"))

    assert "217 -> 1 'b', 482 -> 2 'c'" in text
    assert text.endswith("give each sample the number of its output as label")


def test_the_order_of_the_samples_does_not_matter() -> None:
    """The split is a hash of the id, so that the same samples give the same sentence, whatever their ids look like."""
    records = model(10, 300, 0.8, np.random.default_rng(0), circle(10))
    even = with_columns(records, sample_id=np.arange(0, 600, 2, dtype=np.uint64))

    assert find_renaming(records) == find_renaming(records.take(np.arange(300)))
    assert find_renaming(even) is not None


def test_the_matching_gets_indices_of_32_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The matching of scipy before 1.15 raises a ValueError for any others."""
    real, widths = csgraph.min_weight_full_bipartite_matching, []

    def watched(graph: csr_array, maximize: bool) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        widths.extend([graph.indices.dtype, graph.indptr.dtype])
        return real(graph, maximize=maximize)  # type: ignore[no-any-return] # scipy ships no types

    monkeypatch.setattr(csgraph, "min_weight_full_bipartite_matching", watched)
    find_renaming(confused_pair(np.random.default_rng(0)))

    assert [np.int32, np.int32] == widths


def test_answers_that_are_not_finite_belong_to_no_class() -> None:
    """If half of the answers are not finite, the order of the others is still found."""
    records = model(10, 600, 0.95, np.random.default_rng(0), circle(10))
    broken = np.where(np.arange(600) % 2 == 0, NO_CLASS, records.prediction).astype(np.uint16)
    found = find_renaming(dataclasses.replace(records, prediction=broken))

    assert found is not None
    assert NO_CLASS not in dict(found.moves)


def test_a_model_without_a_finite_answer_is_an_alarm() -> None:
    """A model without a finite answer is an alarm, with no output to rename."""
    records = model(10, 60, 0.5, np.random.default_rng(0))
    silent = dataclasses.replace(records, prediction=np.full(60, NO_CLASS, dtype=np.uint16))

    assert find_renaming(silent) is None
    assert "0.00% of 60 clean samples are right" in alarm_of(silent, list("abcdefghij"))


def test_two_groups_prove_no_order() -> None:
    """Three objects in many pictures: a model that mixes up two of them is wrong about two groups, not about 200."""
    records = model(3, 300, 1.0, np.random.default_rng(0), np.array([1, 0, 2]))
    grouped = with_columns(records, group=records.label.astype(np.uint32))

    assert find_renaming(records) is not None
    assert find_renaming(grouped) is None


def test_the_same_renaming_of_another_model_is_known() -> None:
    """A model that is trained again, on classes of which each half has a sample, has the same order."""
    for classes, samples in ((10, 300), (100, 1000), (1000, 4000)):
        order = np.random.default_rng(0).permutation(classes)
        stored, now = (model(classes, samples, 0.8, np.random.default_rng(seed), order) for seed in (1, 2))

        assert is_renamed_alike(stored, now)


@pytest.mark.parametrize("other", [(0, 2, 1, 3, 4, 5), (5, 4, 3, 2, 1, 0), (1, 0, 3, 2, 4, 5), (0, 1, 2, 3, 4, 5)])
def test_another_renaming_is_not_the_stored_one(other: tuple[int, ...]) -> None:
    """Another renaming than the accepted one is a new alarm."""
    swapped = np.array([1, 0, 2, 3, 4, 5])
    stored = model(6, 600, 0.9, np.random.default_rng(1), swapped)

    assert is_renamed_alike(stored, model(6, 600, 0.9, np.random.default_rng(2), swapped))
    assert not is_renamed_alike(stored, model(6, 600, 0.9, np.random.default_rng(2), np.array(other)))


# ---- the other alarms ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("classes", "accuracy"), [(10, 0.1), (2, 0.5), (100, 0.01)])
def test_chance_is_an_alarm(classes: int, accuracy: float) -> None:
    """A model that is no better than always predicting the largest class is an alarm."""
    alarm = find_alarm(model(classes, 400, accuracy, np.random.default_rng(1)), list(map(str, range(classes))))

    assert alarm is not None
    assert AlarmKind.CHANCE is alarm.kind
    assert "always predicting the largest class" in alarm.text


@pytest.mark.parametrize(("samples", "accuracy"), [(2, 1.0), (4, 0.7)])
def test_too_few_samples_are_no_alarm(samples: int, accuracy: float) -> None:
    """Too few samples give no alarm, because they show nothing."""
    assert "" == alarm_of(model(3, samples, accuracy, np.random.default_rng(0)), ["cat", "dog", "eel"])


@pytest.mark.parametrize("right", [0, 30, 250, 300])
def test_samples_of_one_class_are_no_alarm(right: int) -> None:
    """Samples of only one class, such as defects, give no alarm."""
    predicted = np.where(np.arange(300) < right, 1, 0)

    assert "" == alarm_of(records_of(np.ones(300, np.int64), predicted, np.random.default_rng(0)), ["fine", "defect"])


@pytest.mark.parametrize(("samples", "is_alarm"), [(1, False), (2, False), (LEAST - 1, False), (LEAST, True)])
def test_samples_that_are_all_wrong_are_an_alarm_from_twenty_on(samples: int, *, is_alarm: bool) -> None:
    """Samples that are all wrong are an alarm only from twenty samples on."""
    label = np.arange(samples) % 3
    alarm = alarm_of(records_of(label, np.full(samples, 3), np.random.default_rng(0)), list("abcd"))

    assert is_alarm == ("largest class" in alarm)


def test_inputs_that_do_not_fit_are_an_alarm_below_a_third() -> None:
    """A misfit of the inputs is an alarm only with poor accuracy: a model may be robust to it."""
    names = list("abcdefghij")
    poor, fair = (model(10, 500, accuracy, np.random.default_rng(0)) for accuracy in (0.3, 0.4))

    assert "" == alarm_of(poor, names)
    assert "the inputs are not what the model was trained on" in alarm_of(poor, names, is_misfit=True)
    assert "" == alarm_of(fair, names, is_misfit=True)


# ---- accepted alarms -----------------------------------------------------------------------------------------------


def is_accepted(now: Records, stored: Records, *, is_misfit: bool = False, has_same_inputs: bool = False) -> bool:
    """Return whether the alarm of the records was accepted with the stored records."""
    names = list(map(str, range(10)))
    alarm = find_alarm(now, names, is_misfit=is_misfit)
    assert alarm is not None
    return is_known(alarm, now, stored, names, has_same_inputs=has_same_inputs)


@pytest.mark.parametrize("has_same_inputs", [False, True])
def test_wrong_inputs_are_known_of_the_same_model_and_preprocessing_alone(*, has_same_inputs: bool) -> None:
    """Wrong inputs count as accepted only for the same model and preprocessing."""
    stored, now = (model(10, 500, 0.3, np.random.default_rng(seed)) for seed in (0, 1))

    assert has_same_inputs == is_accepted(now, stored, is_misfit=True, has_same_inputs=has_same_inputs)


def test_wrong_inputs_are_new_if_the_stored_samples_were_right() -> None:
    """Wrong inputs are a new alarm if a third or more of the stored samples were right."""
    stored, now = (model(10, 500, accuracy, np.random.default_rng(0)) for accuracy in (0.5, 0.3))

    assert not is_accepted(now, stored, is_misfit=True, has_same_inputs=True)


def test_an_accepted_order_covers_no_other_order() -> None:
    """An accepted cycle of classes covers neither the reverse cycle nor chance."""
    stored, same = (model(10, 500, 0.8, np.random.default_rng(seed), circle(10)) for seed in (0, 1))
    other = model(10, 500, 0.8, np.random.default_rng(2), np.roll(np.arange(10), 1))

    assert is_accepted(same, stored)
    assert not is_accepted(other, stored)
    assert not is_accepted(model(10, 500, 0.1, np.random.default_rng(3)), stored)


def test_groups_count_on_the_stored_side_too() -> None:
    """Two groups of stored samples prove no order, so none was accepted."""
    stored, now = (model(3, 300, 1.0, np.random.default_rng(seed), SWAPPED_OF_3) for seed in (0, 1))
    names, grouped = list("abc"), with_columns(stored, group=stored.label.astype(np.uint32))
    alarm = find_alarm(now, names)

    assert alarm is not None
    assert is_known(alarm, now, stored, names, has_same_inputs=False)
    assert not is_known(alarm, now, grouped, names, has_same_inputs=False)
