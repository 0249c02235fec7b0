"""Read CSV manifests: a row per image with its file, its label and, if samples belong together, its group."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Final

from pytest_failaware.core.errors import DataError, choices, closest
from pytest_failaware.core.lfs import LFS_REMEDY, is_lfs_pointer
from pytest_failaware.core.samples import GROUP
from pytest_failaware.core.text import describe_error, spelled
from pytest_failaware.measure.images.data import ImageSet, Sample
from pytest_failaware.measure.images.decode import read_image
from pytest_failaware.measure.images.folder import outside_note

_FILE: Final = "file"
_LABEL: Final = "label"
_MEANT: Final = {
    _FILE: ("filename", "filepath", "path", "image", "image_path", "img"),
    _LABEL: ("class", "class_name", "target", "category"),
}
"""The names of the two columns in other tools."""
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """The cells of one row by column, and the line of the file that it starts in."""

    line: int
    cells: dict[str, str]


def open_manifest(path: Path, group: str | None) -> ImageSet:
    """Return the images that a CSV file lists.

    Files are named relative to the CSV, below its folder; links are followed. If all labels are whole numbers, they are
    class numbers from 0; else they are class names, which are numbered in sorted order.

    Args:
        path: of the CSV file.
        group: the column that groups samples; None takes the column `group`, if there is one.

    Raises:
        DataError: with the file, the line and what is wrong there.
    """
    place = f"--failaware-dataset=csv:{path}"
    header, rows = _read(path, place)
    column = _group_column(header, group, place)
    cells = {name: [_filled(row, name, place) for row in rows] for name in (_FILE, _LABEL, *filter(None, [column]))}
    ignored = [name for name in header if name not in cells]
    root = path.parent.resolve()
    outside = sum(not real.is_relative_to(root) for real in _located(cells[_FILE], rows, root, place))
    return ManifestImages(
        files=[path.parent / name for name in cells[_FILE]],
        names=cells[_FILE],
        labels=cells[_LABEL],
        numbers=_class_numbers(cells[_LABEL], rows, place),
        groups=cells[column] if column else None,
        notes=(
            *((_ignored_note(path.name, ignored, column),) if ignored else ()),
            *outside_note(outside, path.parent),
        ),
    )


class ManifestImages(ImageSet):
    """The files of a manifest in its order, each read as RGB."""

    reads_in_parallel = True

    def __init__(
        self,
        *,
        files: Sequence[Path],
        names: Sequence[str],
        labels: Sequence[str],
        numbers: bool,
        groups: Sequence[str] | None,
        notes: tuple[str, ...],
    ) -> None:
        self.files, self.names, self.groups = files, names, groups
        self.has_class_names = not numbers
        self.classes = () if numbers else tuple(sorted(set(labels)))
        ranks = {name: rank for rank, name in enumerate(self.classes)}
        self.labels = [int(label) if numbers else ranks[label] for label in labels]
        self._notes = notes

    def __len__(self) -> int:
        return len(self.files)

    def name(self, index: int) -> str:
        """Return the file as the manifest names it."""
        return self.names[index]

    def read(self, index: int) -> Sample:
        """Read the file once for its hash and its pixels."""
        path = self.files[index]
        content, image = read_image(path, f"{spelled(str(path))} (image {index})")
        return Sample(key=hashlib.sha256(content).digest(), image=image, label=self.labels[index])

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines on columns that are not used and on images outside of the folder."""
        return self._notes


def _read(path: Path, place: str) -> tuple[list[str], list[_Row]]:
    """Return the header and the rows that are not blank."""
    header: list[str] = []
    rows: list[_Row] = []
    line = 0
    try:
        with path.open("rb") as binary:
            if is_lfs_pointer(binary.read(100)):
                raise DataError(f"{place}: is a Git LFS pointer, not the manifest itself; {LFS_REMEDY}")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True, skipinitialspace=True)
            for cells in reader:
                start, line = line + 1, reader.line_num
                values = [cell.strip() for cell in cells]
                if not any(values):
                    continue
                if not header:
                    header = _checked_header(values, f"{place}:{start}")
                elif len(values) != len(header):
                    raise DataError(
                        f"{place}:{start}: has {len(values)} values and the header {len(header)}; quote values "
                        "that hold a comma"
                    )
                else:
                    rows.append(_Row(line=start, cells=dict(zip(header, values, strict=True))))
    except FileNotFoundError as error:
        raise DataError(f"{place}: no such file; give one with the columns file,label") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        remedy = "write it as comma-separated UTF-8 text with the columns file,label"
        raise DataError(f"{place}:{line + 1}: cannot be read as CSV ({describe_error(error)}); {remedy}") from error
    if not rows:
        raise DataError(f"{place}: lists no image; give a header file,label and a row for each image")
    return header, rows


