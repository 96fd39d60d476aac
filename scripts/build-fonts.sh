#!/bin/sh
# Rebuilds the embedded fonts in internal/render/fonts from their packages:
#   sans-regular, sans-bold  Noto Sans SC (npm @expo-google-fonts/noto-sans-sc)
#   rare-a, rare-b           HanaMinA, HanaMinB (Debian fonts-hanazono), for what Noto lacks
# and the licences beside them. Needs npm, hb-subset (libharfbuzz-bin) and root for apt
# where a package is missing. Run it only to take a new version: the results are committed,
# and equal inputs give equal bytes.
set -eu
cd "$(dirname "$0")/.."
out=internal/render/fonts
npm_package=@expo-google-fonts/noto-sans-sc
npm_version=0.4.3
hana=/usr/share/fonts/truetype/hanazono

command -v hb-subset >/dev/null || apt-get install -y -qq libharfbuzz-bin
[ -f $hana/HanaMinB.ttf ] || apt-get install -y -qq fonts-hanazono

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
(cd "$tmp" && npm pack --silent "$npm_package@$npm_version" >/dev/null && tar xzf ./*.tgz)
noto="$tmp/package"
# Debian's unicode-data is only read for two lists, so it need not be installed.
mkdir "$tmp/apt" && chmod 777 "$tmp" "$tmp/apt"
(cd "$tmp/apt" && apt-get download -qq unicode-data && dpkg -x unicode-data*.deb .)

# kTGH: 通用规范汉字表 (8,105 characters); kGB0: GB 2312.
bzcat "$tmp/apt/usr/share/unicode/Unihan_OtherMappings.txt.bz2" |
	awk -F'\t' '$2 == "kTGH" || $2 == "kGB0" { print substr($1, 3) }' | sort -u >"$tmp/common"
latin="20-7E,A0-FF,2010-203B,20AC,2103,2116,2190-2193,2460-2473,25A0-25CF,3000-303F,FF00-FFEF"
echo "$latin" | tr , '\n' >"$tmp/latin"
cat "$tmp/latin" "$tmp/common" >"$tmp/heading"
{ cat "$tmp/latin"; printf '%s\n' 3400-4DBF 4E00-9FFF F900-FAFF 20000-3FFFF; } >"$tmp/all"

# cut SOURCE CODEPOINTS NAME. The name table keeps only copyright and licence (0, 13, 14): a
# subset may not carry a reserved font name. Layout and vertical tables are never read.
cut_font() {
	hb-subset --font-file="$1" --unicodes-file="$2" --output-file="$tmp/$3.ttf" \
		--no-hinting --layout-features= --name-IDs=0,13,14 \
		--drop-tables=GSUB,GPOS,GDEF,BASE,VORG,vhea,vmtx,STAT,gasp,DSIG,kern
	gzip -9 -n -c "$tmp/$3.ttf" >"$out/$3.ttf.gz"
}
mkdir -p $out third_party/licenses
cut_font "$noto/400Regular/NotoSansSC_400Regular.ttf" "$tmp/all" sans-regular
cut_font "$noto/700Bold/NotoSansSC_700Bold.ttf" "$tmp/heading" sans-bold
cut_font $hana/HanaMinA.ttf "$tmp/heading" rare-a
echo 20000-2FA1F >"$tmp/beyond"
cut_font $hana/HanaMinB.ttf "$tmp/beyond" rare-b

cp "$noto/LICENSE_FONT" third_party/licenses/noto-sans-sc.txt
cp /usr/share/doc/fonts-hanazono/copyright third_party/licenses/hanazono.txt
ls -l $out/*.gz
echo "now bring third_party/manifest.json up to date:"
sha256sum $out/*.gz
