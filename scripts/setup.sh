#!/usr/bin/env bash
# setup.sh run|test|check: installs through apt what is missing for `make run`, `make test` or
# `make check`, and says what and why. With everything in place it prints nothing and changes
# nothing. Without root, and without a sudo that asks for no password, it names the one command
# to type and exits 1.
set -euo pipefail

oldest_postgres=15
root=${VOLCARD_TEST_ROOT:-} # a test's own /usr and /etc

packages=()
reasons=()
want() { # want PACKAGE REASON
	packages+=("$1")
	reasons+=("$2")
}

have() { command -v "$1" >/dev/null 2>&1; }

# The same places in which internal/devstack looks.
postgres_major() {
	local dir newest=0 major
	for dir in "$root"/usr/lib/postgresql/*/bin "$root"/usr/pgsql-*/bin "$root"/usr/local/pgsql/bin \
		"$(pg_config --bindir 2>/dev/null || true)" "$(dirname "$(command -v postgres || echo /nowhere/x)")"; do
		if [ ! -x "$dir/postgres" ] || [ ! -x "$dir/initdb" ]; then continue; fi
		major=$("$dir/postgres" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
		if [ "$major" -gt "$newest" ]; then newest=$major; fi
	done
	echo "$newest"
}

# Go 1.21 and newer fetch the Go that go.mod asks for; an older one cannot read go.mod.
need_go() {
	local version
	if ! have go; then
		echo "Go is missing: install Go 1.26 or newer from https://go.dev/dl/ (Debian's may be too old)." >&2
		exit 1
	fi
	version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null || true)
	if [[ $version =~ ^go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -lt 21 ]; then
		echo "This Go is $version: install Go 1.26 or newer from https://go.dev/dl/." >&2
		exit 1
	fi
}

need_postgres() {
	[ "$(postgres_major)" -ge "$oldest_postgres" ] ||
		want postgresql "the database server; volcard runs one of its own, in its own data folder"
}

need_browser() {
	have chromium || have chromium-browser || have google-chrome || have google-chrome-stable ||
		want chromium "the browser walks: the pages on a phone-sized screen"
	have zbarimg || want zbar-tools "reads the QR codes that the tests print"
	have pdftoppm || want poppler-utils "turns the tests' PDFs into pictures"
	if ! have fc-list || [ -z "$(fc-list :lang=zh-cn 2>/dev/null | head -c 1)" ]; then
		want fontconfig "finds the fonts of this machine"
		want fonts-noto-cjk "Chinese characters in the pictures of the pages"
	fi
}

need_linters() {
	have shellcheck || want shellcheck "checks the scripts"
}

apt_install() {
	local as=()
	local i
	if ! have apt-get; then
		echo "This machine has no apt. Please install what these packages of Debian hold: ${packages[*]}" >&2
		exit 1
	fi
	if [ "$(id -u)" != 0 ]; then
		if ! have sudo || ! sudo -n true 2>/dev/null; then
			local prefix="" how=", as root"
			if have sudo; then
				prefix="sudo "
				how=" (it asks for your password)"
			fi
			explain "this is missing:" >&2
			echo "Installing needs root. Please type this once$how, then the same make command again:" >&2
			echo "  ${prefix}apt-get update && ${prefix}apt-get install -y --no-install-recommends ${packages[*]}" >&2
			if wanted postgresql; then
				echo "(Debian's package also starts a database of its own on port 5432; volcard neither needs nor touches it.)" >&2
			fi
			exit 1
		fi
		as=(sudo -n)
	fi
	explain "installing through apt what is missing:"
	local log
	log=$(mktemp)
	if wanted postgresql; then no_main_cluster "${as[@]}"; fi
	for i in "update -q" "install -y -q --no-install-recommends ${packages[*]}"; do
		# shellcheck disable=SC2086 # the words of the command are meant to be split
		if ! "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get $i >"$log" 2>&1; then
			cat "$log" >&2
			echo "apt-get ${i%% *} failed; its words are above." >&2
			rm -f "$log"
			exit 1
		fi
	done
	rm -f "$log"
	echo "  done"
}

wanted() { [[ " ${packages[*]} " == *" $1 "* ]]; }

# Debian's package makes and starts a database of its own on port 5432 when it is first installed. It is told
# not to, for as long as the installation runs.
no_main_cluster() { # no_main_cluster [sudo -n]
	local dir=$root/etc/postgresql-common/createcluster.d
	"$@" mkdir -p "$dir"
	echo "create_main_cluster = false" | "$@" tee "$dir/volcard.conf" >/dev/null
	# shellcheck disable=SC2064 # the words of now
	trap "$* rm -f '$dir/volcard.conf'" EXIT
}

explain() { # explain HEADLINE
	local i
	echo "$1"
	for i in "${!packages[@]}"; do
		printf '  %-16s %s\n' "${packages[$i]}" "${reasons[$i]}"
	done
}

case "${1:-}" in
run)
	need_go
	need_postgres
	;;
test)
	need_go
	need_postgres
	need_browser
	;;
check)
	need_go
	need_linters
	;;
*)
	echo "usage: scripts/setup.sh run|test|check" >&2
	exit 2
	;;
esac

if [ ${#packages[@]} -gt 0 ]; then
	apt_install
fi

# An old distribution has a package of the right name and a server that is too old.
if [ "$1" != check ] && [ "$(postgres_major)" -lt "$oldest_postgres" ]; then
	if [ "$(postgres_major)" = 0 ]; then
		echo "apt installed postgresql, but there is no server in /usr/lib/postgresql/*/bin or on PATH." >&2
		exit 1
	fi
	echo "This distribution's PostgreSQL is older than $oldest_postgres. Please install a newer one: https://www.postgresql.org/download/" >&2
	exit 1
fi
