"""Whole documents to compare with, in tests/golden."""

import os


def path_of(name):
    return os.path.join(os.environ["GOLDEN_DIR"], name)


def read_golden(name):
    with open(path_of(name)) as file:
        return file.read()


def assert_golden(test, actual, name):
    """With UPDATE_GOLDEN in the environment writes the file instead: then read
    the change before you commit it."""
    path = path_of(name)
    if os.environ.get("UPDATE_GOLDEN"):
        with open(path, "w") as file:
            file.write(actual)
        test.fail(f"wrote {path}")
    test.assertEqual(actual, read_golden(name))
