#!/bin/sh
# Packs the page's libraries again from npm into vendor/ and writes vendor/VERSIONS. Only maintainers run it (`web/ui/vendor.sh`):
# change a version below, run it, look at the difference, run the tests. Building NGlive needs neither npm nor node.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

out="$work/vendor"
mkdir "$out"
cat > "$out/VERSIONS" <<HEAD
# Libraries of the page, as their authors published them on npm; written by vendor.sh, checked by ui_test.go.
# file	package	version	licence	sha256
HEAD

# pack <package> <version> <licence> <licence file here> <file in the package>=<file here>…
pack() {
	package=$1 version=$2 licence=$3 text=$4
	shift 4
	(cd "$work" && npm pack --silent "$package@$version" > name && mkdir -p unpacked && tar -xzf "$(tail -n 1 name)" -C unpacked)
	grep -q "\"license\": \"$licence\"" "$work/unpacked/package/package.json" || {
		echo "vendor.sh: $package $version is not under $licence any more; look before you take it" >&2
		exit 1
	}
	for pair in "LICENSE=$text" "$@"; do
		cp "$work/unpacked/package/${pair%%=*}" "$out/${pair##*=}"
		sum=$(sha256sum "$out/${pair##*=}" | cut -d ' ' -f 1)
		printf '%s\t%s\t%s\t%s\t%s\n' "${pair##*=}" "$package" "$version" "$licence" "$sum" >> "$out/VERSIONS"
	done
	rm -rf "$work/unpacked"
}

pack preact 11.2.0 MIT LICENSE-preact dist/preact.mjs=preact.mjs hooks/dist/hooks.mjs=preact-hooks.mjs
pack @preact/signals-core 1.14.5 MIT LICENSE-signals-core dist/signals-core.mjs=signals-core.mjs
pack @preact/signals 2.11.4 MIT LICENSE-signals dist/signals.mjs=signals.mjs
pack htm 3.1.1 Apache-2.0 LICENSE-htm dist/htm.mjs=htm.mjs

chmod 644 "$out"/*
rm -rf "$here/vendor"
cp -r "$out" "$here/vendor"
cat "$here/vendor/VERSIONS"
