// Package activities holds the deeds that workflows ask for: one struct for each area, with only
// the clients that it needs. Doing any of them twice does no harm. Inputs, results and error
// texts hold identifiers, states and dates only.
package activities

import (
	"context"

	"github.com/gofrs/uuid/v5"

	"volcard/internal/store/cardstore"
)

// Card moves the cases of card applications.
type Card struct {
	Process cardstore.Process
}

func (a *Card) regular() cardstore.RegularProcess {
	return cardstore.RegularProcess{Process: a.Process}
}

// CaseInput names a case.
type CaseInput struct {
	ApplicationID uuid.UUID
}

// IssueCard approves an accepted application by rules and issues its digital card, or holds it for
// a person. A case that is past this is returned as it stands, so it also opens a resumed process.
func (a *Card) IssueCard(ctx context.Context, in CaseInput) (cardstore.Snapshot, error) {
	return a.Process.Issue(ctx, in.ApplicationID)
}

// RemindInput names a reminder: the first of a wait is 1.
type RemindInput struct {
	ApplicationID uuid.UUID
	Number        int
}

// RemindHolder tells the holder that the card still waits.
func (a *Card) RemindHolder(ctx context.Context, in RemindInput) (cardstore.Snapshot, error) {
	return a.Process.Remind(ctx, in.ApplicationID, in.Number)
}

// LapseCase ends the wait of a card that was not collected in time.
func (a *Card) LapseCase(ctx context.Context, in CaseInput) (cardstore.Snapshot, error) {
	return a.Process.Lapse(ctx, in.ApplicationID)
}

// CloseCase ends a lapsed case.
func (a *Card) CloseCase(ctx context.Context, in CaseInput) (cardstore.Snapshot, error) {
	return a.Process.Close(ctx, in.ApplicationID)
}

// ChooseBranchInput is the applicant's new choice.
type ChooseBranchInput struct {
	ApplicationID uuid.UUID
	PersonID      uuid.UUID
	BranchID      uuid.UUID
}

// ChooseBranch reserves a card at the chosen branch.
func (a *Card) ChooseBranch(ctx context.Context, in ChooseBranchInput) (cardstore.Snapshot, error) {
	return a.Process.ChooseBranch(ctx, in.ApplicationID, in.PersonID, in.BranchID)
}

// WithdrawInput is the applicant's wish to end the case.
type WithdrawInput struct {
	ApplicationID uuid.UUID
	PersonID      uuid.UUID
}

// WithdrawApplication ends the case before collection.
func (a *Card) WithdrawApplication(ctx context.Context, in WithdrawInput) (cardstore.Snapshot, error) {
	return a.Process.Withdraw(ctx, in.ApplicationID, in.PersonID)
}

// HandOverCard gives the plastic card to its holder, once.
func (a *Card) HandOverCard(ctx context.Context, in cardstore.HandOver) (cardstore.Snapshot, error) {
	return a.Process.HandOver(ctx, in)
}

// TakeBackCard undoes a hand-over within the clerk's window.
func (a *Card) TakeBackCard(ctx context.Context, in cardstore.Undo) (cardstore.Snapshot, error) {
	return a.Process.UndoHandOver(ctx, in)
}

// DecideHeldInput is an administrator's decision about a held name.
type DecideHeldInput struct {
	ApplicationID uuid.UUID
	StaffID       uuid.UUID
	Release       bool
	Reason        string // a sentence for the applicant, where the application is refused
}

// DecideHeldName issues the card of a held case, or refuses it.
func (a *Card) DecideHeldName(ctx context.Context, in DecideHeldInput) (cardstore.Snapshot, error) {
	return a.Process.DecideHeld(ctx, in.ApplicationID, in.StaffID, in.Release, in.Reason)
}

// LookAtCase returns where the case stands, after a set-based move. An approval that is due takes effect.
func (a *Card) LookAtCase(ctx context.Context, in CaseInput) (cardstore.Snapshot, error) {
	return a.Process.Look(ctx, in.ApplicationID)
}

// DecidePhoto approves or refuses the photo of a case under review.
func (a *Card) DecidePhoto(ctx context.Context, in cardstore.PhotoDecision) (cardstore.Snapshot, error) {
	return a.regular().DecidePhoto(ctx, in)
}

// RetractPhoto takes an approval back that has not taken effect.
func (a *Card) RetractPhoto(ctx context.Context, in cardstore.PhotoRetraction) (cardstore.Snapshot, error) {
	return a.regular().RetractPhoto(ctx, in)
}

// ChangeDesign gives a case another photo or face, or mends it.
func (a *Card) ChangeDesign(ctx context.Context, in cardstore.NewDesign) (cardstore.Snapshot, error) {
	return a.regular().ChangeDesign(ctx, in)
}

// ChangePhoneInput is the applicant's other phone, verified, and sealed as the row keeps it.
type ChangePhoneInput struct {
	ApplicationID uuid.UUID
	PersonID      uuid.UUID
	SealedPhone   []byte
}

// ChangePhone gives a case another phone.
func (a *Card) ChangePhone(ctx context.Context, in ChangePhoneInput) (cardstore.Snapshot, error) {
	return a.Process.ChangePhone(ctx, in.ApplicationID, in.PersonID, in.SealedPhone)
}

// GiveUpCase ends a case that its applicant did not mend in time.
func (a *Card) GiveUpCase(ctx context.Context, in CaseInput) (cardstore.Snapshot, error) {
	return a.regular().GiveUp(ctx, in.ApplicationID)
}

// TellOverdue tells that a regular card was not at its branch by the promised day.
func (a *Card) TellOverdue(ctx context.Context, in CaseInput) (cardstore.Snapshot, error) {
	return a.regular().TellOverdue(ctx, in.ApplicationID)
}
