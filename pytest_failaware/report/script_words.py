"""Sentences with options of pytest's command line, rewritten for a script that calls `evaluate`."""

from __future__ import annotations

import re
from typing import Final

_ARGUMENTS: Final = (
    "preprocess", "model", "dataset", "arch", "device", "batch-size", "precision", "bad-samples", "checkpoint-key",
    "precomputed", "data-root", "trust-model", "allow-download",
)  # fmt: skip
"""The options and ini keys that are arguments of `evaluate`, with an underscore instead of a dash."""

_NAMES: Final = "|".join(_ARGUMENTS).replace("-", "[-_]")
_OPTION: Final = re.compile(rf"(?:--failaware-|failaware_)({_NAMES})(?![\w-])(=(?:\"[^\"]*\"|[^\s;]*[^\s;,.:)]))?")


def in_script(text: str) -> str:
    """Return a sentence with arguments instead of options.

    >>> in_script("write --failaware-preprocess=none; check failaware_data_root")
    'write preprocess="none"; check data_root'
    """
    return _OPTION.sub(_argument, text)


def _argument(match: re.Match[str]) -> str:
    name = match[1].replace("-", "_")
    value = (match[2] or "").removeprefix("=").strip('"')
    return f'{name}="{value}"' if value else name
