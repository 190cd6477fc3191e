"""The `qstats` command: verify a plan, draw a chart, rank categories, run the demonstration.

Exit codes: 0 done, 1 bad input (one line on stderr says why), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qstats
from qstats.errors import DataError, QStatsError

if TYPE_CHECKING:
    from qstats._core.result import Result

__all__ = ["main"]

_TABLES = ("complaints", "exposure", "control", "control_exposure")
_MORE = {"survey": "survey", "guardrails": "guardrail_data"}  # entry in [data] -> argument of verify_improvement
_DATA_KEYS = (*_TABLES, "columns", "data_date", *_MORE)
_ENTRY_KEYS = ("log", "exposure", "columns")

_SAID = {
    "en": {"verdict": "Verdict", "against": "What speaks against believing more", "wrote": "Wrote"},
    "zh": {"verdict": "结论", "against": "使结论受限的理由", "wrote": "已写入"},
}


def _steps(jobs: Iterable[Any], total: int, quiet: bool) -> Iterable[Any]:
    """Show a progress bar on stderr while the jobs run; none when it is not a terminal or not wanted."""
    from tqdm import tqdm

    return tqdm(jobs, total=total, disable=True if quiet else None, leave=False, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--lang", choices=("en", "zh"), default="en", help="language of the words (default: en)")
    common.add_argument("--out", type=Path, default=None, help="where to write (see each command)")
    common.add_argument("--encoding", default=None, help="of CSV files (default: UTF-8, else GB18030)")
    common.add_argument("--quiet", action="store_true", help="no progress bar")
    parser = argparse.ArgumentParser(
        prog="qstats", description="Is the process stable, and did the change really help?"
    )
    parser.add_argument("--version", action="version", version=f"qstats {qstats.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    verify = commands.add_parser("verify", parents=[common], help="judge an improvement by its plan")
    verify.add_argument("plan", type=Path, help="TOML with tables [plan] and [data]; --out is a folder")

    chart = commands.add_parser("chart", parents=[common], help="control chart of a CSV or Parquet file")
    chart.add_argument("file", type=Path, help="the data; --out is an .svg, .png, .html or .json file")
    chart.add_argument("--kind", choices=tuple(_CHARTS), default="individuals")
    chart.add_argument("--values", help="column of measurements (individuals, xbar-r, xbar-s, run, ewma, cusum)")
    chart.add_argument("--by", help="column of the subgroups (xbar-r, xbar-s)")
    chart.add_argument("--count", help="column of counts (p, np, c, u, laney-p, laney-u)")
    chart.add_argument("--size", help="column of sample sizes (p, np, laney-p)")
    chart.add_argument("--exposure", help="column of exposures (u, laney-u)")
    chart.add_argument("--order-by", help="column of the time or order")
    chart.add_argument("--phase", help="column of phase labels, such as before and after")
    chart.add_argument("--rules", help="western_electric (as without it), nelson, nhs, ... or none")
    chart.add_argument("--missing", choices=("raise", "drop"), default="raise", help="drop: missing values are gaps")

    pareto = commands.add_parser("pareto", parents=[common], help="rank categories, with how sure the ranks are")
    pareto.add_argument("file", type=Path, help="the data; --out is an .svg, .png, .html, .json or .csv file")
    pareto.add_argument("--by", required=True, help="column of the category")
    pareto.add_argument("--count", help="column with the number of defects in a row")
    pareto.add_argument("--weight", help="column with the cost or severity of a row")
    pareto.add_argument("--top", type=int, help="keep so many, the rest becomes (other)")

    nps = commands.add_parser("nps", parents=[common], help="Net Promoter Score of a column of answers, 0 to 10")
    nps.add_argument("file", type=Path, help="the answers; --out is an .svg, .png, .html, .json or .csv file")
    nps.add_argument("--values", required=True, help="column of the scores")
    nps.add_argument("--by", help="column of the segment")
    nps.add_argument("--weight", help="column of survey weights")
    nps.add_argument("--blank", type=float, nargs="+", default=(), help="codes that mean no answer, such as 11 99")
    nps.add_argument("--missing", choices=("raise", "drop"), default="raise", help="drop: leave missing answers out")

    commands.add_parser("demo", parents=[common], help="the main job on 336,776 real flights; --out is a folder")
    return parser


def _write(result: Result, path: Path, lang: str) -> None:
    """Write one result as the file's extension says."""
    kind = path.suffix.lower()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == ".json":
            path.write_text(result.to_json(indent=2) + "\n", encoding="utf-8")
        elif kind in (".html", ".htm"):
            qstats.write_report(result, path, lang=lang)
        elif kind == ".csv":
            qstats.write_csv(dict(result._columns()), path)
        elif kind in (".svg", ".png"):
            qstats.save_figure(result, path, lang=lang)
        else:
            raise DataError(f"--out: got {path.name!r}; a name ending in .svg, .png, .html, .json or .csv is wanted")
    except OSError as error:
        raise DataError(f"--out: cannot write {path.name}: {error.strerror or type(error).__name__}") from None
    print(f"{_SAID[lang]['wrote']}: {path}")