def _checked_header(names: list[str], place: str) -> list[str]:
    for wanted in (_FILE, _LABEL):
        if wanted not in names:
            alike = [name for name in names if name.lower() in (wanted, *_MEANT[wanted])]
            close = alike[0] if alike else closest(wanted, names)
            hint = f"did you mean {close!r}? rename it" if close else "name columns file,label, separated by commas"
            raise DataError(f"{place}: has no column {wanted!r}, only {', '.join(map(repr, names))}; {hint}")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{place}: has two columns {twice!r}; rename one of them")
    return names


def _group_column(header: Sequence[str], group: str | None, place: str) -> str | None:
    if group is None:
        return GROUP if GROUP in header else None
    if group not in header:
        raise DataError(f"--failaware-group={group}: {place} has no such column; {choices(group, header)}")
    return group


def _ignored_note(file: str, ignored: Sequence[str], column: str | None) -> str:
    hint = "" if column else "; --failaware-group names one whose samples belong together"
    return f"{file}: columns that are not used: {', '.join(ignored)}{hint}"


def _filled(row: _Row, column: str, place: str) -> str:
    if not row.cells[column]:
        remedy = (
            "a sample that belongs to no other needs its own group" if column not in (_FILE, _LABEL) else "fill it in"
        )
        raise DataError(f"{place}:{row.line}: the column {column!r} is empty; {remedy}")
    return row.cells[column]


def _located(names: Sequence[str], rows: Sequence[_Row], root: Path, place: str) -> list[Path]:
    """Return the real paths of the files; refuse files outside of the folder, absent files and files listed twice."""
    lines, paths, absent = dict[Path, int](), list[Path](), list[str]()
    inside = root.resolve()
    for name, row in zip(names, rows, strict=True):
        where = f"{place}:{row.line}"
        _refuse_other_folders(name, root, where)
        try:
            path = (root / name).resolve()
            is_there = path.is_file()
        except (OSError, ValueError, RuntimeError) as error:  # too long, a zero byte, or links in a circle
            raise DataError(f"{where}: {name!r} is no file ({describe_error(error)}); correct the name") from error
        # A store may keep equal images as one file: links to it count like copies.
        identity = path if path.is_relative_to(inside) else Path(os.path.normpath(root / name))
        if identity in lines:
            raise DataError(f"{where}: {name!r} is also the file of line {lines[identity]}; list each file once")
        lines[identity] = row.line
        paths.append(path)
        if not is_there:
            absent.append(f"{where}: {name!r} is not there")
    if absent:
        more = f" (and {len(absent) - 1} more files)" if len(absent) > 1 else ""
        raise DataError(f"{absent[0]}{more}; it should lie at {root} or below, with / between folders")
    return paths


def _refuse_other_folders(name: str, root: Path, where: str) -> None:
    """Refuse a name that leads out of the folder; a link below the folder may lead out."""
    if Path(name).is_absolute() or PureWindowsPath(name).drive or name.startswith(("/", "\\")):
        raise DataError(f"{where}: {name!r} is an absolute path; name files relative to the CSV")
    if not Path(os.path.normpath(root / name)).is_relative_to(root):
        raise DataError(f"{where}: {name!r} leads out of the folder of the CSV, {root}; move the file or the CSV")


def _class_numbers(labels: Sequence[str], rows: Sequence[_Row], place: str) -> bool:
    """Return whether the labels are class numbers; refuse numbers that are not whole or below 0."""
    if not all(_NUMBER.fullmatch(label) for label in labels):
        return False
    for label, row in zip(labels, rows, strict=True):
        if not (label.isascii() and label.isdecimal()):
            raise DataError(f"{place}:{row.line}: the label is {label!r}; labels are class names, or numbers from 0")
    return True
