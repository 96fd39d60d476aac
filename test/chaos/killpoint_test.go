package chaos_test

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"

	"volcard/activities"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/killpoint"
	"volcard/test/world"
	"volcard/workflows"
)

const undrawable = "王\U00030000" // beyond every font of ours

// deed is one row of the matrix: how its activity comes to run, and what must be true after it.
type deed struct {
	activity string
	variant  string // where one activity ends in two ways
	holder   string
	settings map[string]string
	// prepare brings the case to where its process starts; none: freshly accepted.
	prepare func(t *testing.T, w *world.World) *world.Case
	// decide is what a person presses once the case is in the state from; none: the process acts by itself.
	decide []decision
	want   card.State
	moves  []string // of the audit chain
	told   []string // templates, sorted
	booked []string // of the ledger
	cards  int
}

type decision struct {
	from  card.State
	press func(ctx context.Context, p *workflows.Client, c *world.Case) error
}

func handOver(ctx context.Context, p *workflows.Client, c *world.Case) error {
	return p.HandOver(ctx, workflows.HandOverInput{
		ApplicationID: c.ID, BranchID: c.Branch, StaffID: c.Clerk, Serial: c.Serial, Seen: c.Seen(),
	})
}

func takeBack(ctx context.Context, p *workflows.Client, c *world.Case) error {
	return p.UndoHandOver(ctx, workflows.UndoInput{ApplicationID: c.ID, BranchID: c.Branch, StaffID: c.Clerk, Reason: "发给了别人", Seen: c.Seen()})
}

func withdraw(ctx context.Context, p *workflows.Client, c *world.Case) error {
	return p.Withdraw(ctx, workflows.WithdrawInput{ApplicationID: c.ID, PersonID: c.Person})
}

func chooseBranch(to uuid.UUID) func(context.Context, *workflows.Client, *world.Case) error {
	return func(ctx context.Context, p *workflows.Client, c *world.Case) error {
		return p.ChooseBranch(ctx, workflows.ChooseBranchInput{ApplicationID: c.ID, PersonID: c.Person, BranchID: to})
	}
}

func decideHeld(admin uuid.UUID, release bool) func(context.Context, *workflows.Client, *world.Case) error {
	return func(ctx context.Context, p *workflows.Client, c *world.Case) error {
		return p.DecideHeld(ctx, workflows.DecideHeldInput{ApplicationID: c.ID, StaffID: admin, Release: release, Reason: "姓名用字暂不能制卡"})
	}
}

// period is how long a prepared case has waited. It is less than the sweeper's age: to a sweeper, a
// case that is prepared looks like one that was forgotten.
const period = 20 * time.Minute

// waiting is a case that has been ready for all its time but a moment.
func waiting(t *testing.T, w *world.World, left time.Duration) *world.Case {
	t.Helper()
	c := w.Accepted("王𠮷", world.Ago(period-left))
	terms := card.DefaultTerms()
	terms.Pickup = period
	_, err := c.Process(terms).Issue(t.Context(), c.ID)
	require.NoError(t, err)
	return c
}

// lapsed is a case whose time for another choice of branch ends in a moment, where lapsed cases
// close after a minute.
func lapsed(t *testing.T, w *world.World) *world.Case {
	t.Helper()
	c := waiting(t, w, 3*time.Second-time.Minute)
	terms := card.DefaultTerms()
	terms.Pickup = period
	snap, err := c.Later(period).Process(terms).Lapse(t.Context(), c.ID)
	require.NoError(t, err)
	require.Equal(t, card.Lapsed, snap.State)
	return c
}

// held is a case that was held when no font could draw its name; one can by now.
func held(t *testing.T, w *world.World) *world.Case {
	t.Helper()
	c := w.Accepted("王𠮷", world.Ago(time.Minute))
	before := c.Process(card.DefaultTerms())
	before.Missing = func(name string) []rune { return []rune(name) }
	snap, err := before.Issue(t.Context(), c.ID)
	require.NoError(t, err)
	require.Equal(t, card.Held, snap.State)
	return c
}

