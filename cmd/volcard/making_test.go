package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
	"volcard/internal/photo/demo"
	"volcard/internal/render"
	"volcard/internal/render/rendertest"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/storetest/stage"
	"volcard/templates/faces"
)

func newPrinter(t *testing.T) printer {
	t.Helper()
	all, err := render.LoadFaces(faces.FS)
	require.NoError(t, err)
	return printer{
		designs: designs{faces: all}, clock: clock.NewFake(stage.Start),
		baseURL: &url.URL{Scheme: "https", Host: "zyz.example"},
	}
}

// frozen is a card of a batch, confirmed as it stands.
func (p printer) frozen(t *testing.T, seq int, name string) batchstore.Card {
	t.Helper()
	full := rendertest.RegularCard(name, uint64(seq))
	c := batchstore.Card{
		Seq: seq, Number: full.CardNumber, HolderName: name, VolunteerNo: full.VolunteerNo, Face: stage.Face,
		Token: "K5RGQ2LTEBUXGIDB", IssuedAt: full.IssuedOn, ExpiresAt: full.ExpiresOn, Photo: demo.Portrait(seq),
	}
	hash, err := p.designs.Hash(cardstore.Design{Face: c.Face, HolderName: name, VolunteerNo: c.VolunteerNo, Photo: c.Photo})
	require.NoError(t, err)
	c.DesignHash = hash[:]
	return c
}

// A card that is not what was confirmed, or cannot be laid out at all, is taken out; the others are printed.
func TestPrintTakesOutWhatItCannotPrint(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	spoilt := map[string]func(c *batchstore.Card){
		"other name":      func(c *batchstore.Card) { c.HolderName = "王小朋" },
		"other face":      func(c *batchstore.Card) { c.Face = stage.OtherFace },
		"face is gone":    func(c *batchstore.Card) { c.Face = stage.Withdrawn },
		"no photo":        func(c *batchstore.Card) { c.Photo = nil },
		"broken photo":    func(c *batchstore.Card) { c.Photo = c.Photo[:len(c.Photo)/2] },
		"does not fit":    func(c *batchstore.Card) { c.HolderName = strings.Repeat(rendertest.LongName, 20) },
		"no glyph for it": func(c *batchstore.Card) { c.HolderName = "王\U000E0FFF" },
	}
	cards := []batchstore.Card{p.frozen(t, 1, "王小明")}
	var want []int
	for _, spoil := range spoilt {
		c := p.frozen(t, len(cards)+1, "王小明")
		spoil(&c)
		cards, want = append(cards, c), append(want, c.Seq)
	}
	cards = append(cards, p.frozen(t, len(cards)+1, rendertest.LongName))
	looked := 0
	file, err := p.Print(t.Context(), cards, func() { looked++ })
	require.NoError(t, err)
	require.Equal(t, want, file.Rejected)
	require.Len(t, file.Hashes, 2)
	require.Contains(t, file.Hashes, 1)
	require.Contains(t, file.Hashes, len(cards))
	require.NotEqual(t, file.Hashes[1], file.Hashes[len(cards)])
	require.Equal(t, 4, bytes.Count(file.PDF, []byte("/Type /Page\n")), "front and back of two cards")
	require.Equal(t, len(cards), looked)

	file, err = p.Print(t.Context(), cards[1:2], func() {})
	require.NoError(t, err)
	require.Empty(t, file.PDF, "nothing was left to print")
	require.Equal(t, []int{2}, file.Rejected)
}

// What is no fault of a card is not put down to it: the file is tried again.
func TestPrintStopsWithItsContext(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	file, err := p.Print(ended, []batchstore.Card{p.frozen(t, 1, "王小明")}, func() {})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, file.Rejected)
}

// A spreadsheet, and the factory's program, read back what was written.
func TestManifest(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	names := []struct{ name, cell, rare string }{
		{"王小明", "王小明", ""},
		{"王𠮷", "王𠮷", "𠮷 U+20BB7"},
		{"张䶮䶮", "张䶮䶮", "䶮 U+4DAE"},
		{"陶喆", "陶喆", "喆 U+5586"}, // in GBK, not in GB 2312
		{"李堃珺", "李堃珺", "堃 U+5803 珺 U+73FA"},
		{"阿卜杜热合曼·买买提", "阿卜杜热合曼·买买提", ""},
		{rendertest.LongName, rendertest.LongName, ""},
		{"=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")", ""},
		{"@SUM,1", "'@SUM,1", ""},
	}
	cards := make([]batchstore.Card, 0, len(names))
	for i, n := range names {
		cards = append(cards, p.frozen(t, i+1, n.name))
	}
	file, err := p.Print(t.Context(), cards, func() {})
	require.NoError(t, err)
	require.Empty(t, file.Rejected)
	lines := make([]batchstore.Line, 0, len(cards))
	for _, c := range cards {
		hash := file.Hashes[c.Seq]
		lines = append(lines, batchstore.Line{Seq: c.Seq, Number: c.Number, HolderName: c.HolderName, Branch: "光谷,支行", PrintHash: hash[:]})
	}
	body, err := p.Manifest(lines)
	require.NoError(t, err)
	text, marked := strings.CutPrefix(string(body), "\ufeff")
	require.True(t, marked, "without the mark a spreadsheet guesses the encoding")
	require.Equal(t, len(names)+1, strings.Count(text, "\r\n"))
	table, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"序号", "证号", "姓名", "生僻字码位", "领卡网点", "内容SHA-256"}, table[0])
	for i, n := range names {
		hash := file.Hashes[i+1]
		require.Equal(t, []string{string(rune('1' + i)), cards[i].Number + "\t", n.cell, n.rare, "光谷,支行", hex.EncodeToString(hash[:])}, table[i+1])
	}
}
