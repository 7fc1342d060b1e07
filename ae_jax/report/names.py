"""What keys and values of configs are called on the page: "latent size", "learning rate", "dense"."""

import re
from collections.abc import Iterable, Sequence

from ae_jax.results.configurations import setting_text, short_keys
from ae_jax.results.runs import Run, Setting

_DIGITS, _ALL_DIGITS = 4, 17
_NUMBER = re.compile(r"-?\d+\.\d+(e[+-]?\d+)?|-?\d+e[+-]?\d+")


def key_names(keys: Iterable[str], runs: Sequence[Run]) -> dict[str, str]:
    """Keys in words: by the last part where that tells them apart; of a corruption with its kind where all have one."""
    every = list(keys)
    names = {key: name.replace("_", " ") for key, name in short_keys(every).items()}
    kinds = {str(run.settings["corruption"]) for run in runs if run.settings.get("corruption", "none") != "none"}
    for key in every:
        if key.startswith("corruption."):
            kind = f" ({next(iter(kinds))})" if len(kinds) == 1 else ""
            names[key] = f"noise{kind} {key.partition('.')[2].replace('_', ' ')}"
    return names


def short_values(values: Iterable[Setting]) -> dict[str, str]:
    """Values as they were typed, numbers at four digits where that tells them apart, by their exact text."""
    texts = list(dict.fromkeys(setting_text(value) for value in values))
    for digits in range(_DIGITS, _ALL_DIGITS):
        short = {text: _shortened(text, digits) for text in texts}
        if len(set(short.values())) == len(texts):
            return short
    return {text: text for text in texts}


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
        return number if len(number) < len(found[0]) else found[0]

    return _NUMBER.sub(short, text)
