#!/usr/bin/env python3
"""A README that says which test shows something names one that exists.

Looked at: what stands in backticks in a table's column "shown by", and right behind the words "test" and "tests". It may be
`Suite.name`, with * for any text, a test of CTest, or a path of the tree.
"""
import fnmatch
import os
import re
import subprocess
import sys

TICKED = r"`([^`]+)`"


def files(*patterns):
    found = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], capture_output=True, text=True, check=True)
    return found.stdout.split()


def text_of(name):
    with open(name, encoding="utf-8") as file:
        return file.read()


def with_stars(x):
    """A name of which parts are known later only, as ${target} or <target>."""
    return re.sub(r"\$\{\w+\}|\$<[^>]*>|<\w+>", "*", x)


def existing():
    out = set()
    for name in files("tests/*.cpp", "tests/*.hpp"):
        for suite, test in re.findall(r"^(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", text_of(name), re.M):
            out.add(f"{suite}.{test}")
    for name in files("*CMakeLists.txt", "*.cmake"):
        for test in re.findall(r"(?:add_test\(\s*NAME|shoal_test\()\s*([^\s)]+)", text_of(name)):
            out.add(with_stars(test))
    return out - {"*"}  # what shoal_test itself adds; it would stand for every name


def claims(text):
    """(line, what is said to be a test)"""
    column = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            column = None
        else:
            cells = [x.strip() for x in line.strip("|").split("|")]
            if "shown by" in cells:
                column = cells.index("shown by")
            elif column is not None and column < len(cells):
                yield from ((number, x) for x in re.findall(TICKED, cells[column]))
                continue
        for said in re.findall(r"\b[Tt]ests? ((?:`[^`]+`(?:, | and )?)+)", line):
            yield from ((number, x) for x in re.findall(TICKED, said))


def main():
    tests = existing()
    suites = {x.split(".")[0] for x in tests}
    problems, count = [], 0
    for name in files("*.md"):
        for number, claim in claims(text_of(name)):
            count += 1
            pattern = with_stars(claim)
            if os.path.exists(claim) or any(fnmatch.fnmatchcase(x, pattern) or fnmatch.fnmatchcase(pattern, x)
                                            for x in tests | suites):
                continue
            problems.append(f"{name}:{number}: there is no test {claim}")
    print("\n".join(problems) or f"{count} names of tests in READMEs are those of tests")
    return 1 if problems else 0


sys.exit(main())
