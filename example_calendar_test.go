package platform_test

import (
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// A complaint that comes in on the eve of the holidays has four business hours
// for its first answer, and stands still while its author is asked something.
func ExampleCalendar() {
	office := "09:00-12:00, 13:00-18:00"
	desk, err := platform.Hours{
		Zone: "Asia/Shanghai",
		Week: [7]string{time.Monday: office, time.Tuesday: office, time.Wednesday: office, time.Thursday: office, time.Friday: office},
		Dates: map[string]string{
			"2025-10-01": "", "2025-10-02": "", "2025-10-03": "", "2025-10-06": "", "2025-10-07": "", "2025-10-08": "",
			"2025-10-11": "Friday", // make-up workday
		},
	}.Calendar()
	if err != nil {
		fmt.Println(platform.Code(err))
		return
	}
	received := time.Date(2025, 9, 30, 8, 0, 0, 0, time.UTC) // 16:00 in Shanghai
	due := desk.Add(received, 4*time.Hour)
	fmt.Println("answer by", due)

	asked, replied := received.Add(time.Hour), time.Date(2025, 10, 9, 3, 0, 0, 0, time.UTC)
	fmt.Println("after the pause", desk.Resume(due, asked, replied))
	fmt.Println("decide by", desk.AddDays(received, 3))
	// Output:
	// answer by 2025-10-09 03:00:00 +0000 UTC
	// after the pause 2025-10-09 07:00:00 +0000 UTC
	// decide by 2025-10-11 10:00:00 +0000 UTC
}
