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
	fix  string // how to mend it, where the picture can be moved and turned on the page
	// plain is how to mend it elsewhere; empty: the same.
	plain string
	// judge looks at what was measured. It is nil where reading the file already decides.
	judge func(m *measures) severity
}

// reasons is the whole gate, the weightiest reason first. To refuse photos for another reason,
// add a Code (reasons.go) and a row here; to measure something new, a field of measures
// (measure.go). docs/photo.md tells where the numbers come from.
var reasons = []reason{
	{code: Empty, text: "这个文件是空的。", fix: "请重新选择照片。"},
	{code: TooManyBytes, text: "照片文件超过 12 MB。", fix: "请在手机相册里编辑后另存，或换一张小一些的照片。"},
	{code: NotAPicture, text: "这个文件不是照片。", fix: "请选择 JPG 或 PNG 格式的照片。"},
	{
		code: HEIC, text: "这是苹果手机的 HEIC 照片，系统读不了。",
		fix: "请在手机“设置 › 相机 › 格式”里选“兼容性最佳”后重拍，或用手机自带浏览器打开本页选择照片，由页面转换。",
	},
	{code: OtherFormat, text: "不支持这种图片格式。", fix: "请选择 JPG 或 PNG 格式的照片，或用手机拍一张。"},
	{code: WebP, text: "这是 WebP 图片，系统只读 JPG 和 PNG。", fix: convert},
	{code: GIF, text: "这是 GIF 图片，系统只读 JPG 和 PNG。", fix: convert},
	{code: BMP, text: "这是 BMP 图片，系统只读 JPG 和 PNG。", fix: convert},
	{code: TIFF, text: "这是 TIFF 图片，系统只读 JPG 和 PNG。", fix: convert},
	{code: AVIF, text: "这是 AVIF 图片，系统只读 JPG 和 PNG。", fix: convert},
	{code: RareJPEG, text: "这张 JPG 用了少见的编码方式，文件没有坏，但系统读不了。", fix: convert},
	{code: Animated, text: "这是动态图片。", fix: "请选择静态的 JPG 或 PNG 照片。"},
	{code: Damaged, text: "照片文件不完整或已损坏。", fix: "请重新选择照片；仍然不行时请重拍一张。"},
	{code: TooManyPixels, text: "照片的像素太多，系统处理不了。", fix: "请在手机相册里裁剪或缩小到 4000 万像素以内再上传。"},
	{code: PrintColours, text: "这是印刷用的 CMYK 照片，转换后颜色会变。", fix: "请另存为普通（RGB）的 JPG，或上传手机拍的原图。"},
	{code: CropOutside, text: "裁剪框超出了照片。", fix: "请重新裁剪。", plain: "请重新选择照片。"},
	{code: WrongRatio, text: "裁剪框的比例不是 25∶35。", fix: "请重新裁剪。", plain: "请重新选择照片。"},
	{
		code: TooSmall, text: "照片太小，印出来会模糊。", fix: "裁剪后至少要有 295×413 像素：请上传原图，或点“缩小”多留一些。",
		plain: "至少要有 295×413 像素：请上传没有缩小过的原图。",
		judge: func(m *measures) severity { return above(m.enlarged, 1, 1.25) },
	},
	{
		code: Dark, text: "照片太暗。", fix: "请面向窗户或灯光重拍，避免背光。",
		judge: func(m *measures) severity {
			return worse(below(float64(m.brightest), 120, 40), below(float64(m.faceLight), 70, 30))
		},
	},
	{
		code: Overexposed, text: "脸部过亮，看不清五官。", fix: "请避开强光和闪光灯重拍。",
		judge: func(m *measures) severity { return above(m.burnt, 0.3, 0.9) },
	},
	{
		code: Sideways, text: "照片的方向不对。", fix: "请点“左转”或“右转”，把头转到上方。",
		plain: "请在手机相册里把照片转正，保存后再上传。",
		judge: func(m *measures) severity {
			if m.lying() {
				return certain
			}
			return fine
		},
	},
	{
		code: NoFace, text: "照片上没有找到正面的脸。", fix: "请正对镜头、露出完整的脸，不戴口罩和墨镜，重拍一张。",
		judge: func(m *measures) severity {
			if m.lying() || m.brightest < 40 {
				return fine // which another row says
			}
			return below(m.face.score, sureFace, maybeFace)
		},
	},
	{
		code: SeveralFaces, text: "照片上不止一个人。", fix: "请只留下本人：重新裁剪，或单独拍一张。", plain: "请在手机相册里只留下本人，或单独拍一张。",
		judge: func(m *measures) severity {
			switch {
			case m.face.score < sureFace || m.rival.score < sureFace || m.rival.size < 0.5*m.face.size:
				return fine
			case m.rival.score < 3*sureFace:
				return doubt
			default:
				return certain
			}
		},
	},
	{
		code: FaceSmall, text: "脸在照片里太小。", fix: "请点“放大”，让脸约占照片宽度的一半，或靠近一些重拍。",
		plain: "请靠近一些重拍，让脸约占照片宽度的一半。",
		judge: facing(func(m *measures) severity { return below(m.face.size/Width, 0.32, 0.2) }),
	},
	{
		code: FaceCut, text: "脸或头发没有完整地在照片里。", fix: "请移动或缩小照片，让整个头部落在虚线内，四周留一点边；或退后一些重拍。",
		plain: "请退后一些重拍，让整个头部都在照片里，四周留一点边。",
		judge: facing(func(m *measures) severity { return above(m.face.beyond(), 0.02, 0.3) }),
	},
	{
		code: Blurred, text: "照片不清晰。", fix: "请擦干净镜头、拿稳手机、对焦在脸上重拍。",
		judge: facing(func(m *measures) severity { return below(m.sharpness, 0.26, 0.1) }),
	},
	{
		code: BusyBackground, text: "背景不干净。", fix: "请站在白墙或纯色的墙前重拍。",
		judge: facing(func(m *measures) severity { return worse(above(m.unrest, 7, never), above(m.spread, 40, never)) }),
	},
	{
		code: OddColours, text: "照片的颜色不自然（黑白、泛黄或偏色）。", fix: "请上传没有加滤镜的彩色照片。",
		judge: facing(func(m *measures) severity { return worse(above(m.oneHue, 0.97, never), above(m.cast, 0, never)) }),
	},
}