def _need(args: argparse.Namespace, *names: str) -> None:
    for name in names:
        if getattr(args, name) is None:
            raise DataError(f"--{name}: is missing; --kind {args.kind} needs it")


# Kind of chart -> function and the options it cannot do without.
_CHARTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "individuals": ("individuals", ("values",)),
    "xbar-r": ("xbar_r", ("values", "by")),
    "xbar-s": ("xbar_s", ("values", "by")),
    "p": ("p_chart", ("count", "size")),
    "np": ("np_chart", ("count", "size")),
    "c": ("c_chart", ("count",)),
    "u": ("u_chart", ("count", "exposure")),
    "laney-p": ("laney_p", ("count", "size")),
    "laney-u": ("laney_u", ("count", "exposure")),
    "run": ("run_chart", ("values",)),
    "ewma": ("ewma", ("values",)),
    "cusum": ("cusum", ("values",)),
    "nps": ("nps_chart", ("values", "by")),
}
_WITHOUT_RULES = ("run", "ewma", "cusum")


def _chart(args: argparse.Namespace) -> None:
    function, needed = _CHARTS[args.kind]
    _need(args, *needed)
    options = {name: getattr(args, name) for name in ("values", "by", "count", "size", "exposure")}
    for name, value in options.items():
        if value is not None and name not in needed:
            raise DataError(f"--{name}: got {value!r}; --kind {args.kind} has no use for it, leave it out")
    shared = {name: value for name, value in options.items() if value is not None}
    shared |= {"phase": args.phase, "missing": args.missing}
    if args.kind != "nps":  # its points are the periods, which have their order
        shared["order_by"] = args.order_by
    elif args.order_by is not None:
        raise DataError(f"--order-by: got {args.order_by!r}; --kind nps is ordered by --by, leave it out")
    if args.rules is not None:
        if args.kind in _WITHOUT_RULES:
            raise DataError(f"--rules: got {args.rules!r}; --kind {args.kind} has rules of its own, leave it out")
        shared["rules"] = args.rules
    data = qstats.read_table(args.file, encoding=args.encoding)
    result = getattr(qstats, function)(data, **shared)
    print(result.summary())
    print("\n" + result.explain(args.lang))
    if args.out:
        _write(result, args.out, args.lang)


def _pareto(args: argparse.Namespace) -> None:
    data = qstats.read_table(args.file, encoding=args.encoding)
    result = qstats.pareto(data, by=args.by, count=args.count, weight=args.weight, top=args.top)
    print(result.summary())
    if args.out:
        _write(result, args.out, args.lang)


def _nps(args: argparse.Namespace) -> None:
    data = qstats.read_table(args.file, encoding=args.encoding)
    options: dict[str, Any] = {
        "by": args.by,
        "weight": args.weight,
        "missing": args.missing,
        "blank": tuple(args.blank),
    }
    result: Result = qstats.nps(data, values=args.values, **options)
    print(result.summary())
    if args.out:
        _write(result, args.out, args.lang)


def _read_plan(path: Path) -> tuple[qstats.VerificationPlan, Mapping[str, Any]]:
    plan = qstats.VerificationPlan.from_toml(path)
    entries = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    data = entries.get("data")
    if not isinstance(data, Mapping):
        raise DataError(f"plan: {path.name} has no table [data] with complaints = ... and exposure = ...")
    _only(data, _DATA_KEYS, "[data]")
    if "complaints" not in data:
        raise DataError("plan: entry 'complaints' in [data] is missing; the name of a file is wanted")
    return plan, data


