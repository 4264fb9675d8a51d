"""What a report calls the kinds of cells that outcomes and health name: one form everywhere."""

from __future__ import annotations

_WORDS = {
    "stuck_p": "stuck in P", "stuck_ap": "stuck in AP", "short": "shorted",
    "outside": "on a row that cannot be driven", "unknown": "not known",
}  # fmt: skip


def kind_words(name: str) -> str:
    """Return words for the meaning of a code in a record, such as "stuck in P" for "stuck_p"."""
    return _WORDS.get(name.lower(), name.lower().replace("_", " "))
