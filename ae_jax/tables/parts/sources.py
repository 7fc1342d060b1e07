"""Marks of a table, and the sources below it that they stand for."""

from string import ascii_lowercase

from ae_jax.tables.parts.base import Note


class Sources:
    """Sources, which get their marks in the order in which they are met: a to z, then aa, ab, and so on."""

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}

    def mark(self, source: str) -> str:
        """The mark of a source."""
        number = len(self._marks)
        first = ascii_lowercase[number // 26 - 1] if number >= 26 else ""
        return self._marks.setdefault(source, first + ascii_lowercase[number % 26])

    @property
    def notes(self) -> list[Note]:
        """What was marked, so far."""
        return [Note(source, mark) for source, mark in self._marks.items()]
