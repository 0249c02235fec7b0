"""What a test item attaches to its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Entry = Mapping[str, Any]
"""What an item attaches to its report. Any: plain data of any depth."""