func matrix(other, admin uuid.UUID) []deed {
	return []deed{
		{
			activity: "IssueCard", want: card.Ready,
			moves: []string{"submit", "issue"}, told: []string{"card-ready"}, booked: []string{"reserve"}, cards: 1,
		},
		{
			activity: "IssueCard", variant: "held", holder: undrawable, want: card.Held,
			moves: []string{"submit", "hold"}, told: []string{"application-held"}, booked: []string{"reserve"},
		},
		{
			activity: "HandOverCard", decide: []decision{{card.Ready, handOver}}, want: card.Collected,
			moves: []string{"submit", "issue", "hand-over"}, told: []string{"card-collected", "card-ready"},
			booked: []string{"reserve", "hand_over"}, cards: 1,
		},
		{
			activity: "TakeBackCard", decide: []decision{{card.Ready, handOver}, {card.Collected, takeBack}}, want: card.Ready,
			moves:  []string{"submit", "issue", "hand-over", "undo-hand-over"},
			told:   []string{"card-collected", "card-collection-undone", "card-ready"},
			booked: []string{"reserve", "hand_over", "undo"}, cards: 1,
		},
		{
			activity: "ChooseBranch", decide: []decision{{card.Ready, chooseBranch(other)}}, want: card.Ready,
			moves: []string{"submit", "issue", "choose-branch"}, told: []string{"branch-changed", "card-ready"},
			booked: []string{"reserve", "release", "reserve"}, cards: 1,
		},
		{
			activity: "WithdrawApplication", decide: []decision{{card.Ready, withdraw}}, want: card.Withdrawn,
			moves: []string{"submit", "issue", "withdraw"}, told: []string{"card-ready", "withdrawn"},
			booked: []string{"reserve", "release"}, cards: 1,
		},
		{
			activity: "LapseCase", want: card.Lapsed,
			prepare: func(t *testing.T, w *world.World) *world.Case {
				t.Helper()
				return waiting(t, w, 3*time.Second)
			},
			moves: []string{"submit", "issue", "lapse"}, told: []string{"card-lapsed", "card-ready"},
			booked: []string{"reserve", "release"}, cards: 1,
		},
		{
			activity: "RemindHolder", settings: map[string]string{"VOLCARD_PICKUP_REMINDERS": "2s"}, want: card.Ready,
			moves: []string{"submit", "issue"}, told: []string{"card-ready", "card-reminder"}, booked: []string{"reserve"}, cards: 1,
		},
		{
			activity: "CloseCase", settings: map[string]string{"VOLCARD_LAPSED_PERIOD": "1m"}, prepare: lapsed, want: card.Closed,
			moves: []string{"submit", "issue", "lapse", "close"}, told: []string{"card-lapsed", "card-ready"},
			booked: []string{"reserve", "release"}, cards: 1,
		},
		{
			activity: "DecideHeldName", variant: "refuse", holder: undrawable,
			decide: []decision{{card.Held, decideHeld(admin, false)}}, want: card.Refused,
			moves: []string{"submit", "hold", "refuse"}, told: []string{"application-held", "application-refused"},
			booked: []string{"reserve", "release"},
		},
		{
			activity: "DecideHeldName", variant: "release", prepare: held,
			decide: []decision{{card.Held, decideHeld(admin, true)}}, want: card.Ready,
			moves: []string{"submit", "hold", "release"}, told: []string{"application-held", "card-ready"},
			booked: []string{"reserve"}, cards: 1,
		},
	}
}

// The process dies at every point of every deed; another one takes over. In the end each deed was
// done, once.
func TestKillPoints(t *testing.T) {
	w := world.Start(t, 100, map[string]string{
		// Each cell has a queue of its own, so that its deed is done by its own process: no sweeper
		// may start a case on another's.
		"VOLCARD_SWEEP_AFTER": "1h", "VOLCARD_DATABASE_MAX_CONNS": "4",
		// The claim on a message ends the sooner for it.
		"VOLCARD_SMS_TIMEOUT": "1s",
		// No schedule freezes what the cells have waiting.
		"VOLCARD_BATCH_HOUR": farHour(),
	})
	w.Worker(nil) // makes the key that cards are signed with, and sends what killed dispatchers held
	other := w.At("街道口支行", 20)
	rows := deedsOfCases(other.Branch, w.Admin("省级管理员"), w.Rows.Staff("赵审核", "reviewer"))
	t.Run("cells", func(t *testing.T) {
		for _, point := range killpoint.Points() {
			t.Run("api/"+point, func(t *testing.T) {
				t.Parallel()
				killedAPI(t, w.On(t), rows[0], point)
			})
			for _, row := range rows {
				t.Run(row.activity+row.variant+"/"+point, func(t *testing.T) {
					t.Parallel()
					killed(t, w.On(t), row, point)
				})
			}
		}
	})
}

// Every deed that a worker offers has its rows in the matrices, and every row is of a deed.
func TestEveryDeedHasItsRow(t *testing.T) {
	t.Parallel()
	var offered []string
	all := reflect.TypeFor[activities.All]()
	for i := range all.NumField() {
		area := all.Field(i).Type
		for n := range area.NumMethod() {
			offered = append(offered, area.Method(n).Name)
		}
	}
	tried := map[string]bool{}
	for _, row := range deedsOfCases(uuid.Nil, uuid.Nil, uuid.Nil) {
		tried[row.activity] = true
	}
	for _, row := range makings() {
		tried[row.activity] = true
	}
	for _, activity := range append(ofDays(), ofChecks()...) {
		tried[activity] = true
	}
	require.ElementsMatch(t, offered, slices.Collect(maps.Keys(tried)))
}

