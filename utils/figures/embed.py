"""Puts an interactive figure into a page: its style, its script and its state in one piece of HTML that needs nothing else.

A figure NAME is two files beside this one, NAME.js with `function NAME(root, state)` and NAME.css, over the shared look and
the decoder of arrays in embed.css and embed.js, and over the parts that it shares with other figures. It runs on the static
page, in JupyterLab, VS Code and Colab: no kernel, no request, no global name left behind. Each display gets an id of its own:
one kernel makes one page.
"""

import base64
import html
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

HERE = Path(__file__).parent
SHARED = ("embed", "sentence", "matrices", "controls", "blocks")  # scripts that are no figures
DTYPES = ("float16", "float32", "float64", "int32", "uint8")  # what `numbers` in embed.js can read
_displays = itertools.count(1)


@dataclass(frozen=True, repr=False)
class Figure:
    """An interactive figure. As HTML it runs; as text it is its title and its description."""

    name: str
    state: str  # JSON, safe inside a script element
    title: str
    description: str
    parts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Interactive figure: {self.title}. {self.description}"

    def _repr_html_(self) -> str:
        files = ("embed", *self.parts, self.name)
        return PAGE.format(
            name=self.name,
            id=f"figure-{self.name.replace('_', '-')}-{next(_displays)}",
            style="".join(_source(f"{file}.css") for file in files if (HERE / f"{file}.css").exists()),
            title=html.escape(self.title),
            description=html.escape(self.description),
            state=self.state,
            script="".join(_source(f"{file}.js") for file in files),
        )


# A notebook's front end runs a copy of the script, in its place (JupyterLab) or elsewhere (VS Code), so the id leads to the
# figure. A restarted kernel counts from 1 again while older outputs stay: of two figures with one id, the one not yet drawn
# is meant. Keys pressed in a figure are not for the page: in JupyterLab an arrow would leave the cell, a d, d delete it.
PAGE = """\
<figure class="interactive {name} mathjax_ignore" id="{id}">
<style>
{style}</style>
<div class="panel"><noscript>This figure runs in your browser and needs JavaScript, which is switched off.</noscript></div>
<figcaption><strong>{title}.</strong> {description}</figcaption>
<script type="application/json">{state}</script>
<script>
(() => {{
"use strict";
{script}
const root = document.querySelector("#{id}:not([data-drawn])");
root.dataset.drawn = "";
root.addEventListener("keydown", (event) => {{ if (!event.ctrlKey && !event.metaKey) event.stopPropagation(); }});
{name}(root, JSON.parse(root.querySelector("script[type='application/json']").textContent));
}})();
</script>
</figure>
"""


def embed(name: str, state: dict[str, Any], *, title: str, description: str, parts: Sequence[ModuleType] = ()) -> Figure:
    """The figure `name` with its state: JSON values and NumPy arrays, which NAME.js reads with `numbers`.

    `parts` are the modules beside this one whose scripts and styles NAME.js uses; whoever shows the figure imports them, and so
    depends on them. `description` says in words what is to be seen and done: it stands in the caption and is all that a front
    end without HTML shows. ValueError where there is no such figure, a text is empty, or the state holds what JSON cannot.
    """
    known = sorted(path.stem for path in HERE.glob("*.js") if path.stem not in SHARED)
    if name not in known:
        raise ValueError(f"name is {name!r}; expected one of {', '.join(known)}")
    for argument, value in (("title", title), ("description", description)):
        if not value.strip():
            raise ValueError(f"{argument} is empty; expected words that say what the figure shows")
    try:
        encoded = json.dumps(state, default=pack, allow_nan=False)
    except ValueError as error:
        raise ValueError(f"state cannot be written as JSON ({error}); expected finite numbers and no cycles") from None
    safe = encoded.replace("<", "\\u003c")  # so that no "</script>" in the data ends the block
    return Figure(name, safe, title, description, tuple(part.__name__.rpartition(".")[2] for part in parts))


def pack(array: np.ndarray) -> dict[str, Any]:
    """A NumPy array as JSON: {"dtype", "shape", "base64"}, little-endian, row after row. embed.js has the way back."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"state holds a {type(array).__name__}; expected JSON values and NumPy arrays")
    if array.dtype.name not in DTYPES:
        raise TypeError(f"state holds an array of dtype {array.dtype}; expected one of {', '.join(DTYPES)}")
    if not np.isfinite(array).all():
        raise ValueError(f"an array of shape {array.shape} holds a NaN or an infinity")
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return {"dtype": array.dtype.name, "shape": array.shape, "base64": base64.b64encode(little).decode()}


@cache
def _source(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
