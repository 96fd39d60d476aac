package render

import (
	"bytes"
	"image"
	"image/jpeg"
	"os"
	"testing"

	"github.com/jung-kurt/gofpdf"
	"github.com/stretchr/testify/require"

	"volcard/internal/fault"
	"volcard/internal/render/fonts"
)

// gofpdf numbers photos of one width, and writes page boxes, in the order of Go's maps.
func TestSameBytesWithManyPhotos(t *testing.T) {
	faces, err := LoadFaces(os.DirFS("../../templates/faces"))
	require.NoError(t, err)
	face, err := faces.Face("general")
	require.NoError(t, err)
	var lists []*DisplayList
	for i := range 6 {
		img := image.NewYCbCr(image.Rect(0, 0, PhotoWidth, PhotoHeight), image.YCbCrSubsampleRatio420)
		img.Y[i*1000] = 200
		var photo bytes.Buffer
		require.NoError(t, jpeg.Encode(&photo, img, nil))
		list, err := Layout(face, CardData{HolderName: "王小明"})
		require.NoError(t, err)
		items, err := (&Element{Box: [4]float64{60, 20, 20, 28}}).layoutPhoto(photo.Bytes())
		require.NoError(t, err)
		list.front.items = append(list.front.items, items...)
		lists = append(lists, list, list)
	}
	want, err := PDF(PDFOptions{CropMarks: true}, lists...)
	require.NoError(t, err)
	require.Equal(t, 6, bytes.Count(want, []byte("/DCTDecode")), "a photo is embedded once")
	for range 8 {
		got, err := PDF(PDFOptions{CropMarks: true}, lists...)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got))
	}
}

// A library that wrote another shape of file is noticed; it never gives a broken card.
func TestAmendRefuses(t *testing.T) {
	for _, file := range []string{
		"", "%PDF-1.3\n", "startxref\n9\n", "startxref\nx\n%%EOF", "startxref\n-1\n",
		"xref\n0 2\n0000000000 65535 f \n0000000000 00000 n \ntrailer\n<<\n/Size 2\n>>\nstartxref\n0\n%%EOF\n",
	} {
		_, err := amend([]byte(file), &fonts.Subset{}, nil)
		require.ErrorIs(t, err, errShape, "%q", file)
	}
}

// Codes without their meaning would copy as rubbish.
func TestAmendMissesAFont(t *testing.T) {
	face, err := fonts.Get(fonts.Bold)
	require.NoError(t, err)
	pdf := gofpdf.New("P", "mm", "A4", "")
	pdf.AddPage()
	var file bytes.Buffer
	require.NoError(t, pdf.Output(&file))
	var subset fonts.Subset
	_, err = amend(file.Bytes(), &subset, nil)
	require.NoError(t, err)
	subset.Encode(face, "王")
	_, err = amend(file.Bytes(), &subset, nil)
	require.ErrorIs(t, err, errShape)
}

func TestPDFRecovers(t *testing.T) {
	list := &DisplayList{Width: 85.6, Height: 53.98} // a side without art
	_, err := PDF(PDFOptions{}, list)
	require.Equal(t, fault.Internal, fault.KindOf(err))
}