// deedsOfCases are the rows of both editions.
func deedsOfCases(other, admin, reviewer uuid.UUID) []deed {
	return append(matrix(other, admin), regularMatrix(reviewer)...)
}

// farHour is an hour of Shanghai that no run of this test sees.
func farHour() string {
	return strconv.Itoa((clock.System{}.Now().In(clock.Shanghai).Hour() + 12) % 24)
}

// killed is one cell.
func killed(t *testing.T, w *world.World, row deed, point string) {
	t.Helper()
	queue := row.activity + row.variant + "-" + point
	settings := map[string]string{"VOLCARD_TEMPORAL_TASK_QUEUE": queue, "VOLCARD_TEST_KILL_POINT": row.activity + ":" + point}
	for k, v := range row.settings {
		settings[k] = v
	}
	victim := w.Worker(settings)
	if row.holder == "" {
		row.holder = "王𠮷"
	}
	if row.prepare == nil {
		row.prepare = func(_ *testing.T, w *world.World) *world.Case { return w.Accepted(row.holder, world.Ago(0)) }
	}
	c := row.prepare(t, w)
	process := w.Processes(queue)
	require.NoError(t, process.StartCardApplication(t.Context(), c.ID))

	pressed := make(chan error, 1)
	go func() { pressed <- press(t.Context(), w, process, c, row.decide) }()
	victim.WantEnd()
	victim.Without("VOLCARD_TEST_KILL_POINT").Start()
	if err := <-pressed; err != nil {
		for _, e := range w.History(world.RunID(c.ID)).GetEvents() {
			t.Logf("%d %s %s", e.GetEventId(), e.GetEventTime().AsTime(), e.GetEventType())
		}
		t.Fatalf("%v\n%s", err, w.Logs())
	}
	wantDone(t, w, row, c.ID)
	victim.Stop()
}

// killedAPI is the cell of production: the first card of a case is issued by the api that accepted it.
func killedAPI(t *testing.T, w *world.World, row deed, point string) {
	t.Helper()
	victim := w.API(map[string]string{
		"VOLCARD_TEMPORAL_TASK_QUEUE": "api-" + point, "VOLCARD_TEST_KILL_POINT": row.activity + ":" + point,
	})
	a := w.Somebody(w.Web(victim))
	if res, err := a.Send(victim); err == nil { // it may die before it has answered
		require.NoError(t, res.Body.Close())
	}
	victim.WantEnd()
	victim.Without("VOLCARD_TEST_KILL_POINT").Start()
	victim.Ready()
	id := a.SubmitAt(w, victim)
	require.Equal(t, []string{id.String()}, w.Texts("SELECT id::text FROM application WHERE person_id = $1", a.ID))
	wantDone(t, w, row, id)
	victim.Stop()
}

// wantDone waits until a case is where its row ends, and sees that every deed was done once.
func wantDone(t *testing.T, w *world.World, row deed, id uuid.UUID) {
	t.Helper()
	w.WantState(id, row.want)
	told := func() []string { return w.Told(id) }
	w.Until("its messages", func() bool { return len(told()) >= len(row.told) })
	status := enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	if !row.want.Live() && row.want != card.Collected {
		status = enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	}
	w.Until("the process is "+status.String(), func() bool {
		run, err := w.Engine().DescribeWorkflowExecution(t.Context(), world.RunID(id), "")
		return err == nil && run.GetWorkflowExecutionInfo().GetStatus() == status && run.GetPendingWorkflowTask() == nil
	})
	require.Equal(t, row.moves, w.Moves(id))
	require.Equal(t, row.told, told())
	require.Equal(t, row.booked, w.Booked(id))
	require.Equal(t, row.cards, w.Count("SELECT count(*) FROM card WHERE application_id = $1", id))
	w.WantReplayable(id)
}

// press does what people do: each decision when its time has come, and again where the page said
// that the system is busy. A case that has moved on by then tells so.
func press(ctx context.Context, w *world.World, process *workflows.Client, c *world.Case, decisions []decision) error {
	var err error
	for _, d := range decisions {
		world.Within(func() bool { return w.State(c.ID) == d.from })
		world.Within(func() bool {
			err = d.press(ctx, process, c)
			return err == nil || !fault.Is(err, fault.Unavailable)
		})
		if err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return nil
}
