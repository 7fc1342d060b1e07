"""The sides of a comparison: PCA, or the configurations for which a condition holds."""

import json
import re
from dataclasses import dataclass, replace

from ae_jax.errors import UserError, nearest
from ae_jax.results.configurations import Configuration, configurations, setting_text
from ae_jax.results.results import Results
from ae_jax.results.runs import Setting

_PAIR = re.compile(r"""\s*([\w./]+)\s*=\s*('[^']*'|"[^"]*"|\[[^\[\]]*\]|[^\s'"()=<>,\[\]]+)\s*(?:,|$)""")
_MOST_NAMED = 12  # values of a key in a message
_FORMS = "write key=value[,key=value], such as model=dense, or a condition in SQL, such as \"model = 'dense'\""


@dataclass(frozen=True)
class Side:
    """One of the two that are compared.

    Attributes:
        text: As it was asked for.
        configurations: Those for which it holds, with the runs for which it holds; of PCA none.
    """

    text: str
    configurations: tuple[Configuration, ...] = ()

    @property
    def is_pca(self) -> bool:
        """Whether it is PCA, beside whatever it is compared with."""
        return not self.configurations


def side(results: Results, text: str, *, option: str) -> Side:
    """What a text asks for: `PCA`; `key=value[,key=value]`, as typed to train; or an SQL condition on the table `runs`.

    Args:
        results: The runs.
        text: The text.
        option: Who gives it, for the message.

    Raises:
        UserError: If it fits neither, or holds for no run.
    """
    if text.strip().lower() == "pca":
        return Side("PCA")
    if not text.strip():
        raise UserError(option, "is empty", _FORMS)
    left = chosen(results, text, option=option)
    kept, lost = set(map(id, left.runs)), set(map(id, left.excluded))
    parts = []
    for one in configurations(results):
        runs = tuple(run for run in one.runs if id(run) in kept)
        if runs:
            excluded = tuple(other for other in one.excluded if id(other) in lost)
            parts.append(replace(one, runs=runs, excluded=excluded))
    return Side(" ".join(text.split()), tuple(parts))


def others(results: Results, than: Side) -> Side:
    """All configurations, with those of their runs that are not of a side."""
    taken = {id(run) for one in than.configurations for run in one.runs}
    parts = []
    for one in configurations(results):
        runs = tuple(run for run in one.runs if id(run) not in taken)
        if runs:
            parts.append(replace(one, runs=runs))
    return Side(f"not ({than.text})", tuple(parts))


def chosen(results: Results, text: str, *, option: str) -> Results:
    """The runs that a text asks for; see `side`."""
    asked = _typed(text)
    if not asked:
        return _by_condition(results, text, option)
    known = {key for run in results.runs for key in run.settings}
    for key, value in asked.items():
        if key in known:
            results = _having(results, key, value, option)
        else:  # a column of another kind, such as experiment
            results = _by_condition(results, f"{key} = '{value.replace(chr(39), chr(39) * 2)}'", option)
    return results


def _having(results: Results, key: str, value: str, option: str) -> Results:
    runs = [run for run in results.runs if key in run.settings and _is(run.settings[key], value)]
    if not runs:
        values = {setting_text(run.settings[key]) for run in results.runs if key in run.settings}
        remedy = nearest(value, values) if 0 < len(values) <= _MOST_NAMED else "choose a value that runs have"
        raise UserError(option, f"no run has {key}={value}", remedy)
    excluded = [one for one in results.excluded if key not in one.settings or _is(one.settings[key], value)]
    return Results(runs, excluded)


def _typed(text: str) -> dict[str, str]:
    """The values of `key=value[,key=value]`, without quotes; none where it is no such thing."""
    found, at = dict[str, str](), 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None or pair[1] in found:
            return {}
        found[pair[1].replace("/", ".")] = pair[2][1:-1] if pair[2][0] in "'\"" else pair[2]
        at = pair.end()
    return {} if text.rstrip().endswith(",") else found


def _is(setting: Setting, value: str) -> bool:
    """Whether a setting is what was typed: 0.001 and 1e-3 are the same, and True and true."""
    if setting_text(setting) == value:
        return True
    try:
        meant = json.loads(value.lower() if value.lower() in ("true", "false", "null") else value)
    except (ValueError, RecursionError):
        try:
            meant = float(value)  # such as .001
        except ValueError:
            return False
    return bool(setting == meant) and isinstance(setting, bool) == isinstance(meant, bool)


def _by_condition(results: Results, condition: str, option: str) -> Results:
    try:
        return results.where(condition)
    except UserError as error:
        bare = re.search(r"there is no column", error.problem) and re.search(r"=\s*[A-Za-z_]", condition)
        raise UserError(option, error.problem, _FORMS if bare else error.remedy) from error


def require_apart(a: Side, b: Side, *, option: str) -> None:
    """Refuse two sides that have a run in common, or that are both PCA.

    Raises:
        UserError: It names a run.
    """
    if a.is_pca and b.is_pca:
        raise UserError(option, "both sides are PCA", "give a condition for one of them")
    names = [{str(run.folder.path): run.name for one in each.configurations for run in one.runs} for each in (a, b)]
    common = [names[0][path] for path in names[0] if path in names[1]]
    if common:
        more = f" and of {len(common) - 1} more" if len(common) > 1 else ""
        problem = f"both conditions hold for the run {common[0]}{more}"
        raise UserError(option, problem, "narrow one of them: nothing is compared with itself")
