"""Tables from and to files, for people whose data sit in a spreadsheet export."""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qstats.errors import DataError, EngineError
from qstats.table.arrays import is_missing
from qstats.table.frames import collect, is_frame, open_frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_table", "read_table", "safe_cell", "write_csv"]

_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_CODE = re.compile(r"[+-]?0\d+", re.ASCII)  # 007 is a name, not seven
_NOTHING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL"})
_EXACT = 2**53
# A spreadsheet runs a cell that begins so; it takes the full-width forms of a Chinese keyboard for the same.
_ACTIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def read_table(path: str | os.PathLike[str], *, encoding: str | None = None) -> pd.DataFrame:
    """Read a CSV, TSV or Parquet file into a pandas DataFrame without guessing, or say in one line why not.

    For data that fit in memory. A column becomes numbers only if every cell in it is a plain number; ``007``, dates and
    everything else stay the text they were. In a text column only an empty cell is missing, so a category called ``NA``
    survives; in a column of numbers ``NA``, ``NaN`` and ``null`` are missing too.

    Parameters
    ----------
    path : path
        ``.csv``, ``.tsv`` or ``.tab``, each also with ``.gz``; ``.parquet`` or ``.pq``. The first row names the
        columns.
    encoding : str, optional
        Encoding of a text file. By default UTF-8 (with or without a byte order mark), then GB18030.

    Returns
    -------
    pandas.DataFrame
        Column names without blanks around them.

    Raises
    ------
    DataError
        No such file, not a table, empty, rows of unequal length, doubled or empty column names, unreadable text.
    EngineError
        Parquet without pyarrow.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from qstats.table import read_table
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "log.csv"
    >>> _ = file.write_text("lot, 类别\\n007,划痕\\n008,\\n", encoding="gb18030")
    >>> read_table(file).fillna("?").to_dict("list")
    {'lot': ['007', '008'], '类别': ['划痕', '?']}
    """
    file = Path(path)
    suffixes = [s.lower() for s in file.suffixes]
    packed = suffixes[-1:] == [".gz"]
    kind = (suffixes[:-1] if packed else suffixes)[-1:] or [""]
    if not file.is_file():
        raise DataError(f"{file.name}: {'is not a file' if file.exists() else 'there is no such file'}")
    if kind[0] in (".parquet", ".pq") and not packed:
        return _read_parquet(file)
    if kind[0] not in _DELIMITERS:
        hint = "; save the sheet as CSV" if kind[0] in (".xlsx", ".xls", ".ods") else ""
        raise DataError(f"{file.name}: a .csv, .tsv or .parquet file is wanted (.csv.gz and .tsv.gz too){hint}")
    return _parse(_decode(_bytes(file, packed), file.name, encoding), _DELIMITERS[kind[0]], file.name)


def as_table(data: object, *, encoding: str | None = None) -> Any:
    """Return a small table as a data frame: what a path names, a mapping of columns, or a frame as it is.

    Parameters
    ----------
    data : path, mapping of str to sequence, or frame
    encoding : str, optional
        Of a file; found out by itself among UTF-8 and GB18030.

    Raises
    ------
    DataError
        As `read_table`; columns of a mapping that are no sequences or differ in length.

    Examples
    --------
    >>> from qstats.table import as_table
    >>> as_table({"lot": ["a", "b"], "y": [1.5, None]}).shape
    (2, 2)
    """
    if isinstance(data, str | os.PathLike):
        return read_table(data, encoding=encoding)
    if encoding is not None:
        raise DataError("encoding: it is for a file; leave it out where the data are a frame or a mapping")
    if not isinstance(data, Mapping):
        return data
    import pandas as pd

    held = {str(name): np.asarray(cells, dtype=None if isinstance(cells, np.ndarray) else object)
            for name, cells in data.items()}  # fmt: skip
    wrong = next((name for name, cells in held.items() if cells.ndim != 1), None)
    if wrong is not None:
        raise DataError(f"data: column {wrong!r} has {held[wrong].ndim} dimensions; a list of cells is wanted")
    sizes = {cells.size for cells in held.values()}
    if len(sizes) > 1:
        shown = ", ".join(f"{name!r} {cells.size}" for name, cells in held.items())
        raise DataError(f"data: columns of different lengths ({shown}); one cell a row is wanted")
    return pd.DataFrame(held).infer_objects()


