package review

// reason is why a person refuses a photo.
type reason struct {
	Code string
	Text string // on the reviewer's page
	// Tell is what the applicant reads, in the message and on the page: what is wrong and how to mend
	// it, without a full stop.
	Tell string
}

// reasons are all of them, in the order of the page; the first nine have the keys 1 to 9. To refuse
// photos for another reason, add a row here. What the automatic check refuses stands in
// internal/photo/gate.go.
var reasons = []reason{
	{"not_self", "不是本人", "照片看起来不是您本人，请使用本人近期的照片"},
	{"covered", "脸被遮挡", "脸被帽子、墨镜、口罩或头发遮挡，请露出完整的脸重拍"},
	{"pose", "没有正对镜头", "没有正对镜头或方向不对，请平视镜头重拍"},
	{"cut", "没拍全或脸太小", "头部没有拍全或在照片里太小，请重新裁剪或重拍"},
	{"light", "太暗或过亮", "光线太暗或过亮，请面向窗户、避开强光重拍"},
	{"blurred", "不清晰", "照片不清晰，请擦净镜头、对焦在脸上重拍"},
	{"background", "背景不干净", "背景不干净，请站在白墙或纯色的墙前重拍"},
	{"clothes", "着装不合适", "着装不适合用在证件上，请穿着整齐后重拍"},
	{"copied", "翻拍、截图或美颜过度", "这是翻拍、截图或修饰过多的照片，请上传手机拍的原图"},
}
