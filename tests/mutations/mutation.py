"""What a mutation is: one fact of a protocol, broken once on purpose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One fact: its name, the file (below mim_bench), what is replaced by what, who notices."""

    name: str
    file: str
    old: str
    new: str
    test: str
