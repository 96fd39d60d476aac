package calendar

import (
	"embed"
	"slices"
	"sync"
)

// The announced years 2023 to 2026, in the form that an administrator imports. The days come from npm
// chinese-days 1.5.7 (third_party/manifest.json), the numbers from the notices.
//
//go:embed data/*.csv
var data embed.FS

// BuiltIn are the years that were announced when the program was built, oldest first.
func BuiltIn() []Year { return slices.Clone(builtIn()) }

var builtIn = sync.OnceValue(func() []Year {
	files, err := data.ReadDir("data")
	if err != nil {
		panic(err) // it is part of the program
	}
	var years []Year
	for _, f := range files {
		file, err := data.ReadFile("data/" + f.Name())
		if err != nil {
			panic(err)
		}
		year, faults, err := Parse(file)
		if err != nil || len(faults) > 0 {
			panic("calendar: " + f.Name() + " is broken")
		}
		years = append(years, year)
	}
	return years
})
