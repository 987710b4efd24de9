#!/usr/bin/env python3
"""Who may include whom. The same rule holds at link time (CMake targets); this one also says it in words.

protocol <- storage, cluster <- actors <- tools <- tests; inside actors, components meet in actors/*.hpp only, except for
the edges listed below.
"""
import re
import subprocess
import sys

MAY = {
    "protocol": {"protocol"},
    "storage": {"storage", "protocol"},
    "cluster": {"cluster", "protocol"},
    "actors": {"actors", "storage", "cluster", "protocol"},
    "tools": {"tools", "actors", "storage", "cluster", "protocol"},
    "tests": {"tests", "tools", "actors", "storage", "cluster", "protocol"},
}
# component -> components whose folders it may include, and why
COMPONENTS = {
    "registry": set(),
    "catalog": set(),
    "gateway": {"catalog"},
    "scheduler": set(),
    "stream": {"catalog"},
    "partition": {"catalog", "stream"},       # spawns streams
    "relay": {"catalog", "stream"},           # uses the rules of a start
    "device": {"catalog", "stream"},          # uses the rules of filters
    "replication": set(),
    "remote": {"catalog", "gateway"},
    "api": {"catalog", "stream", "gateway"},  # explains filters
    "inspect": {"catalog", "api"},            # signatures, queries and problems as the API has them
    "node": {"catalog", "stream", "partition", "relay", "device", "api", "remote", "replication", "inspect", "gateway", "scheduler"},  # spawns everything
}
EVERYBODY = {"registry"}  # where actors have their seats


def main():
    files = subprocess.run(["git", "ls-files", "*.cpp", "*.hpp"], capture_output=True, text=True, check=True)
    problems = []
    for name in files.stdout.split():
        layer, _, rest = name.partition("/")
        if layer not in MAY:
            problems.append(f"{name}: no layer of this name")
            continue
        component = rest.split("/")[0] if layer == "actors" and "/" in rest else ""
        for number, line in enumerate(open(name, encoding="utf-8"), 1):
            found = re.match(r'\s*#include "((\w+)/([^"]*))"', line)
            if not found or found[2] not in MAY:
                continue
            if found[2] not in MAY[layer]:
                problems.append(f"{name}:{number}: {layer} may not include {found[1]}")
            other = found[3].split("/")[0] if found[2] == "actors" and "/" in found[3] else ""
            if layer == "actors" and other and component != other:
                allowed = COMPONENTS.get(component, {"catalog", "gateway"}) | EVERYBODY
                if other not in allowed:
                    problems.append(f"{name}:{number}: actors/{component} may not include actors/{other}")
    print("\n".join(problems) or f"layers hold in {len(files.stdout.split())} files")
    return 1 if problems else 0


sys.exit(main())
