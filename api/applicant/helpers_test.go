package applicant_test

import (
	"fmt"

	"github.com/gofrs/uuid/v5"
)

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// idNumber completes an ID number of the unassigned area 420199 for this birth date.
func idNumber(birth string) string {
	body := "420199" + birth + "001"
	sum := 0
	for i, weight := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(body[i]-'0') * weight
	}
	return fmt.Sprintf("%s%c", body, "10X98765432"[sum%11])
}
