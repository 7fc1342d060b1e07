"""What a key of the config is called in figures, in tables and on the page: one wording for each."""

from collections.abc import Iterable, Mapping, Sequence

from ae_jax.results.runs import Setting

LATENT_SIZE = "model.latent_size"
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
        kinds = {str(one[_CORRUPTION]).rpartition(".")[2] for one in settings if one.get(_CORRUPTION)} - {"none"}
        return f"noise ({kinds.pop()}) {words}" if len(kinds) == 1 else f"noise {words}"
    return words if " " in words or not parents else f"{parents[-1].replace('_', ' ')} {words}"
