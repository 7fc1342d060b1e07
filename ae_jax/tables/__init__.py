"""Tables of a paper: `Results` -> `Table` -> LaTeX, CSV and Markdown.

To add one, write `ae_jax/tables/<name>.py` with `build(results, /, *, <options>) -> Table`, and
`conf/table/<name>.yaml` with its options: it is found by its name. `assemble` makes the columns that compare with PCA.
"""

from ae_jax.tables.formats import write_table
from ae_jax.tables.parts.base import Table

__all__ = ["Table", "write_table"]
