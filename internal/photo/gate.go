package photo

// severity is what a check makes of a photo.
type severity int

const (
	fine severity = iota
	doubt
	certain
)

// reason is one row of the gate.
type reason struct {
	code Code
	text string // what is wrong
	fix  string // how to mend it
	// judge looks at what was measured. It is nil where reading the file already decides.
	judge func(m *measures) severity
}

// reasons is the whole gate, the weightiest reason first. To refuse photos for another reason,
// add a Code and a row here; to measure something new, a field of measures (measure.go).
var reasons = []reason{
	{code: Empty, text: "这个文件是空的。", fix: "请重新选择照片。"},
	{code: TooManyBytes, text: "照片文件超过 12 MB。", fix: "请用手机相册编辑后另存，或换一张小一些的照片。"},
	{code: NotAPicture, text: "这个文件不是照片。", fix: "请选择 JPG 或 PNG 格式的照片。"},
	{
		code: HEIC, text: "这是 HEIC 格式的照片，系统无法读取。",
		fix: "苹果手机请在“设置 › 相机 › 格式”中选“兼容性最佳”后重新拍摄，或直接在手机浏览器里选择照片，由页面转换。",
	},
	{code: OtherFormat, text: "不支持这种图片格式。", fix: "请选择 JPG 或 PNG 格式的照片，或用手机拍一张。"},
	{code: Animated, text: "这是动态图片。", fix: "请选择静态的 JPG 或 PNG 照片。"},
	{code: Damaged, text: "照片文件不完整或已损坏。", fix: "请重新选择照片；如果仍然不行，请重新拍一张。"},
	{code: TooManyPixels, text: "照片的像素太多，系统无法处理。", fix: "请用手机相册裁剪或缩小后再上传，不超过 4000 万像素。"},
	{code: PrintColours, text: "这是印刷用的 CMYK 颜色，转换后会偏色。", fix: "请另存为普通（RGB）的 JPG，或上传手机拍的原图。"},
	{code: CropOutside, text: "裁剪框超出了照片。", fix: "请重新裁剪。"},
	{code: WrongRatio, text: "裁剪框的比例不是 25∶35。", fix: "请重新裁剪。"},
}

// reasonOf finds a code's row; a code that nobody knows any more still has a sentence.
func reasonOf(c Code) reason {
	for _, r := range reasons {
		if r.code == c {
			return r
		}
	}
	return reason{code: c, text: "照片不符合要求。", fix: "请换一张照片。"}
}

// measures is what the checks look at.
type measures struct{}
