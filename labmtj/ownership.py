"""Who else owns one of our top-level names: `instruments` and `procedures` are words that others may install, too."""

from __future__ import annotations

from importlib.metadata import packages_distributions

from labmtj.errors import UsageError

DISTRIBUTION = "labmtj"
NAMES = ("labmtj", "instruments", "procedures")


def check_ownership() -> None:
    """Raise UsageError if another installed distribution brings one of our packages: imports would mix the two."""
    owners = packages_distributions()
    strangers = {name: sorted(set(owners.get(name, ())) - {DISTRIBUTION}) for name in NAMES}
    taken = [f"{name!r} (from {', '.join(others)})" for name, others in strangers.items() if others]
    if taken:
        raise UsageError(
            f"another distribution has installed a package called {' and '.join(taken)}, as {DISTRIBUTION} does; "
            f"uninstall it, or give {DISTRIBUTION} its own virtual environment"
        )
