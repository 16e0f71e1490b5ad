#!/usr/bin/python3
"""Runs the commands that a page shows, and puts what they print under them.

    docs/console.py docs/seeds.md --in docs/seeds            writes the page anew
    docs/console.py docs/seeds.md --in FOLDER --check        compares; decimals may differ by a thousandth

A block that begins with ```console has lines `$ COMMAND`, which may go on in lines that begin with `> `, and below each what
it printed, errors included. The commands of a block run one after another in one shell; one that fails ends the run.
"""

import argparse
import pathlib
import re
import subprocess
import sys

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "==== end of a command ===="
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
TIMEOUT_SECONDS = 900


def commands_of(block):
    commands = []
    for line in block.splitlines():
        if line.startswith("$ "):
            commands.append([line])
        elif line.startswith("> ") and commands and len(commands[-1]) > 0 and commands[-1][-1].endswith("\\"):
            commands[-1].append(line)
    return ["\n".join(lines) for lines in commands]


def run(block, folder):
    """The block with what its commands print now."""
    commands = commands_of(block)
    script = "set -e -o pipefail\n"
    for command in commands:
        plain = "\n".join(line[2:] for line in command.splitlines())
        script += f"{plain}\nprintf '%s\\n' '{MARK}'\n"
    done = subprocess.run(["bash", "-c", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                          timeout=TIMEOUT_SECONDS)
    printed = done.stdout.split(MARK + "\n")
    if done.returncode != 0:
        sys.exit(f"console.py: exit code {done.returncode} of\n{commands[min(len(printed), len(commands)) - 1]}\n{printed[-1]}")
    text = ""
    for command, output in zip(commands, printed):
        lines = [line.rstrip() for line in output.splitlines()]
        text += command + "\n" + "".join(line + "\n" for line in lines)
    return text


def alike(old, new):
    """True if the texts differ in nothing but the last digits of numbers, a few iterations, and which of equal starts was first."""
    old, new = (re.sub(r"\(number \d+\)", "", text) for text in (old, new))
    if NUMBER.sub("#", old) != NUMBER.sub("#", new):
        return False
    return all(close(a, b) for a, b in zip(NUMBER.findall(old), NUMBER.findall(new)))


def close(a, b):
    whole = a.lstrip("+-").isdigit() and b.lstrip("+-").isdigit()
    a, b = float(a), float(b)
    return abs(a - b) <= (max(1, 0.02 * abs(a)) if whole else 1e-3 * max(1, abs(a), abs(b)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--in", dest="folder", type=pathlib.Path, required=True, help="where the commands run")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    page = arguments.page.read_text()
    differing = []

    def renew(match):
        fresh = run(match.group(1), arguments.folder)
        if arguments.check and not alike(match.group(1), fresh):
            differing.append(f"the page says\n{match.group(1)}\nthe commands print\n{fresh}")
        print(f"  {commands_of(match.group(1))[0][:100]}", file=sys.stderr)
        return f"```console\n{fresh}```"

    renewed = BLOCK.sub(renew, page)
    if arguments.check:
        if differing:
            sys.exit("\n".join(differing))
    else:
        arguments.page.write_text(renewed)


if __name__ == "__main__":
    main()