def _bytes(file: Path, packed: bool) -> bytes:
    try:
        raw = file.read_bytes()
        return gzip.decompress(raw) if packed else raw
    except (OSError, EOFError, zlib.error) as error:
        why = "is not a whole gzip file" if packed else (getattr(error, "strerror", None) or "cannot be read")
        raise DataError(f"{file.name}: {why}") from None


def _decode(raw: bytes, name: str, encoding: str | None) -> str:
    if encoding is None and raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{name}: the text is UTF-16; pass encoding='utf-16' or save it as UTF-8")
    if encoding is None and b"\0" in raw:
        raise DataError(f"{name}: holds binary data; a text file is wanted")
    for choice in (encoding,) if encoding is not None else ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(choice)
        except UnicodeDecodeError:
            continue
        except LookupError:
            raise DataError(f"encoding: {choice!r} is not known; try 'utf-8' or 'gb18030'") from None
        if any(c in text for c in map(chr, (*range(9), *range(14, 27)))):
            raise DataError(f"{name}: holds binary data; a text file is wanted")
        return text.removeprefix("\ufeff")
    tried = encoding or "UTF-8 or GB18030"
    raise DataError(f"{name}: the text is not {tried}; pass encoding= the one it was saved in")


def _parse(text: str, delimiter: str, name: str) -> pd.DataFrame:
    import pandas as pd

    rows = _rows(text, delimiter, name)
    if not rows:
        raise DataError(f"{name}: the file is empty; a header row and data are wanted")
    header = _header(rows[0], name)
    other = next((c for c in (";", "\t", ",") if c != delimiter and len(header) == 1 and c in header[0]), None)
    if other is not None:
        wanted = "tabs" if delimiter == "\t" else "commas"
        raise DataError(f"{name}: cells seem to be parted by {other!r}; {wanted} are wanted: save it so or rename it")
    if len(rows) == 1:
        raise DataError(f"{name}: a header but no rows; data are wanted")
    cells = zip(*rows[1:], strict=True)
    return pd.DataFrame({title: _column(column) for title, column in zip(header, cells, strict=True)})


