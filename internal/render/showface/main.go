// Command showface draws a face with the sample names, for the eyes of whoever designs it:
//
//	go run ./internal/render/showface -face general -out .data/faces
//
// It writes each side as a PNG at preview and at phone size, and a print PDF.
package main

import (
	"flag"
	"fmt"
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
	flag.Parse()
	if err := show(*dir, *name, *out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func show(dir, name, out string) error {
	faces, err := render.LoadFaces(os.DirFS(dir))
	if err != nil {
		return err
	}
	face, err := faces.Face(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o750); err != nil {
		return err
	}
	var lists []*render.DisplayList
	for i, holder := range rendertest.Names {
		list, err := render.Layout(face, rendertest.Card(holder))
		if err != nil {
			return fmt.Errorf("%s: %w", holder, err)
		}
		lists = append(lists, list)
		for _, side := range []render.Side{render.Front, render.Back} {
			for _, width := range []int{render.PictureWidth, 343} {
				file := filepath.Join(out, fmt.Sprintf("%s-%d-%s-%d.png", name, i, side, width))
				if err := draw(list, side, width, file); err != nil {
					return err
				}
			}
		}
	}
	data, err := render.PDF(render.PDFOptions{CropMarks: true, Title: face.Title}, lists...)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, name+".pdf"), data, 0o600)
}

func draw(list *render.DisplayList, side render.Side, width int, file string) error {
	img, err := render.Picture(list, side, width)
	if err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := png.Encode(f, img); err != nil {
		return err
	}
	return f.Close()
}
