package chaos_test

import (
	"context"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/internal/store/cardstore"
	"volcard/test/world"
	"volcard/workflows"
)

// pace is how long a working day of a prepared case lasts, where fifteen of them end in a moment.
func pace(since time.Duration) time.Duration { return (since + 3*time.Second) / 15 }

// doubtful is a freshly accepted regular case whose photo a reviewer has to look at.
func doubtful(t *testing.T, w *world.World) *world.Case {
	t.Helper()
	return w.AcceptedRegular(world.Regular{Verdict: "doubtful", At: world.Ago(0)})
}

// queued is a freshly accepted regular case whose photo needs no look.
func queued(t *testing.T, w *world.World) *world.Case {
	t.Helper()
	return w.AcceptedRegular(world.Regular{Verdict: "clear", At: world.Ago(0)})
}

// mending is a case whose photo was refused a while ago; the time to mend it is what the workday makes it.
func mending(reviewer uuid.UUID, workday time.Duration) func(t *testing.T, w *world.World) *world.Case {
	return func(t *testing.T, w *world.World) *world.Case {
		t.Helper()
		c := w.AcceptedRegular(world.Regular{Verdict: "doubtful", At: world.Ago(time.Minute), Workday: workday})
		process := cardstore.RegularProcess{Process: c.Process(card.DefaultTerms())}
		_, err := process.Issue(t.Context(), c.ID)
		require.NoError(t, err)
		c.Take(reviewer)
		snap, err := process.DecidePhoto(t.Context(), cardstore.PhotoDecision{
			ApplicationID: c.ID, StaffID: reviewer, PhotoID: c.Photo, Reason: "照片太暗，请重拍。",
		})
		require.NoError(t, err)
		require.Equal(t, card.Mending, snap.State)
		return c
	}
}

func decidePhoto(reviewer uuid.UUID, approve bool) func(context.Context, *workflows.Client, *world.Case) error {
	return func(ctx context.Context, p *workflows.Client, c *world.Case) error {
		c.Take(reviewer)
		return p.Review().DecidePhoto(ctx, workflows.PhotoDecision{
			ApplicationID: c.ID, StaffID: reviewer, PhotoID: c.Photo, Approve: approve, Reason: "照片太暗，请重拍。",
		})
	}
}

// approveForLong approves a photo and leaves all the time that a test may need to take it back.
func approveForLong(reviewer uuid.UUID) func(context.Context, *workflows.Client, *world.Case) error {
	approve := decidePhoto(reviewer, true)
	return func(ctx context.Context, p *workflows.Client, c *world.Case) error {
		err := approve(ctx, p, c)
		if err == nil {
			c.Postpone(time.Hour)
		}
		return err
	}
}

func retract(reviewer uuid.UUID) func(context.Context, *workflows.Client, *world.Case) error {
	return func(ctx context.Context, p *workflows.Client, c *world.Case) error {
		return p.Review().RetractPhoto(ctx, workflows.PhotoRetraction{ApplicationID: c.ID, StaffID: reviewer, PhotoID: c.Photo})
	}
}

func changeFace(ctx context.Context, p *workflows.Client, c *world.Case) error {
	return p.ChangeDesign(ctx, c.Design(c.Photo, world.OtherFace))
}

// mend uploads another photo once, however often the form is sent.
func mend(ctx context.Context, p *workflows.Client, c *world.Case) error {
	c.Mend("clear")
	return p.ChangeDesign(ctx, c.Design(c.Photo, world.Face))
}

func changePhone(ctx context.Context, p *workflows.Client, c *world.Case) error {
	return p.ChangePhone(ctx, workflows.ChangePhoneInput{ApplicationID: c.ID, PersonID: c.Person, SealedPhone: c.Phone("13900000009")})
}

func wake(ctx context.Context, p *workflows.Client, c *world.Case) error { return p.Wake(ctx, c.ID) }

// regularMatrix are the deeds that only regular cases have.
func regularMatrix(reviewer uuid.UUID) []deed {
	none := []string{}
	return []deed{
		{
			activity: "IssueCard", variant: "regular", prepare: queued, want: card.Waiting,
			moves: []string{"submit", "approve"}, told: []string{"card-approved"}, booked: none, cards: 1,
		},
		{
			activity: "DecidePhoto", variant: "approve", prepare: doubtful,
			decide: []decision{{card.Reviewing, decidePhoto(reviewer, true)}}, want: card.Waiting,
			moves: []string{"submit", "review", "pre-approve-photo", "approve-photo"}, told: []string{"card-approved"}, booked: none, cards: 1,
		},
		{
			activity: "RetractPhoto", prepare: doubtful,
			decide: []decision{{card.Reviewing, approveForLong(reviewer)}, {card.Reviewing, retract(reviewer)}}, want: card.Reviewing,
			moves: []string{"submit", "review", "pre-approve-photo", "retract-approval"}, told: none, booked: none,
		},
		{
			activity: "LookAtCase", variant: "approval takes effect", prepare: doubtful,
			decide: []decision{{card.Reviewing, decidePhoto(reviewer, true)}}, want: card.Waiting,
			moves: []string{"submit", "review", "pre-approve-photo", "approve-photo"}, told: []string{"card-approved"}, booked: none, cards: 1,
		},
		{
			activity: "DecidePhoto", variant: "refuse", prepare: doubtful,
			decide: []decision{{card.Reviewing, decidePhoto(reviewer, false)}}, want: card.Mending,
			moves: []string{"submit", "review", "refuse-photo"}, told: []string{"photo-refused"}, booked: none,
		},
		{
			activity: "ChangeDesign", prepare: queued, decide: []decision{{card.Waiting, changeFace}}, want: card.Waiting,
			moves: []string{"submit", "approve", "change-design"}, told: []string{"card-approved"}, booked: none, cards: 1,
		},
		{
			activity: "ChangeDesign", variant: "mend", prepare: mending(reviewer, time.Hour),
			decide: []decision{{card.Mending, mend}}, want: card.Reviewing,
			moves: []string{"submit", "review", "refuse-photo", "mend"}, told: []string{"photo-refused"}, booked: none,
		},
		{
			activity: "ChangePhone", prepare: queued, decide: []decision{{card.Waiting, changePhone}}, want: card.Waiting,
			moves: []string{"submit", "approve", "change-phone"}, told: []string{"account-security", "card-approved"}, booked: none, cards: 1,
		},
		{
			activity: "GiveUpCase", prepare: mending(reviewer, pace(time.Minute)), want: card.Refused,
			moves: []string{"submit", "review", "refuse-photo", "give-up"},
			told:  []string{"application-refused", "mend-reminder", "photo-refused"}, booked: none,
		},
		{
			activity: "TellOverdue", prepare: func(t *testing.T, w *world.World) *world.Case {
				t.Helper()
				return w.AcceptedRegular(world.Regular{Verdict: "clear", At: world.Ago(period), Workday: pace(period)})
			}, want: card.Waiting,
			moves: []string{"submit", "approve", "overdue"}, told: []string{"card-approved", "card-overdue"}, booked: none, cards: 1,
		},
		{
			activity: "LookAtCase", prepare: queued, decide: []decision{{card.Waiting, wake}}, want: card.Waiting,
			moves: []string{"submit", "approve"}, told: []string{"card-approved"}, booked: none, cards: 1,
		},
	}
}
