"""Signs of tables, and plain ones for streams that can't write them."""

from __future__ import annotations

_ASCII = str.maketrans(
    {
        "↓": "(min)",
        "↑": "(max)",
        "±": "+/-",
        "\N{EN DASH}": "-",
        "†": "*",
        "◊": "^",
        "‡": "#",
        "§": "=",
        "¶": "!",
        "·": "|",
        "─": "-",
        "²": "^2",
    }
)


def plain(content: str, encoding: str | None) -> str:
    """Return a text as a stream of an encoding can write it; None is taken for UTF-8."""
    encoding = (encoding or "utf-8").lower()
    if encoding.startswith("utf"):
        return content
    return content.translate(_ASCII).encode(encoding, "replace").decode(encoding)
