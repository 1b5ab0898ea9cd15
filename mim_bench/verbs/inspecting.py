"""What `backbone inspect` prints of a weights file."""

from __future__ import annotations

from typing import Any

from mim_bench.verbs.printing import print_json


def show_file(path: str, name: str | None, as_json: bool) -> None:
    """Print what a weights file is and where its names go."""
    from mim_bench.backbones.inspection import inspect_file

    content = inspect_file(path, name)
    if as_json:
        print_json(content)
        return
    nested = ("mapped", "resampled", "misfits", "dropped", "missing", "names")
    for key, value in content.items():
        if key not in nested and value not in ([], ""):
            print(f"{key.replace('_', ' ') + ':':20}{_text(value)}")
    for entry in content.get("mapped", ()):
        arrow = "" if entry["name"] == entry["to"] else f" -> {entry['to']}"
        print(f"  {entry['count']:4} x {entry['name']}{arrow}")
    for key in nested[1:]:
        if found := content.get(key):
            print(f"{_HEADINGS[key]}:")
            lines = found.items() if isinstance(found, dict) else ((line, 0) for line in found)
            for name_, count in lines:
                print(f"  {count:4} x {name_}" if count else f"  {name_}")
    if "as" in content and "problem" not in content:
        whole = not content["missing"] and not content["misfits"]
        verdict = "fills the whole network" if whole else "does NOT fill the whole network"
        print(f"{verdict} {content['as']}")


_HEADINGS = {
    "resampled": "changed to fit",
    "misfits": "of another shape",
    "dropped": "left over (classifier, decoder, buffers that are computed again)",
    "missing": "missing: the network has them, the file does not",
    "names": "names",
}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and value > 9999 else str(value)
