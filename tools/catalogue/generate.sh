#!/bin/sh
# Writes the catalogue of all releases to the file named (default: the one that is shipped). Needs Go and its module proxy.
set -eu
cd "$(dirname "$0")"
out=${1:-../../engine/hostprocess/kubernetes/catalogue.json}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dumps=
for release in 1.30.14 1.31.14 1.32.13 1.33.13 1.34.4 1.35.4 1.36.3 1.37.2; do
    minor=${release%.*}
    kubernetes=$(go mod download -json "k8s.io/kubernetes@v$release" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    [ -e "go-$minor.mod" ] && modules="go-$minor.mod" || modules=go.mod
    go build -modfile="$modules" -o "$work/catalogue" .
    "$work/catalogue" dump "$kubernetes/api/discovery" > "$work/$minor.json"
    dumps="$dumps $minor=$work/$minor.json"
done
"$work/catalogue" merge $dumps > "$work/catalogue.json"
mv "$work/catalogue.json" "$out"
