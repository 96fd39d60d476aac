// Command showface draws faces for the eyes of whoever designs them:
//
//	go run ./internal/render/showface -face general -out .data/faces
//	go run ./internal/render/showface -edition regular -sheet docs/pictures/faces.png
//
// The first writes each side with the sample names as a PNG at preview and at phone size, and
// a print PDF; the second lays all faces of an edition side by side.
package main

import (
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"

	"volcard/internal/render"
	"volcard/internal/render/rendertest"
)

func main() {
	dir := flag.String("faces", "templates/faces", "folder of the faces")
	name := flag.String("face", "general", "the face to draw")
	out := flag.String("out", ".data/faces", "folder to write to")
	edition := flag.String("edition", "regular", "the edition whose faces stand on the sheet")
	onto := flag.String("sheet", "", "write one picture of an edition's faces here instead")
	photo := flag.String("photo", "", "a JPEG of 295 × 413 pixels; a drawn portrait if left out")
	preview := flag.Bool("preview", false, "draw what an applicant confirms: no number, QR and dates yet")
	flag.Parse()
	if err := run(*dir, *name, *out, *edition, *onto, *photo, *preview); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir, name, out, edition, onto, photo string, preview bool) error {
	faces, err := render.LoadFaces(os.DirFS(dir))
	if err != nil {
		return err
	}
	portrait := rendertest.Photo(1)
	if photo != "" {
		if portrait, err = os.ReadFile(photo); err != nil {
			return err
		}
	}
	card := func(face *render.Face, holder string) (*render.DisplayList, error) {
		data := rendertest.Card(holder)
		if face.Carries("regular") {
			data = rendertest.RegularCard(holder, 1)
			data.Photo = portrait
		}
		if preview {
			data = data.Preview()
		}
		return render.Layout(face, data)
	}
	if onto != "" {
		return sheet(faces, edition, onto, card)
	}
	face, err := faces.Face(name)
	if err != nil {
		return err
	}
	return show(face, out, card)
}

type layout func(face *render.Face, holder string) (*render.DisplayList, error)

func show(face *render.Face, out string, card layout) error {
	if err := os.MkdirAll(out, 0o750); err != nil {
		return err
	}
	var lists []*render.DisplayList
	for i, holder := range rendertest.Names {
		list, err := card(face, holder)
		if err != nil {
			return fmt.Errorf("%s: %w", holder, err)
		}
		lists = append(lists, list)
		for _, side := range []render.Side{render.Front, render.Back} {
			for _, width := range []int{render.PictureWidth, 343} {
				img, err := render.Picture(list, side, width)
				if err != nil {
					return err
				}
				if err := write(img, filepath.Join(out, fmt.Sprintf("%s-%d-%s-%d.png", face.Name, i, side, width))); err != nil {
					return err
				}
			}
		}
	}
	data, err := render.PDF(render.PDFOptions{CropMarks: true, Title: face.Title}, lists...)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, face.Name+".pdf"), data, 0o600)
}

func write(img image.Image, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := png.Encode(f, img); err != nil {
		return err
	}
	return f.Close()
}
