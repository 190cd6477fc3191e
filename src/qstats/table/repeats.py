"""How many rows repeat an identifier, counted where the rows are."""

from __future__ import annotations

import numpy as np

from qstats.table.fetch import plain_expr
from qstats.table.frames import check_columns, collect, open_frame

__all__ = ["repeated"]


def repeated(data: object, column: str) -> int:
    """Return how many rows carry an identifier that another row had before; missing ones do not count.

    Only the sum leaves the engine, however many rows there are.

    Parameters
    ----------
    data : data frame
        Any frame; a lazy one is aggregated where it is.
    column : str

    Raises
    ------
    DataError
        No frame, an unknown column.

    Examples
    --------
    >>> import pandas as pd
    >>> from qstats.table import repeated
    >>> repeated(pd.DataFrame({"id": ["a", "b", "a", "a", None, None]}), "id")
    2
    """
    import narwhals.stable.v2 as nw

    frame = open_frame(data)
    schema = check_columns(frame, [("id", column)])
    key, kind = plain_expr(column, schema[column]), schema[column]
    if kind.is_float():
        key = nw.when(~key.is_nan()).then(key)
    some = frame.select(key.alias("_k")).filter(~nw.col("_k").is_null())
    sizes = some.group_by("_k").agg(nw.len().alias("_n")).filter(nw.col("_n") > 1)
    out = collect(sizes.select(nw.col("_n").sum().alias("s"), nw.len().alias("c")))
    found = [float(np.nan_to_num(out[name].to_numpy().astype(np.float64)).sum()) for name in ("s", "c")]
    return int(found[0] - found[1])
