"""The one door for data frames and data files: what comes in leaves as numpy arrays or a small table.

Frames in memory (pandas, Polars, Arrow) become numpy columns at once; lazy frames and databases (Polars lazy, DuckDB,
Dask, Spark and whatever else narwhals reads) aggregate where the rows are and bring back a small table. NaN and null
mean the same thing, missing, on every engine. narwhals and pandas load on first use, never on import.
"""

from qstats.table.arrays import labels
from qstats.table.dates import to_dates
from qstats.table.fetch import columns
from qstats.table.files import as_table, read_table, safe_cell, write_csv
from qstats.table.frames import column_names, is_frame, lazy_keys
from qstats.table.grouped import MomentsTable, counts_by, moments_by
from qstats.table.repeats import repeated

__all__ = [
    "MomentsTable",
    "as_table",
    "column_names",
    "columns",
    "counts_by",
    "is_frame",
    "labels",
    "lazy_keys",
    "moments_by",
    "read_table",
    "repeated",
    "safe_cell",
    "to_dates",
    "write_csv",
]
