"""`channel.pattern`: lists of channels under a name of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from instruments.virtual.tspmatrix.matrix import Matrix
from instruments.virtual.tspmatrix.names import BAD_CHANNEL
from labmtj.virtual.network.terminals import Crosspoint
from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, Complaint
from labmtj.virtual.tsp.tree import Group, text


class Patterns:
    """The patterns of one mainframe."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix, self._names = matrix, matrix.names
        self.group = Group(
            "channel.pattern",
            {
                "setimage": self._set_image, "snapshot": self._snapshot, "getimage": self._get_image,
                "delete": self._delete, "catalog": self._catalog,
            },
        )  # fmt: skip

    def _set_image(self, given: object, name: object = "") -> None:
        channels = self._names.channels(given, groups=False)
        if self._matrix.switches(channels) != channels:
            raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: a channel has no relay")
        self._keep(channels, name)

    def _snapshot(self, name: object) -> None:
        self._keep(sorted(self._matrix.closed()), name)

    def _keep(self, channels: Iterable[Crosspoint], name: object) -> None:
        named = text(name)
        if not named.isidentifier() or named in self._names.labels:
            raise Complaint(INVALID_PARAMETER, f"parameter 2 is invalid: {named!r} is not a name for a pattern")
        self._names.patterns[named] = tuple(channels)

    def _get_image(self, name: object) -> str:
        names = self._names.split(text(name))
        if not names:
            raise Complaint(BAD_CHANNEL, "parameter 1 is invalid: no pattern is named")
        return ";".join(",".join(map(self._names.text, sorted(self._image(each)))) for each in names)

    def _image(self, name: str) -> tuple[Crosspoint, ...]:
        found = self._names.patterns.get(name)
        if found is None:
            raise Complaint(BAD_CHANNEL, f"parameter 1 is invalid: no pattern {name}")
        return found

    def _delete(self, name: object) -> None:
        self._image(text(name))
        del self._names.patterns[text(name)]

    def _catalog(self) -> Callable[..., str | None]:
        names: Iterator[str] = iter(list(self._names.patterns))
        return lambda *_: next(names, None)
