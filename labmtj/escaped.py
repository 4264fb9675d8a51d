"""Text from files, instruments and folders escaped for a terminal: nothing in it moves the cursor or ends a line."""

from __future__ import annotations


def escaped(text: str, keep: str = "\n\t") -> str:
    r"""Return the text with every character that is not printed as itself written out, such as \x1b or \u202e.

    Control characters, escape sequences, marks that change the direction of writing, surrogates; other blanks are
    blanks.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in keep else _written_out(letter) for letter in text)


def _written_out(letter: str) -> str:
    import unicodedata  # most texts hold nothing to write out

    return " " if unicodedata.category(letter) == "Zs" else letter.encode("unicode_escape").decode("ascii")