def _only(entries: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in entries:
        if key not in known:
            raise DataError(f"plan: unknown entry {key!r} in {where}; known are {', '.join(known)}")


def _columns(entries: object, where: str) -> qstats.LogColumns:
    if not isinstance(entries, Mapping):
        raise DataError(f"plan: {where} is {entries!r}; a table of column names is wanted")
    _only(entries, list(qstats.LogColumns.__dataclass_fields__), where)
    for key, value in entries.items():
        if not isinstance(value, str):
            raise DataError(f"plan: {where} {key} is {value!r}; a column name is wanted")
    return qstats.LogColumns(**entries)


def _more(data: Mapping[str, Any], group: str) -> dict[str, dict[str, Any]]:
    """Return the entries of [data.guardrails] or [data.survey]: a file name alone is the log."""
    found = data.get(group, {})
    if not isinstance(found, Mapping):
        raise DataError(f"plan: [data.{group}] is {found!r}; a table from the name of a metric to its files is wanted")
    out: dict[str, dict[str, Any]] = {}
    for name, entry in found.items():
        where = f'[data.{group}."{name}"]'
        entries = {"log": entry} if isinstance(entry, str) else entry
        if not isinstance(entries, Mapping):
            raise DataError(f"plan: {where} is {entry!r}; the name of a file, or a table with log = ..., is wanted")
        _only(entries, _ENTRY_KEYS, where)
        if "log" not in entries:
            raise DataError(f"plan: entry 'log' in {where} is missing; the name of a file is wanted")
        out[name] = dict(entries)
    return out


def _verify(args: argparse.Namespace) -> None:
    plan, data = _read_plan(args.plan)
    tables: dict[str, Any] = {key: data[key] for key in _TABLES if key in data}
    places = [("[data]", tables)]
    for group, argument in _MORE.items():
        found = _more(data, group)
        places += [(f'[data.{group}."{name}"]', entries) for name, entries in found.items()]
        tables[argument] = found or None
    for where, entries in places[1:]:
        if "columns" in entries:
            entries["columns"] = _columns(entries["columns"], f"columns in {where}")
    columns = _columns(data.get("columns", {}), "[data.columns]")
    _read_files(places, args)
    complaints = tables.pop("complaints")
    verdict = qstats.verify_improvement(plan, complaints, columns=columns, data_date=data.get("data_date"), **tables)
    _say(verdict, args.lang)
    if args.out:
        _write_all([verdict], args.out, args.lang, args.quiet)


def _read_files(places: Sequence[tuple[str, dict[str, Any]]], args: argparse.Namespace) -> None:
    """Put the table in the place of each file name; a file that is named twice is read once."""
    jobs = [(where, entries, key) for where, entries in places for key in entries if key in (*_TABLES, "log")]
    jobs = [(where, entries, key) for where, entries, key in jobs if not _is_constant(key, entries[key])]
    read: dict[str, Any] = {}
    for where, entries, key in _steps(jobs, len(jobs), args.quiet):
        name = entries[key]
        if not isinstance(name, str):
            raise DataError(f"plan: entry {key!r} in {where} is {name!r}; the name of a file is wanted")
        if name not in read:
            try:
                read[name] = qstats.read_table(args.plan.parent / name, encoding=args.encoding)
            except DataError as error:
                raise DataError(f"plan: entry {key!r} in {where}: {error}") from None
        entries[key] = read[name]


def _is_constant(key: str, value: object) -> bool:
    return key.endswith("exposure") and isinstance(value, str) and value == "constant"


def _say(verdict: qstats.Verdict, lang: str) -> None:
    said = _SAID[lang]
    print(verdict.question)
    print(f"  {said['verdict']}: {verdict.sentence(lang)}")
    reasons = verdict.reasons(lang)
    if reasons:
        print(f"  {said['against']}:")
        for reason in reasons:
            print(f"   - {reason}")
    print()


def _write_all(verdicts: Sequence[qstats.Verdict], folder: Path, lang: str, quiet: bool) -> None:
    """Write report.html, verdict.json and the figures of one or more verdicts into a folder."""
    import json

    try:
        folder.mkdir(parents=True, exist_ok=True)
        many = len(verdicts) > 1
        body: Any = [v.to_dict() for v in verdicts] if many else verdicts[0].to_dict()
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, indent=2)
        (folder / "verdict.json").write_text(text + "\n", encoding="utf-8")
        qstats.write_report(list(verdicts), folder / "report.html", lang=lang)
        names = [f"verdict-{i}" if many else "verdict" for i in range(1, len(verdicts) + 1)]
        jobs = [
            (v, folder / f"{n}{end}.{kind}", what)
            for v, n in zip(verdicts, names, strict=True)
            for end, what in (("", "level"), ("-guardrails", "guardrails"))
            for kind in ("svg", "png")
            if what == "level" or v.guardrails
        ]
        for verdict, path, what in _steps(jobs, len(jobs), quiet):
            qstats.save_figure(verdict, path, lang=lang, what=what)
    except OSError as error:
        raise DataError(f"--out: cannot write into {folder.name}: {error.strerror or type(error).__name__}") from None
    written = ["report.html", "verdict.json", *(path.name for _, path, _ in jobs)]
    print(f"{_SAID[lang]['wrote']}: " + ", ".join(str(folder / name) for name in written))


def _demo(args: argparse.Namespace) -> None:
    from qstats import demo

    verdicts = []
    for job in _steps(demo.questions(args.lang), demo.COUNT, args.quiet):
        verdicts.append(job())
    for verdict in verdicts:
        _say(verdict, args.lang)
    _write_all(verdicts, args.out or Path("out"), args.lang, args.quiet)


_COMMANDS = {"chart": _chart, "pareto": _pareto, "nps": _nps, "verify": _verify, "demo": _demo}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if (
            reconfigure is not None
        ):  # Chinese words on a terminal or pipe of another encoding must not end in a traceback
            reconfigure(errors="replace")
    args = _parser().parse_args(argv)
    try:
        _COMMANDS[args.command](args)
    except QStatsError as error:
        print(f"qstats: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 0
    except MemoryError:
        print("qstats: not enough memory for this file", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
