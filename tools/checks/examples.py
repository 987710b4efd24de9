#!/usr/bin/env python3
"""Every call of the server API has an example: examples.py server_api.yaml server_api.md

Reads the two as text, so that nothing but Python is needed: paths and methods of the OpenAPI file by their indentation,
and the `curl` and `shoal_curl` lines of the page's bash blocks.
"""
import re
import sys


def calls_of_the_api(text):
    """(METHOD, path, operationId)"""
    path = method = None
    for line in text.splitlines():
        if found := re.match(r"  (/\S*):", line):
            path = found[1]
        elif found := re.match(r"    (get|put|post|patch|delete):", line):
            method = found[1].upper()
        elif found := re.match(r"      operationId: (\w+)", line):
            yield method, path, found[1]


def examples(text):
    """(METHOD, path) of each line that calls, with the page's own variables put in."""
    blocks = "\n".join(re.findall(r"^```bash\n(.*?)^```$", text, re.M | re.S))
    variables = dict(re.findall(r"^(\w+)=([^\s$(]\S*)$", blocks, re.M))
    for method, word in re.findall(r"\bshoal_curl (GET|PUT|POST|PATCH|DELETE) ([^\s)]+)", blocks):
        yield method, in_full(word, variables)
    for word in re.findall(r"\$SHOAL_URL(/[^\s)]+)", blocks):
        yield "GET", in_full(word, variables)


def in_full(word, variables):
    for _ in variables:
        word = re.sub(r"\$(\w+)", lambda x: variables.get(x[1], x[0]), word)
    return word.strip("\"'").split("?")[0]


def pattern_of(path):
    return re.compile("/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in path.split("/")))


def main():
    api, page = (open(name, encoding="utf-8").read() for name in sys.argv[1:3])
    calls, shown = list(calls_of_the_api(api)), set(examples(page))
    patterns = [(method, pattern_of(path), path, name) for method, path, name in calls]
    known = lambda method, path: [x for x in patterns if x[0] == method and x[1].fullmatch(path)]
    problems = [f"{method} {path} ({name}) has no example" for method, pattern, path, name in patterns
                if not any(m == method and pattern.fullmatch(p) for m, p in shown)]
    problems += [f"the example {method} {path} is no call of the API" for method, path in sorted(shown)
                 if not known(method, path)]
    if not calls or not shown:
        problems.append("nothing to compare")
    print("\n".join(problems) or f"{len(calls)} calls, each with an example")
    return 1 if problems else 0


sys.exit(main())
