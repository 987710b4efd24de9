#!/bin/bash
# check.sh KOTLINC FILE: generated Kotlin passes the compiler, beside stand-ins for kotlinx.serialization, which Debian does not
# have. Debian's Kotlin, 1.3, knows neither commas before a closing parenthesis nor Result as what a function returns: the commas
# are taken away, and the option allows the other (later compilers need none of it).
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
perl -0pe 's/,(\s*\n\s*\))/$1/g' "$2" >"$folder/Generated.kt"
# Its Java is newer than what that compiler was made for.
export JAVA_OPTS="-Xmx1g --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.util=ALL-UNNAMED"
"$1" -nowarn -no-reflect -Xallow-result-return-type -d "$folder/out" "$here"/*.kt "$folder/Generated.kt"
[ -f "$folder/out/ShopApi.class" ] || { echo "there is no ShopApi" >&2; exit 1; }
