// Package formfill puts what a person typed back into the form of a page that was rendered without it, as a browser
// does when it goes back. Everything else of the page stays as it is, byte by byte.
package formfill

import (
	"bytes"
	"net/url"
	"slices"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Fill returns page with values in the fields of its forms that are sent to the path sent. path is the page's own: a
// form without an address is sent there. Passwords, one-time codes, files and hidden fields stay as they are.
func Fill(page []byte, path, sent string, values url.Values) []byte {
	f := filler{path: path, sent: sent, values: values, z: html.NewTokenizer(bytes.NewReader(page))}
	for {
		kind := f.z.Next()
		if kind == html.ErrorToken {
			return f.out.Bytes()
		}
		// Raw is overwritten by Token.
		raw := bytes.Clone(f.z.Raw())
		switch kind {
		case html.StartTagToken, html.SelfClosingTagToken:
			f.start(raw, f.z.Token())
		case html.EndTagToken:
			f.end(raw, f.z.Token().DataAtom)
		default:
			f.text(raw)
		}
	}
}

type filler struct {
	path, sent string
	values     url.Values
	z          *html.Tokenizer
	out        bytes.Buffer
	inside     bool   // the form in question
	selected   string // name of the select that is open
	dropped    bool   // the text of a textarea was replaced
}

func (f *filler) start(raw []byte, t html.Token) {
	switch {
	case t.DataAtom == atom.Form:
		f.inside = attr(t, "method") == "post" && f.sentTo(attr(t, "action"))
	case !f.inside:
	case t.DataAtom == atom.Input && f.input(&t):
		f.out.WriteString(t.String())
		return
	case t.DataAtom == atom.Select && f.values.Has(attr(t, "name")):
		f.selected = attr(t, "name")
	case t.DataAtom == atom.Option && f.selected != "":
		toggle(&t, "selected", slices.Contains(f.values[f.selected], attr(t, "value")))
		f.out.WriteString(t.String())
		return
	case t.DataAtom == atom.Textarea && f.values.Has(attr(t, "name")):
		f.out.Write(raw)
		// A line break right behind the tag is not part of the text.
		f.out.WriteString("\n" + html.EscapeString(f.values.Get(attr(t, "name"))))
		f.dropped = true
		return
	}
	f.out.Write(raw)
}

// sentTo reports whether a form with this action is sent to the path in question.
func (f *filler) sentTo(action string) bool {
	if action == "" {
		return f.path == f.sent
	}
	u, err := url.Parse(action)
	return err == nil && u.Path == f.sent
}

// input changes a field of the form; false where it stays as it is.
func (f *filler) input(t *html.Token) bool {
	name := attr(*t, "name")
	if name == "" || attr(*t, "autocomplete") == "one-time-code" {
		return false
	}
	switch attr(*t, "type") {
	case "hidden", "password", "file", "submit", "button", "image", "reset":
		return false
	case "checkbox", "radio": // an unticked box is not sent
		toggle(t, "checked", slices.Contains(f.values[name], attr(*t, "value")))
		return true
	}
	if !f.values.Has(name) {
		return false
	}
	set(t, "value", f.values.Get(name))
	return true
}

func (f *filler) end(raw []byte, tag atom.Atom) {
	switch tag {
	case atom.Form:
		f.inside = false
	case atom.Select:
		f.selected = ""
	case atom.Textarea:
		f.dropped = false
	default:
	}
	f.out.Write(raw)
}

func (f *filler) text(raw []byte) {
	if !f.dropped {
		f.out.Write(raw)
	}
}

func attr(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func set(t *html.Token, name, value string) {
	toggle(t, name, true)
	for i := range t.Attr {
		if t.Attr[i].Key == name {
			t.Attr[i].Val = value
		}
	}
}

func toggle(t *html.Token, name string, on bool) {
	at := slices.IndexFunc(t.Attr, func(a html.Attribute) bool { return a.Key == name })
	switch {
	case on && at < 0:
		t.Attr = append(t.Attr, html.Attribute{Key: name})
	case !on && at >= 0:
		t.Attr = slices.Delete(t.Attr, at, at+1)
	}
}
