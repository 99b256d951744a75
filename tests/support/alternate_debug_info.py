"""An executable whose debug information refers to another file: what dwz(1)
writes, by hand."""

import os
import subprocess
import tempfile

DW_FORM_STRP = 0x0E
DW_FORM_IMPLICIT_CONST = 0x21
DW_FORM_GNU_STRP_ALT = 0x1F21


def _read_uleb(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _uleb(value):
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _with_alternate_strings(abbreviations):
    """The first table of .debug_abbrev, its strings those of the other file."""
    result, at = bytearray(), 0
    while True:
        code, at = _read_uleb(abbreviations, at)
        result += _uleb(code)
        if code == 0:
            return bytes(result)
        tag, at = _read_uleb(abbreviations, at)
        result += _uleb(tag) + abbreviations[at:at + 1]  # Whether it has children.
        at += 1
        while True:
            name, at = _read_uleb(abbreviations, at)
            form, at = _read_uleb(abbreviations, at)
            result += _uleb(name)
            result += _uleb(DW_FORM_GNU_STRP_ALT if form == DW_FORM_STRP else form)
            if form == DW_FORM_IMPLICIT_CONST:
                start = at
                _, at = _read_uleb(abbreviations, at)
                result += abbreviations[start:at]
            if name == form == 0:
                break


def refer_to(program, path, output):
    """Writes `program`, of one compilation unit, to `output`: the strings of its
    debug information are in the file `path`."""
    with tempfile.TemporaryDirectory() as folder:
        section = os.path.join(folder, "abbreviations")
        link = os.path.join(folder, "link")
        subprocess.run(
            ["objcopy", f"--dump-section=.debug_abbrev={section}", program, f"{folder}/copy"],
            check=True,
        )
        with open(section, "rb") as file:
            abbreviations = file.read()
        with open(section, "wb") as file:
            file.write(_with_alternate_strings(abbreviations))
        with open(link, "wb") as file:
            file.write(path.encode() + b"\0" + bytes(range(20)))  # And its build id.
        subprocess.run(
            [
                "objcopy", f"--update-section=.debug_abbrev={section}",
                f"--add-section=.gnu_debugaltlink={link}", program, output,
            ],
            check=True,
        )
