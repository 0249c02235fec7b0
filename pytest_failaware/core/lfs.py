"""Recognise Git LFS pointers, the three lines that a checkout without LFS has in place of a large file."""

from __future__ import annotations

from typing import Final

_FIRST_LINE: Final = b"version https://git-lfs.github.com/spec/"
LFS_REMEDY: Final = "fetch the file with git lfs pull"


def is_lfs_pointer(head: bytes) -> bool:
    """Return whether a file that starts with these bytes is a pointer, by the specification of Git LFS 1.0."""
    return head.startswith(_FIRST_LINE)
