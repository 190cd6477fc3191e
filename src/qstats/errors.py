"""Every error and warning of qstats, under one root.

Which one to catch: :class:`DataError` when the data cannot answer the question, :class:`TooFewData` when more data
would, :class:`EngineError` when a table library cannot do what was asked. A wrong option value is a :class:`DataError`
too, so a tool that calls qstats needs one ``except QStatsError``.
"""

__all__ = [
    "DataError",
    "DesignError",
    "EngineError",
    "FormulaError",
    "NoConvergence",
    "QStatsError",
    "QStatsWarning",
    "TooFewData",
]


class QStatsError(Exception):
    """Root of everything qstats raises on purpose."""


class DataError(QStatsError, ValueError):
    """The data or an argument cannot be used: the message names it, what came, what is wanted."""


class TooFewData(DataError):
    """The data are sound but too few for the question."""


class DesignError(QStatsError, ValueError):
    """An experiment design cannot be made, or is not what it claims."""


class FormulaError(QStatsError, ValueError):
    """A model term is not one of the safe grammar."""


class NoConvergence(QStatsError, RuntimeError):
    """An iteration did not settle; the message tells what to try."""


class EngineError(QStatsError, TypeError):
    """The table library cannot do this, or is not installed."""


class QStatsWarning(UserWarning):
    """Something a user could lose data by, where no result carries a note."""
