"""What a key of the config is called in figures, in tables and on the page: one wording for each."""

from collections.abc import Iterable, Mapping, Sequence

from ae_jax.results.configurations import setting_text
from ae_jax.results.runs import Setting

_CORRUPTION = "corruption"


def key_names(keys: Iterable[str], settings: Sequence[Mapping[str, Setting]] = ()) -> dict[str, str]:
    """Names of keys: "latent size", "learning rate", "optimizer momentum", "noise (gaussian) scale".

    That is the last part of a key where it says enough by itself, else the last two; the whole key where two would be
    called the same.

    Args:
        keys: Dotted keys of the config.
        settings: The configs that are shown; the noise of a corruption is named where all have the same.
    """
    names = {key: _name(key, settings) for key in keys}
    taken = list(names.values())
    return {key: name if taken.count(name) == 1 else key for key, name in names.items()}


def key_name(key: str, settings: Sequence[Mapping[str, Setting]] = ()) -> str:
    """The name of a key that stands alone, such as on an axis; see `key_names`."""
    return _name(key, settings)


def _name(key: str, settings: Sequence[Mapping[str, Setting]]) -> str:
    *parents, last = key.split(".")
    words = last.replace("_", " ")
    if parents == [_CORRUPTION]:
        return f"{noise_name(settings)} {words}"
    return words if " " in words or not parents else f"{parents[-1].replace('_', ' ')} {words}"


def noise_name(settings: Sequence[Mapping[str, Setting]]) -> str:
    """What a corruption adds: "noise (gaussian)"; "noise" where there are several, or none."""
    kinds = {component_name(str(one[_CORRUPTION])) for one in settings if one.get(_CORRUPTION)} - {"none"}
    return f"noise ({kinds.pop().replace('_', ' ')})" if len(kinds) == 1 else "noise"


def noise_words(settings: Sequence[Mapping[str, Setting]]) -> str:
    """What a corruption adds, with what all have the same of: "noise (gaussian), scale 0.3"."""
    keys = dict.fromkeys(key for one in settings for key in one if key.startswith(f"{_CORRUPTION}."))
    values = {key: {setting_text(one.get(key)) for one in settings} for key in keys}
    constant = [
        f"{key.rpartition('.')[2].replace('_', ' ')} {found.pop()}" for key, found in values.items() if len(found) == 1
    ]
    return ", ".join([noise_name(settings), *constant])


def value_names(values: Iterable[Setting]) -> dict[str, str]:
    """Values by their texts: components by their short names, where those tell them apart."""
    names = {setting_text(value): component_name(value) if isinstance(value, str) else "" for value in values}
    taken = list(names.values())
    return {text: name if name and taken.count(name) == 1 else text for text, name in names.items()}


def component_name(target: str) -> str:
    """The short name of a component; of one from elsewhere the last part: `Wide` of `my.models.WideAutoencoder`."""
    *modules, name = target.split(".")
    is_path = modules and all(part.isidentifier() for part in (*modules, name))
    return (name.removesuffix("Autoencoder") or name) if is_path else target
