"""The part of a row that says which configuration it is, and the keys that one may ask for."""

from collections.abc import Mapping, Sequence
from typing import TypeGuard

from ae_jax.errors import UserError, nearest
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, setting_text
from ae_jax.results.keys import key_names
from ae_jax.results.runs import Setting
from ae_jax.results.selection import share_text
from ae_jax.tables.parts.base import MISSING, Cell, Column, Strip

SEED = "seed"
LATENT_SIZE, MODEL = "model.latent_size", "model"
_ALWAYS = ("dataset", MODEL, LATENT_SIZE)  # shown where nothing varies


def check_keys(option: str, keys: Sequence[str], results: Results) -> None:
    """Refuse keys that no run has.

    Args:
        option: Name of the option that gives the keys, for the message.
        keys: Dotted keys.
        results: The runs.

    Raises:
        UserError: An unknown key, one given twice, or `seed`.
    """
    known = {key for run in results.runs for key in run.settings} - {SEED}
    for key in keys:
        if key == SEED:
            raise UserError(option, "seed cannot be one of the keys: a row has all seeds", "leave it out")
        if key not in known:
            raise UserError(option, f"no run has a key {key!r}", nearest(key, known))
        if keys.count(key) > 1:
            raise UserError(option, f"{key} is given twice", "give it once")


def dataset_keys(results: Results) -> list[str]:
    """The varying keys that say which data these are."""
    return [key for key in results.varying if _is_of_data(key)]


def naming_keys(results: Results) -> list[str]:
    """The keys that name a configuration: those of the data, the latent size, the rest as in the config."""
    keys = list(results.distinguishing) or list(_ALWAYS)
    return sorted(keys, key=lambda key: (not _is_of_data(key), key != LATENT_SIZE))


def grouped(configurations: Sequence[Configuration], keys: Sequence[str]) -> list[list[Configuration]]:
    """Configurations with equal values of the keys together, in the order in which they come."""
    groups: dict[tuple[str | None, ...], list[Configuration]] = {}
    for one in configurations:
        settings = one.runs[0].settings
        values = tuple(setting_text(settings[key]) if key in settings else None for key in keys)
        groups.setdefault(values, []).append(one)
    return list(groups.values())


def setting_strips(
    keys: Sequence[str], configurations: Sequence[Configuration], *, selected: Sequence[str] = ()
) -> list[Strip]:
    """A column for each key, numeric where all its values are numbers.

    Args:
        keys: Dotted keys that name a row.
        configurations: The rows.
        selected: Keys that were selected for a row.
    """
    titles = key_names([*keys, *selected], [one.runs[0].settings for one in configurations])
    return [
        Strip(
            Column(
                titles[key],
                (key,),
                group="selected" if key in selected else "",
                numeric=_are_numbers(key, configurations),
                names_row=True,
            ),
            [_setting_cell(one, key) for one in configurations],
        )
        for key in titles
    ]


def seeds_strip(configurations: Sequence[Configuration], most: int | None = None) -> Strip:
    """How many runs are counted, of how many that others have, and how many are not because they diverged or failed."""
    most = most or max(one.num_seeds for one in configurations)
    cells = []
    for one in configurations:
        fewer = f"of {most}" if one.num_seeds < most else ""
        detail = f"{fewer} {one.lost_text}".strip()
        cells.append(Cell(str(one.num_seeds), detail, raw=(one.num_seeds, one.num_diverged, one.num_failed)))
    fields = ("num_seeds", "num_diverged", "num_failed")
    return Strip(Column("n", fields, numeric=True, names_row=True, if_varying=True), cells)


def chosen_strip(configurations: Sequence[Configuration], shares: Mapping[Configuration, float | None]) -> Strip:
    """In which share of the resamples of the seeds each row would be selected; see `selection.selection_shares`."""
    cells = []
    for one in configurations:
        share = shares[one]
        cells.append(Cell() if share is None else Cell(share_text(share), raw=(share,)))
    return Strip(Column("chosen in", ("chosen_share",), numeric=True, names_row=True), cells)


def _is_of_data(key: str) -> bool:
    return key == "dataset" or key.startswith("dataset.")


def _setting_cell(configuration: Configuration, key: str) -> Cell:
    settings = configuration.runs[0].settings
    if key not in settings:
        return Cell()
    value = settings[key]
    text = setting_text(value)
    return Cell(text or MISSING, raw=(value if _is_number(value) else text,))


def _are_numbers(key: str, configurations: Sequence[Configuration]) -> bool:
    return all(_is_number(one.runs[0].settings.get(key, 0)) for one in configurations)


def _is_number(value: Setting) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
