"""One fixture over the table libraries: a function from columns (lists of Python values) to a frame of that library."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

Make = Callable[[dict[str, list[Any]]], Any]
_ZONE = "Asia/Shanghai"  # not the zone of the test machine: wall-clock time must survive it


def _arrow(columns: dict[str, list[Any]]) -> Any:
    pa = pytest.importorskip("pyarrow")
    return pa.table({name: pa.array(cells, from_pandas=False) for name, cells in columns.items()})


def _pandas(columns: dict[str, list[Any]]) -> Any:
    import pandas as pd

    return pd.DataFrame({name: pd.Series(cells) for name, cells in columns.items()})


def _polars(columns: dict[str, list[Any]]) -> Any:
    return pytest.importorskip("polars").DataFrame(columns, strict=False)


def _dask(columns: dict[str, list[Any]]) -> Any:
    frames = pytest.importorskip("dask.dataframe")
    return frames.from_pandas(_pandas(columns), npartitions=3, sort=False)


@pytest.fixture(scope="session")
def duckdb_session() -> Iterator[Any]:
    with pytest.importorskip("duckdb").connect() as connection:
        connection.execute(f"SET TimeZone='{_ZONE}'")
        yield connection


@pytest.fixture(scope="session")
def spark_session() -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a session that starts warns about the machine, not about us
        builder = sql.SparkSession.builder.master("local[1]").appName("qstats-tests")
        settings = {
            "spark.ui.enabled": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.session.timeZone": _ZONE,
        }
        for key, value in settings.items():
            builder = builder.config(key, value)
        session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


_IN_MEMORY: dict[str, Make] = {"pandas": _pandas, "polars": _polars, "pyarrow": _arrow}
_ENGINES: Sequence[Any] = (
    "pandas",
    "polars",
    "polars-lazy",
    "pyarrow",
    "duckdb",
    pytest.param("dask", marks=pytest.mark.engine),
    pytest.param("pyspark", marks=[pytest.mark.engine, pytest.mark.xdist_group("spark")]),
)


@pytest.fixture(params=_ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(engine: str, request: pytest.FixtureRequest) -> Make:
    if engine in _IN_MEMORY:
        return _IN_MEMORY[engine]
    if engine == "polars-lazy":
        return lambda columns: _polars(columns).lazy()
    if engine == "dask":
        return _dask
    if engine == "duckdb":
        connection = request.getfixturevalue("duckdb_session")
        return lambda columns: connection.from_arrow(_arrow(columns))
    session = request.getfixturevalue("spark_session")
    return lambda columns: session.createDataFrame(_arrow(columns))


@pytest.fixture
def shuffled() -> np.random.Generator:
    return np.random.default_rng(20240501)
