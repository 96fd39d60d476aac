// Package rendertest holds what tests and benchmarks of cards share: sample data, the
// plain way to make a card's PDF that render is measured against, and CPU time.
package rendertest

import (
	"strings"
	"syscall"
	"time"

	"volcard/internal/clock"
	"volcard/internal/render"
)

// Names are the names of requirements.md (B6, T14, T16) and one of fifty characters.
var Names = []string{
	"王小明", "阿卜杜热合曼·买买提", "王𠮷", "张䶮", "李𬱟", "㛃", "鿍", "𰻝", "欧阳𬎆", LongName,
}

// LongName has the greatest length that a name may have.
var LongName = strings.Repeat("买热合曼提", 5) + "·" + strings.Repeat("阿卜杜热", 6)

// Card is a full card of the general edition. Its QR is as long as a signed token makes it.
func Card(name string) render.CardData {
	day := time.Date(2026, 11, 24, 0, 0, 0, 0, clock.Shanghai)
	return render.CardData{
		Edition: "通用版", HolderName: name, CardNumber: "42260000000197", VolunteerNo: "4201062026112301",
		IssuedOn: day, ExpiresOn: day.AddDate(5, 0, -1),
		QR: "HTTPS://ZYZ.EXAMPLE/V/" + strings.Repeat("K5RGQ2LTEBUXGIDB", 16),
	}
}

// RegularCard is a full card of the regular edition, with a photo of its own for each seed.
func RegularCard(name string, seed uint64) render.CardData {
	data := Card(name)
	data.Edition, data.VolunteerNo, data.Photo = "常规版", "V7K2M9QX4TB", Photo(seed)
	return data
}

// CPU is the processor time that the whole process spends in f, collector included: on a
// shared machine it says more than the wall clock.
func CPU(f func()) time.Duration {
	before := used()
	f()
	return used() - before
}

func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // cannot fail for RUSAGE_SELF
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
