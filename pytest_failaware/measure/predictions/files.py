"""Read files of predictions: npz, csv or parquet, recognised by their first bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.budgets import check_unpacked
from pytest_failaware.core.errors import DataError
from pytest_failaware.core.lfs import LFS_REMEDY, is_lfs_pointer
from pytest_failaware.core.samples import GROUP
from pytest_failaware.core.text import describe_error
from pytest_failaware.measure.predictions.csv_file import frame_of_csv, text_of_csv
from pytest_failaware.measure.predictions.table import LAYOUT, Table, refuse_namesakes, table_of_arrays, table_of_frame

if TYPE_CHECKING:
    import pandas as pd


def read_table(content: bytes, place: str, group: str | None) -> Table:
    """Return the predictions in a file.

    Args:
        content: all bytes of the file.
        place: the name of the file in errors.
        group: the column that groups samples; None takes the column `group`, if there is one.

    Raises:
        DataError: it cannot be read, or lacks a column.
    """
    if is_lfs_pointer(content):
        raise DataError(f"{place}: is a Git LFS pointer, not the predictions themselves; {LFS_REMEDY}")
    if content.startswith(b"PK\x03\x04"):
        return table_of_arrays(_npz(content, place), place, group)
    if content.startswith(b"PAR1"):
        return table_of_frame(_parquet(content, place), place, group)
    text = text_of_csv(content, place)
    frame, names = frame_of_csv(text, place, ("sample_id", "label", "condition", group or GROUP), LAYOUT)
    refuse_namesakes(names, place)  # pandas has renamed them in the frame
    return table_of_frame(frame, place, group, text)


def _npz(content: bytes, place: str) -> dict[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            check_unpacked(arrays.zip, place, DataError, remedy="leave out what is not needed, or write parquet")
            if not any(name.endswith(".npy") for name in arrays.zip.namelist()):
                raise DataError(
                    f"{place}: is a zip archive without arrays, such as a workbook or a zipped csv; write csv, or npz"
                )
            return {name: arrays[name] for name in arrays.files}
    except DataError:
        raise
    except Exception as error:  # a damaged file raises errors of any kind
        raise DataError(
            f"{place}: cannot be read as npz ({describe_error(error)}); save it with numpy.savez, no objects"
        ) from error


def _parquet(content: bytes, place: str) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(io.BytesIO(content))
    except ImportError as error:
        raise DataError(
            f"{place}: reading parquet needs pyarrow; pip install 'pytest-failaware[parquet]', or write csv or npz"
        ) from error
    except Exception as error:  # a damaged file raises errors of any kind
        raise DataError(f"{place}: cannot be read as parquet ({describe_error(error)}); write it again") from error
