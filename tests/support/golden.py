"""Whole documents to compare with, in tests/golden."""

import os


def assert_golden(test, actual, name):
    """With UPDATE_GOLDEN in the environment writes the file instead: then read
    the change before you commit it."""
    path = os.path.join(os.environ["GOLDEN_DIR"], name)
    if os.environ.get("UPDATE_GOLDEN"):
        with open(path, "w") as file:
            file.write(actual)
        test.fail(f"wrote {path}")
    with open(path) as file:
        test.assertEqual(actual, file.read())
