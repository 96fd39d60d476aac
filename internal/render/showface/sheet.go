package main

import (
	"image"
	"image/color"
	"image/draw"

	"volcard/internal/render"
	"volcard/internal/render/vector"
)

// sheet draws an edition's faces, a row each, front and back as they look when cut.
func sheet(faces render.Faces, edition, file string, card layout) error {
	const width, gap = 560, 32
	names := faces.Names(edition)
	var out *image.RGBA
	for row, name := range names {
		face := faces[name]
		list, err := card(face, "王小明")
		if err != nil {
			return err
		}
		scale := width / face.Width
		height := int(face.Height * scale)
		if out == nil {
			out = image.NewRGBA(image.Rect(0, 0, 2*width+3*gap, len(names)*(height+gap)+gap))
			draw.Draw(out, out.Bounds(), image.NewUniform(color.RGBA{232, 232, 230, 255}), image.Point{}, draw.Src)
		}
		for column, side := range []render.Side{render.Front, render.Back} {
			img, err := render.Picture(list, side, width)
			if err != nil {
				return err
			}
			at := image.Pt(gap+column*(width+gap), gap+row*(height+gap))
			outline := vector.Rect(0, 0, face.Width, face.Height, face.Corner)
			shadow := vector.NewCanvas(out, vector.Matrix{A: scale, D: scale, E: float64(at.X), F: float64(at.Y) + 4})
			for blur := range 8 {
				shadow.Draw(vector.Shape{Path: outline, Opacity: 0.025, Width: 0.3 * float64(blur)})
			}
			shadow.Draw(vector.Shape{Path: outline, Opacity: 0.12})
			mask := image.NewRGBA(img.Bounds())
			vector.NewCanvas(mask, vector.Matrix{A: scale, D: scale}).Draw(vector.Shape{Path: outline, Opacity: 1})
			draw.DrawMask(out, img.Bounds().Add(at), img, image.Point{}, mask, image.Point{}, draw.Over)
		}
	}
	return write(out, file)
}
