"""Self-tests of the harness: no sleep, no network, no Docker."""

collect_ignore = ["sweep"]
"""Minutes long: `tox -e sweep` names it."""
