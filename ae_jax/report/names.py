"""Settings as the page shows them: long numbers short, and a configuration as a phrase."""

import re
from collections.abc import Iterable

from ae_jax.results.configurations import setting_text
from ae_jax.results.keys import value_names
from ae_jax.results.runs import Setting

_DIGITS, _ALL_DIGITS = 4, 17
_NUMBER = re.compile(r"-?\d+\.\d+(e[+-]?\d+)?|-?\d+e[+-]?\d+")


def short_values(values: Iterable[Setting]) -> dict[str, str]:
    """Values by their exact text: short names of components, four digits of numbers where those tell them apart."""
    every = list(values)
    words, names = {value for value in every if isinstance(value, str)}, value_names(every)
    for digits in range(_DIGITS, _ALL_DIGITS):
        short = {text: name if text in words else _shortened(text, digits) for text, name in names.items()}
        if len(set(short.values())) == len(names):
            return short
    return names


def settings_words(settings: dict[str, Setting], names: dict[str, str], values: dict[str, dict[str, str]]) -> str:
    """Settings as a phrase: "dense, latent size 8, learning rate 0.003". A component stands as its value alone."""
    parts = []
    for key, value in settings.items():
        text = values[key][setting_text(value)]
        is_name = "." not in key and isinstance(value, str) and value != "none"
        parts.append(text if is_name else f"{names[key]} {text}")
    return ", ".join(parts)


def _shortened(text: str, digits: int) -> str:
    """A text whose numbers have at most so many digits; those that have no more are as they were."""

    def short(found: re.Match[str]) -> str:
        number = f"{float(found[0]):.{digits}g}"
        return found[0] if float(number) == float(found[0]) else number

    return _NUMBER.sub(short, text)
