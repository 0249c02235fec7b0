"""The failure rule, which flags predictions that should not be trusted; tests and production use the same object."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, SupportsFloat

from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.records import TRUSTED_UP_TO

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pytest_failaware.core.records import Records

_PART: Final = re.compile(r"(confidence|entropy)\s*([<>])\s*([0-9.eE+-]+)")
_AT: Final = re.compile(r"(?P<parts>.*?)(\s+at\s+temperature\s+(?P<temperature>\S+))?", re.DOTALL)
_DIRECTION: Final = {"confidence": "<", "entropy": ">"}

TEMPERATURES: Final = (0.01, 100.0)
"""The lowest and the highest temperature of a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRule:
    """A rule that flags a prediction if its confidence is below a threshold, or its entropy above one (both strict).

    Confidence is the maximum probability of softmax(z / T) for logits z and the rule's temperature T; entropy is in
    nats. A threshold of None switches its part off. Every comparison is made in float32, the precision of stored
    scores. Temperature scaling: Guo et al. 2017, "On calibration of modern neural networks".

    Examples:
        >>> rule = FailureRule.parse("confidence < 0.6 or entropy > 1.0")
        >>> rule.flag_probabilities([[0.9, 0.1, 0.0], [0.5, 0.3, 0.2]])
        array([False,  True])
    """

    confidence: float | None = 0.6
    entropy: float | None = 1.0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.confidence is None and self.entropy is None:
            raise ConfigError("a FailureRule needs a confidence or an entropy threshold, got neither")
        if self.confidence is not None:
            object.__setattr__(self, "confidence", _threshold("confidence", self.confidence))
        if self.entropy is not None:
            object.__setattr__(self, "entropy", _threshold("entropy", self.entropy))
        object.__setattr__(self, "temperature", _temperature(self.temperature))

    @classmethod
    def parse(cls, text: str, where: str = "rule") -> FailureRule:
        """Return the rule written as in `confidence < 0.6 or entropy > 1.0`; one part alone is enough.

        A temperature other than 1 stands at the end: `confidence < 0.6 or entropy > 1.0 at temperature 1.52`.

        Raises:
            ConfigError: the text cannot be read or a threshold is out of range; `where` names the option.
        """
        thresholds: dict[str, float | None] = {"confidence": None, "entropy": None}
        whole = _AT.fullmatch(text.strip())
        assert whole is not None  # every text matches
        for part in re.split(r"\s+or\s+", whole["parts"]):
            match = _PART.fullmatch(part.strip())
            if match is None or match[2] != _DIRECTION[match[1]] or thresholds[match[1]] is not None:
                raise ConfigError(f"{where}: cannot read {text!r}; write it as 'confidence < 0.6 or entropy > 1.0'")
            try:
                thresholds[match[1]] = float(match[3])
            except ValueError:
                raise ConfigError(f"{where}: {match[3]!r} in {text!r} is not a number") from None
        try:
            return cls(**thresholds, temperature=_number(whole["temperature"] or "1"))
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None

    def __str__(self) -> str:
        parts = ((name, getattr(self, name)) for name in _DIRECTION)
        thresholds = " or ".join(f"{name} {_DIRECTION[name]} {value!r}" for name, value in parts if value is not None)
        return thresholds if self.temperature == 1 else f"{thresholds} at temperature {self.temperature!r}"

    def at(self, temperature: float) -> FailureRule:
        """Return the rule with the same thresholds at another temperature."""
        return replace(self, temperature=temperature)

    def scaled(self, factor: float) -> FailureRule:
        """Return the rule whose confidence threshold is multiplied, and whose entropy threshold is divided.

        A factor above 1 flags more. The confidence threshold becomes at most 1.
        """
        return replace(
            self,
            confidence=None if self.confidence is None else min(1.0, self.confidence * factor),
            entropy=None if self.entropy is None else self.entropy / factor,
        )

    def dead_part(self, classes: int) -> str | None:
        """Return a sentence that says which part can never fire with this many classes, None if both can.

        If the confidence is at least c, the entropy is at most H(c) + (1 - c) ln(K - 1). With K <= 3 and the default
        thresholds, the entropy part therefore adds nothing. This holds for all probabilities, so at every temperature.
        """
        if self.confidence is not None and self.confidence <= 1 / classes:
            return f"confidence < {self.confidence!r} can never fire with {classes} classes (at least 1/{classes})"
        if self.entropy is None:
            return None
        if self.entropy >= math.log(classes):
            return f"entropy > {self.entropy!r} can never fire with {classes} classes (at most {math.log(classes):.3f})"
        c = self.confidence
        if c is None:
            return None
        rest = 0.0 if c == 1 else -(1 - c) * math.log(1 - c) + (1 - c) * math.log(classes - 1)
        if self.entropy >= rest - c * math.log(c):
            return f"entropy > {self.entropy!r} adds nothing to confidence < {c!r} with {classes} classes"
        return None

    def flags(self, *, confidence: NDArray[np.float32], entropy: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which predictions are flagged, (N,) bool, from float32 scores at the rule's temperature, (N,)."""
        import numpy as np

        flagged = np.zeros(len(confidence), dtype=np.bool_)
        with np.errstate(over="ignore", under="ignore"):  # a threshold beyond float32 is infinite, and flags nothing
            if self.confidence is not None:
                flagged |= confidence < np.float32(self.confidence)
            if self.entropy is not None:
                flagged |= entropy > np.float32(self.entropy)
        return flagged

    def flags_of(self, records: Records) -> NDArray[np.bool_]:
        """Return which predictions of these records are flagged, (N,) bool."""
        confidence, entropy = records.scores_at(self.temperature)
        return self.flags(confidence=confidence, entropy=entropy)

    @property
    def trust_column(self) -> str:
        """The name of the column with the temperatures of trust; the temperature of the rule plays no part."""
        return f"{TRUSTED_UP_TO}{self.at(1.0)}"

    def trusted_up_to(self, records: Records) -> NDArray[np.float32] | None:
        """Return the largest temperature at which the thresholds trust each prediction, (N,); None if not stored."""
        return records.rule_columns.get(self.trust_column)

    def flag_logits(self, logits: Any) -> Any:  # Any: an array, a list or a torch tensor -> an array or a bool
        """Return which predictions are flagged: (N,) bool for logits (N, K), a Python bool for one sample (K,); K >= 2.

        A class may be masked by -inf. A sample with NaN, with +inf or without a finite logit has no answer; its
        confidence is 0, as in a gate.

        Raises:
            ValueError: the shape is wrong, or there are at least eight samples and all look like probabilities or
                percentages. Fewer samples can look so by chance and give only a warning.
        """
        rows, is_one = _matrix(logits, "logits")
        _check_scale(rows)
        return self._flagged(rows, is_one=is_one)

    def flag_probabilities(self, probabilities: Any) -> Any:  # Any: as flag_logits
        """Return which predictions are flagged, as `flag_logits` does, from softmax probabilities (N, K) or (K,).

        A sample with NaN has no answer.

        Raises:
            ValueError: the shape is wrong, or a row has a number below 0 or does not sum to 1.
        """
        from pytest_failaware.core.output_scale import logarithms, not_probabilities

        rows, is_one = _matrix(probabilities, "probabilities")
        if (wrong := not_probabilities(rows)).any():
            row = rows[wrong.argmax()]
            raise ValueError(
                f"probabilities must be >= 0 and sum to 1 in each row; row {wrong.argmax()} goes from {row.min():g} to "
                f"{row.max():g} and sums to {row.sum():g}; pass logits to flag_logits"
            )
        return self._flagged(logarithms(rows), is_one=is_one)

    def _flagged(self, logits: NDArray[np.float64], *, is_one: bool) -> NDArray[np.bool_] | bool:
        """Return the flags of logits (N, K), or a single bool if they are one sample."""
        import numpy as np

        from pytest_failaware.core.scores import is_answered, log_softmax, scores_of

        answered = is_answered(logits)
        scores = scores_of(log_softmax(np.where(answered[:, None], logits, 0) / self.temperature))
        flags = self.flags(confidence=np.where(answered, scores.confidence, np.float32(0)), entropy=scores.entropy)
        return bool(flags[0]) if is_one else flags


def _threshold(name: str, value: object) -> float:
    """Return the threshold as a plain float, so that `parse` can read `str(rule)`."""
    number = float(value) if isinstance(value, SupportsFloat) and not isinstance(value, bool) else math.nan
    if not (0 < number <= 1 if name == "confidence" else 0 <= number < math.inf):
        wanted = "above 0 and at most 1" if name == "confidence" else "of at least 0 nats"
        raise ConfigError(f"the threshold of {name} must be a number {wanted}, got {value!r}")
    return number


def _number(text: str) -> float:
    """Return the number in a text, NaN if there is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _temperature(value: object) -> float:
    number = float(value) if isinstance(value, SupportsFloat) and not isinstance(value, bool) else math.nan
    low, high = TEMPERATURES
    if not low <= number <= high:
        raise ConfigError(f"the temperature of a rule must be a number from {low} to {high:g}, got {value!r}")
    return number


def _matrix(values: Any, what: str) -> tuple[NDArray[np.float64], bool]:  # Any: as FailureRule.flag_logits
    """Return the values as float64 of shape (N, K), and whether they are one sample; tensors come from any device."""
    import numpy as np

    if hasattr(values, "detach"):
        values = _host(values, what)
    rows = np.asarray(values)
    if rows.dtype.kind in "bcSU":  # numpy would drop an imaginary part, and read text
        raise ValueError(f"{what} must be real numbers, got {rows.dtype}")
    rows = rows.astype(np.float64)
    if rows.ndim not in (1, 2) or rows.shape[-1] < 2:
        raise ValueError(f"{what} must have shape (N, K), or (K,) for one sample, with K >= 2, got {rows.shape}")
    return np.atleast_2d(rows), rows.ndim == 1


def _host(tensor: Any, what: str) -> Any:  # Any: a torch tensor, which this file does not import -> an array
    """Return the numbers of a tensor as an array."""
    if tensor.is_meta or tensor.is_complex() or tensor.is_quantized or str(tensor.layout) != "torch.strided":
        raise ValueError(f"{what} must be real numbers in a dense tensor, got {tensor.dtype} {tensor.layout}")
    values = tensor.detach().cpu()
    return (values.double() if tensor.is_floating_point() else values).numpy()


def _check_scale(logits: NDArray[np.float64]) -> None:
    """Refuse probabilities and percentages; only warn about few samples and about outputs of a sigmoid."""
    from pytest_failaware.core.output_scale import CERTAIN_ROWS, UNIT_RANGE_REMEDY, OutputScale, scale_of

    scale = scale_of(logits)
    if scale is None:
        return
    if scale is OutputScale.UNIT_RANGE:
        warnings.warn(f"the logits are {scale.value}; {UNIT_RANGE_REMEDY}", stacklevel=3)
        return
    divided = "divided by 100 " if scale is OutputScale.PERCENTAGES else ""
    if len(logits) >= CERTAIN_ROWS:
        raise ValueError(f"the logits are {scale.value}; give them {divided}to flag_probabilities")
    message = f"the logits look like {scale.value}; if they are, give them {divided}to flag_probabilities"
    warnings.warn(message, stacklevel=3)
