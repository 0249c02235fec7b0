"""Read a csv file of predictions as a data frame; a file of another format is refused by its name."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pytest_failaware.core.errors import DataError
from pytest_failaware.core.text import describe_error

if TYPE_CHECKING:
    import pandas as pd

_OTHER_FORMATS: Final = {
    b"\x1f\x8b": "is compressed with gzip; unpack it first",
    b"BZh": "is compressed with bzip2; unpack it first",
    b"\xfd7zXZ": "is compressed with xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; unpack it first",
    b"\xff\xfe": "is UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "is UTF-16 text; save it as UTF-8",
    b"ARROW1": "is an Arrow or Feather file; write parquet, npz or csv",
    b"\x89HDF": "is an HDF5 file; write parquet, npz or csv",
    b"\x93NUMPY": "is a single array; write all arrays with numpy.savez",
    b"\x80": "is a pickle, which can run code; write parquet, npz or csv",
    b"{": "is JSON; write parquet, npz or csv",
    b"[": "is JSON; write parquet, npz or csv",
}
"""The first bytes of formats that are often given instead, and the finding with the remedy."""

_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def text_of_csv(content: bytes, place: str) -> str:
    """Return the text of a csv file.

    Raises:
        DataError: it has another format, or is not UTF-8.
    """
    for start, finding in _OTHER_FORMATS.items():
        if content.startswith(start):
            raise DataError(f"{place}: {finding}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{place}: is no UTF-8 text (byte 0x{content[error.start]:02x} in line {line}); save it as UTF-8"
        ) from error


def frame_of_csv(text: str, place: str, texts: Sequence[str], layout: str) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows of a csv file, and its column names as they are written; pandas may change names in the frame.

    Args:
        text: of the file.
        place: the name of the file in errors.
        texts: the columns whose cells stay text.
        layout: what a file should hold, for errors.

    Raises:
        DataError: it cannot be read, or its separator is not a comma.
    """
    import pandas as pd

    _refuse_other_separators(text, place)
    try:
        frame = pd.read_csv(
            io.StringIO(text),
            dtype=dict.fromkeys(texts, str),
            keep_default_na=False,
            skipinitialspace=True,
            low_memory=False,  # else a column could hold text in some chunks and numbers in others
        )
        names = pd.read_csv(
            io.StringIO(text), dtype=str, keep_default_na=False, skipinitialspace=True, header=None, nrows=1
        )
    except Exception as error:  # a damaged file raises errors of any kind
        raise DataError(
            f"{place}: is neither npz nor parquet, and cannot be read as csv ({describe_error(error)}); {layout}"
        ) from error
    if not isinstance(frame.index, pd.RangeIndex):  # pandas would shift every column
        raise DataError(f"{place}: its rows have more fields than its first line has names; name every column")
    return frame, names.iloc[0].tolist()


def _refuse_other_separators(text: str, place: str) -> None:
    header = next((line for line in io.StringIO(text) if line.strip()), "")
    for separator, name in _SEPARATORS.items():
        if "label" in [cell.strip(' "') for cell in header.split(separator)] and separator in header:
            raise DataError(
                f"{place}: its columns are separated by {name}; write commas between them, and points in numbers, as "
                "pandas.DataFrame.to_csv(index=False) does"
            )