// convert is the remedy for a picture that others can read and this program cannot.
const convert = "请用手机相册打开后截图或另存为 JPG、PNG，再上传；用手机自带浏览器打开本页，页面也能转换。"

// never is a limit that no measure reaches.
const never = 1e9

// above judges a value that must not be large.
func above(v, doubtful, refused float64) severity {
	switch {
	case v > refused:
		return certain
	case v > doubtful:
		return doubt
	default:
		return fine
	}
}

// below judges a value that must not be small.
func below(v, doubtful, refused float64) severity {
	switch {
	case v < refused:
		return certain
	case v < doubtful:
		return doubt
	default:
		return fine
	}
}

func worse(a, b severity) severity { return max(a, b) }

// facing makes a check say nothing where no face was found: that is another row's to say.
func facing(judge func(m *measures) severity) func(m *measures) severity {
	return func(m *measures) severity {
		if m.face.score < sureFace {
			return fine
		}
		return judge(m)
	}
}

// lying tells whether the one face that was found stands on its side or head.
func (m *measures) lying() bool { return m.face.score < sureFace && m.turned >= 2*sureFace }

// beyond is how far the head reaches out of the card's picture, in parts of the face's size.
func (f face) beyond() float64 {
	const hair, chin = 0.68, 0.55 // from the middle of the finder's square
	out := max(f.size/2-f.x, f.x+f.size/2-Width, hair*f.size-f.y, f.y+chin*f.size-Height)
	return out / f.size
}

// judge runs the gate.
func judge(m measures) (findings []Finding, worst severity) {
	for _, r := range reasons {
		if r.judge == nil {
			continue
		}
		if s := r.judge(&m); s > fine {
			findings, worst = append(findings, Finding{r.code}), worse(worst, s)
		}
	}
	return findings, worst
}

// reasonOf finds a code's row. A code that is not used any more still has a sentence.
func reasonOf(c Code) reason {
	for _, r := range reasons {
		if r.code == c {
			return r
		}
	}
	return reason{code: c, text: "照片不符合要求。", fix: "请换一张照片。"}
}