def _rows(text: str, delimiter: str, name: str) -> list[list[str]]:
    """Return header and rows, all of one length: pandas fills short rows and renames doubled columns without a word."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if not row:
                continue  # an empty line
            if rows and len(row) != len(rows[0]):
                raise DataError(f"{name}: line {reader.line_num} has {len(row)} cells, the header {len(rows[0])}")
            rows.append(row)
    except csv.Error as error:
        raise DataError(f"{name}: line {reader.line_num}: {error}") from None
    return rows


def _header(row: Sequence[str], name: str) -> list[str]:
    header = [title.strip() for title in row]
    for i, title in enumerate(header):
        if not title:
            raise DataError(f"{name}: column {i + 1} has no name; a header row with a name for each column is wanted")
        if header.index(title) != i:
            raise DataError(f"{name}: two columns are called {title!r}; give each its own name")
    return header


def _column(cells: tuple[str, ...]) -> pd.Series[Any]:
    """Return numbers if every cell is one, else the text, with empty cells missing."""
    import pandas as pd

    present = [cell.strip() for cell in cells if cell.strip() not in _NOTHING]
    if not present or not all(map(_is_number, present)):
        return pd.Series([cell if cell.strip() else None for cell in cells], dtype="str")
    if len(present) == len(cells) and all(map(_WHOLE.fullmatch, present)):
        return pd.Series(np.array([int(cell) for cell in present], dtype=np.int64))
    return pd.Series(np.array([math.nan if c.strip() in _NOTHING else float(c) for c in cells], dtype=np.float64))


def _is_number(cell: str) -> bool:
    if not _NUMBER.fullmatch(cell) or _CODE.fullmatch(cell):
        return False
    # A whole number beyond 2**53 is an identifier: as a number it would change.
    return len(cell) < 16 or not _WHOLE.fullmatch(cell) or abs(int(cell)) <= _EXACT


def _read_parquet(file: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        frame = pd.read_parquet(file)
    except ImportError:
        raise EngineError(
            f"{file.name}: reading Parquet needs pyarrow; install it with: pip install 'qstats-quality[duckdb]'"
        ) from None
    except Exception as error:  # pyarrow raises many kinds for a broken file
        raise DataError(f"{file.name}: is not a readable Parquet file ({type(error).__name__})") from None
    frame.columns = _header([str(c) for c in frame.columns], file.name)
    return frame


def safe_cell(text: str) -> str:
    """Return `text` so that a spreadsheet shows it and does not run it: an active first character gets an apostrophe.

    For text only; a number such as -1.5 is no danger as a number.

    Parameters
    ----------
    text : str
        Cell content.

    Returns
    -------
    str
        The text, with ``'`` in front if it begins with ``= + - @``, a tab or a line break.

    References
    ----------
    OWASP, CSV Injection, https://owasp.org/www-community/attacks/CSV_Injection.

    Examples
    --------
    >>> from qstats.table import safe_cell
    >>> safe_cell("=HYPERLINK(1)"), safe_cell("late")
    ("'=HYPERLINK(1)", 'late')
    """
    return "'" + text if text.startswith(_ACTIVE) else text


def write_csv(data: object, path: str | os.PathLike[str]) -> None:
    """Write a table as CSV that Excel opens well: Chinese is shown, text never runs as a formula.

    Parameters
    ----------
    data : data frame or mapping of str to sequence
        Columns of equal length.
    path : path
        File to write; an existing one is replaced.

    Raises
    ------
    DataError
        Columns of unequal length, nothing to write, or a place that cannot be written to.

    Notes
    -----
    UTF-8 with a byte order mark. Numbers are written in full (they read back to the same float64), missing as an empty
    cell, dates as ISO. Text passes `safe_cell`, so `read_table` gives back the apostrophe.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from qstats.table import write_csv
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "out.csv"
    >>> write_csv({"类别": ["=1+1", "划痕"], "n": [3, -1.5]}, file)
    >>> file.read_text(encoding="utf-8-sig").splitlines()
    ['类别,n', "'=1+1,3", '划痕,-1.5']
    """
    table = _as_columns(data)
    if len({len(cells) for cells in table.values()}) > 1:
        sizes = ", ".join(f"{title!r} {len(cells)}" for title, cells in table.items())
        raise DataError(f"data: columns of unequal length ({sizes}); one cell each per row is wanted")
    try:
        with open(path, "w", encoding="utf-8-sig", newline="") as out:
            # "\r\n" as RFC 4180 has it; with "\n" alone Python 3.11 leaves a lone "\r" unquoted, which splits a row.
            writer = csv.writer(out, lineterminator="\r\n")
            writer.writerow([safe_cell(str(title)) for title in table])
            writer.writerows([_written(cell) for cell in row] for row in zip(*table.values(), strict=True))
    except OSError as error:
        raise DataError(f"path: {Path(path).name} cannot be written ({error.strerror})") from None


def _as_columns(data: object) -> dict[str, list[Any]]:
    if is_frame(data):
        frame = collect(open_frame(data))
        table = {name: frame[name].to_list() for name in frame.columns}
    elif isinstance(data, Mapping):
        table = {}
        for title, column in data.items():
            if isinstance(column, str | bytes) or not hasattr(column, "__len__") or np.ndim(column) != 1:
                raise DataError(f"data: column {title!r} is a {type(column).__name__}; a sequence of cells is wanted")
            table[str(title)] = list(column)
    else:
        raise DataError(f"data: got a {type(data).__name__}; a data frame or a mapping of columns is wanted")
    if not table:
        raise DataError("data: no columns came; at least one is wanted")
    return table


def _written(cell: object) -> str:
    if is_missing(cell):
        return ""
    if isinstance(cell, np.generic) and not isinstance(cell, np.datetime64):
        cell = cell.item()
    if isinstance(cell, bool | int):
        return str(cell)
    if isinstance(cell, float):
        return repr(cell).removesuffix(".0") if abs(cell) < _EXACT else repr(cell)
    if hasattr(cell, "isoformat"):
        return _iso(cell)
    return safe_cell(str(cell))


def _iso(cell: Any) -> str:
    text: str = cell.isoformat()
    return text.removesuffix("T00:00:00")
