"""Names the plugins and imports them, nothing else."""

from pathlib import Path

import pytest

# Asserts of helpers below fixtures/ go blank unless this stands before their import.
pytest.register_assert_rewrite("fixtures")

PLUGINS = (
    # pytest's own, which plays the sessions that self-tests look at.
    "pytester",
    "fixtures.plugins.options",
    "fixtures.plugins.stack",
    "fixtures.plugins.systems",
    "fixtures.plugins.backfill_systems",
    "fixtures.plugins.arc_systems",
    "fixtures.plugins.e2e_systems",
    "fixtures.plugins.evidence",
    "fixtures.plugins.reporting",
    # Before the reports: of wrappers that come last, the first is the outermost, and they are told
    # of when the reports are written.
    "fixtures.plugins.actions",
    "fixtures.plugins.afterwards",
    "fixtures.plugins.session_report",
    "fixtures.plugins.views",
    # Last: the wrappers of the last are the outermost, and nobody is to see before it has masked.
    "fixtures.plugins.masking",
)


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Import them here: for each name in `pytest_plugins` every installed package is asked."""
    if pluginmanager.hasplugin("session"):
        # Half of their hooks would never be called, those that mask secrets among them.
        raise pytest.UsageError(
            "[suite-found-too-late] pytest began in another folder, and came upon this one later\n"
            f"  hint: Run it in {Path(__file__).parent}, or name that folder to pytest."
        )
    for name in PLUGINS:
        pluginmanager.import_plugin(name)
