// Package batch holds the rules of production: what a factory gets at once, and how it moves.
package batch

import "slices"

// State of a batch. The comment of each says who moves it on.
type State string

const (
	// Frozen: its cards are fixed; the process writes the files.
	Frozen State = "frozen"
	// Rendered: the files lie ready. The factory downloads and prints them.
	Rendered State = "rendered"
	// Printed: the factory packs a parcel for each branch.
	Printed State = "printed"
	// Shipped: each branch confirms the arrival of its parcel.
	Shipped State = "shipped"
	// Done: every parcel has arrived, or no card was left in it.
	Done State = "done"
)

// States lists every state; the CHECK constraint of table batch lists the same.
func States() []State { return []State{Frozen, Rendered, Printed, Shipped, Done} }

// Text is the state's name on a page.
func (s State) Text() string {
	switch s {
	case Frozen:
		return "正在生成制卡文件"
	case Rendered:
		return "等待印制"
	case Printed:
		return "已印制"
	case Shipped:
		return "运送中"
	case Done:
		return "已完成"
	}
	return ""
}

// After tells whether the state lies behind another one: a report that comes twice finds it so.
func (s State) After(other State) bool {
	return slices.Index(States(), s) > slices.Index(States(), other)
}

// FileCards is how many cards a print file holds at most: as many as a factory handles in one run, and
// as fit into memory with their photos.
const FileCards = 250

// Files is the number of print files of a batch.
func Files(cards int) int { return (cards + FileCards - 1) / FileCards }

// MaxCards bounds one batch; what is left waits for the next.
const MaxCards = 10_000
