"""Run a model in the fastest way that gives the same answers, with batches that fit into memory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import ModelOutputs, Precision
from pytest_failaware.core.scores import is_answered, log_softmax, scores_of
from pytest_failaware.core.text import describe_error
from pytest_failaware.measure.engine.constancy import ALIKE, FirstAnswers, check_first_answers, first_answers
from pytest_failaware.measure.engine.fold import Way, has_hooks, private_copies
from pytest_failaware.measure.engine.loader import DegradedLoader
from pytest_failaware.measure.engine.logits import Answers, OutputReader
from pytest_failaware.measure.engine.outputs import logits_of
from pytest_failaware.measure.models.loading import LoadedModel

Flags = Callable[..., NDArray[np.bool_]]
"""`flags(confidence=…, entropy=…)` -> bool (N,): a rule whose flags a faster way must not change."""

_TRIAL: Final = 64  # the most images on which the answers of a faster way are compared
_LOOKS: Final = 59  # how many later conditions start by asking two images again
_OUT_OF_MEMORY: Final = ("not enough memory", "can't allocate memory", "cannot allocate memory", "status_alloc_failed")


class Runner:
    """Runs one model in a session; the way is chosen once, and a batch size that did not fit is not tried again."""

    def __init__(
        self,
        model: LoadedModel,
        *,
        batch_size: int,
        precision: Precision,
        flags: Flags | None,
        declared: ModelOutputs = ModelOutputs.LOGITS,
    ) -> None:
        self.model = model
        self.batch_size = batch_size
        self.precision = precision
        self.flags = flags
        self.reader = OutputReader(declared)
        self._asked = batch_size
        self._first: FirstAnswers | None = None
        self._recalled: tuple[str, ...] = ()
        self._looks = 0  # how often the first images were asked again
        self._refusal = ""  # the first refusal is final, since a second try may pass by chance
        self._chosen: tuple[bool, Way] | None = None  # whether there were hooks, and the chosen way

    def of(self, model: LoadedModel) -> Runner:
        """Return a runner of another model with the same settings."""
        return Runner(
            model,
            batch_size=self.batch_size,
            precision=self.precision,
            flags=self.flags,
            declared=self.reader.declared,
        )

    @property
    def doubts(self) -> tuple[str, ...]:
        """The reasons known so far to doubt every number."""
        return (self.reader.note,) if self.reader.note else ()

    def recall(self, notes: Iterable[str]) -> None:
        """Add the notes of an earlier run on the same measurement."""
        self._recalled = tuple(dict.fromkeys((*self._recalled, *notes)))

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes on how the model was run, in this run or in the run that the records come from."""
        return tuple(dict.fromkeys((*self._own_notes, *self._recalled)))

    @property
    def _own_notes(self) -> tuple[str, ...]:
        rough = (self._first.note,) if self._first is not None and self._first.note else ()
        known = (*self.doubts, *rough)
        if self.batch_size == self._asked:
            return known
        return (
            *known,
            f"memory ran out with batches of {self._asked} images; went on with {self.batch_size}, which changes no "
            f"result: --failaware-batch-size={self.batch_size} saves the attempts",
        )

    def answers(self, loader: DegradedLoader) -> Iterator[tuple[slice, Answers]]:
        """Yield the rows of each batch, in order, with their logits (B, K) on the host; call it in inference mode.

        Raises:
            ModelError: the model does not accept the images, returns no logits, returns probabilities that are not
                declared, or answers differently when asked again; or the memory does not hold two images.
        """
        self._look_again()
        start, count = 0, len(loader.store.labels)
        while start < count:
            rows = slice(start, min(start + self.batch_size, count))
            outputs = self._fitting(loader, rows)
            if outputs is not None:
                self.reader.look(outputs, rows, count)
                yield rows, self.reader.logits(outputs)
                start = rows.stop

    def _fitting(self, loader: DegradedLoader, rows: slice) -> Answers | None:
        """Return the outputs for these rows, None if memory ran out; batches are then smaller from now on."""
        try:
            module, layout = self._way(loader, rows)
            return logits_of(module, loader.inputs(rows).to(memory_format=layout))
        except Exception as error:  # the user's network and kernels run here
            if not is_out_of_memory(error):
                raise
            self._halve(rows.stop - rows.start, error)
        gc.collect()  # outside of `except`, the traceback no longer holds the failed batch
        if self.model.device.type == "cuda":
            torch.cuda.empty_cache()
        return None

    def _halve(self, size: int, error: Exception) -> None:
        if size <= 2:  # a single image is fed twice
            raise ModelError(
                f"out of memory on {self.model.device} with two images, the fewest that a batch has, so that a smaller "
                f"--failaware-batch-size does not help: {describe_error(error)}; free memory, give a smaller resize= "
                "in --failaware-preprocess, or another --failaware-device"
            ) from error
        self.batch_size = size // 2

    def _look_again(self) -> None:
        """Refuse a model whose first answers changed, and choose the way again if hooks were added or removed."""
        if self._refusal:
            raise ModelError(self._refusal)
        if self._first is not None and self._looks < _LOOKS:
            self._looks += 1
            check_first_answers(self.model, self._first, self.precision)
        if self._chosen is not None and self._chosen[0] != has_hooks(self.model.module):
            self._chosen = None

    def _way(self, loader: DegradedLoader, rows: slice) -> Way:
        """Return the way to run the model, chosen once; the first time, check that answers depend only on the image."""
        if self._chosen is None:
            few = slice(rows.start, min(rows.stop, rows.start + _TRIAL))
            inputs = loader.inputs(few, clean=True)
            expected = logits_of(self.model.module, inputs)
            if self._first is None:
                self._first = self._first_answers(inputs, expected)
            self._chosen = (has_hooks(self.model.module), self._fastest(inputs, expected))
        return self._chosen[1]

    def _first_answers(self, inputs: torch.Tensor, expected: Answers) -> FirstAnswers:
        try:
            return first_answers(self.model, inputs, expected, self.precision)
        except ModelError as error:
            if not is_out_of_memory(error):
                self._refusal = str(error)
            raise

    def _fastest(self, inputs: torch.Tensor, expected: Answers) -> Way:
        """Return the first way that answers a clean batch as the module itself does."""
        for candidate, layout in self._candidates(inputs):
            answer = _try(candidate, inputs.to(memory_format=layout))
            if answer is not None and self._alike(answer, expected):
                return candidate, layout
        return self.model.module, torch.contiguous_format

    def _candidates(self, inputs: torch.Tensor) -> Iterator[Way]:
        """Yield faster ways: on a CPU folded copies, then the module with channels last.

        Models that call `view` do not accept channels last. On CUDA, channels last speeds up only tensor cores, not
        float32 kernels.
        """
        if self.model.device.type == "cpu" and self.precision is Precision.IEEE:
            yield from private_copies(self.model.module, inputs)
        if self.model.device.type == "cpu" or self.precision is not Precision.IEEE:
            yield self.model.module, torch.channels_last

    def _alike(self, answer: Answers, expected: Answers) -> bool:
        """Return whether predictions and flags are equal and outputs are close; False if a row has no answer."""
        finite = np.isfinite(expected)
        if answer.shape != expected.shape or not np.array_equal(np.isfinite(answer), finite):
            return False
        largest = np.abs(expected[finite]).max(initial=0)
        if np.abs(answer[finite] - expected[finite]).max(initial=0) > ALIKE * largest:
            return False
        sides = [self.reader.logits(outputs) for outputs in (answer, expected)]
        if not all(is_answered(logits).all() for logits in sides):
            return False
        new, old = (scores_of(log_softmax(logits)) for logits in sides)
        if not np.array_equal(new.prediction, old.prediction):
            return False
        if self.flags is None:
            return True
        new_flags, old_flags = (self.flags(confidence=side.confidence, entropy=side.entropy) for side in (new, old))
        return np.array_equal(new_flags, old_flags)


def _try(module: nn.Module, inputs: torch.Tensor) -> Answers | None:
    """Return the logits, or None if this way does not work; the module itself has worked before."""
    try:
        return logits_of(module, inputs)
    except ModelError as error:
        if is_out_of_memory(error):
            raise
        return None


def is_out_of_memory(error: BaseException | None) -> bool:
    """Return whether memory ran out, also if the error only wraps that error."""
    if error is None:
        return False
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    is_named = isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _OUT_OF_MEMORY)
    return is_named or is_out_of_memory(error.__cause__)
