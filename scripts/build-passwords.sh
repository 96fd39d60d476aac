#!/bin/sh
# Makes internal/person/passwords.txt: of the passwords that npm's @zxcvbn-ts/language-common lists by how often
# public leaks hold them, the first 3,000 that the other rules would take (eight characters, a letter, a digit),
# in lower case. Needs npm and node; the version stands in third_party/manifest.json.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent @zxcvbn-ts/language-common@4.1.3 >/dev/null && tar -xzf ./*.tgz)
node -e '
const list = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
const fit = list.filter((p) => /^[\x21-\x7e]{8,64}$/.test(p) && /[a-z]/.test(p) && /[0-9]/.test(p) && p === p.toLowerCase());
process.stdout.write(fit.slice(0, 3000).join("\n") + "\n");
' "$work/package/src/passwords.json" >internal/person/passwords.txt
