package scorecard_test

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform/risk/scorecard"
)

// A merchant is scored on what its customers got, and can see why.
func ExampleDefinition_Score() {
	d := scorecard.Definition{
		Name: "quality", Version: 3, Floor: 50,
		Criteria: []scorecard.Criterion{
			{Name: "on_time", Weight: decimal.New(6, -1), Sample: 20, Curve: []scorecard.Point{
				{Value: decimal.New(8, -1)}, {Value: decimal.NewFromInt(1), Points: decimal.NewFromInt(100)},
			}},
			{Name: "complaints", Weight: decimal.New(4, -1), Sample: 20, Curve: []scorecard.Point{
				{Points: decimal.NewFromInt(100)}, {Value: decimal.New(1, -1)},
			}},
		},
		Bands: []scorecard.Band{{Grade: "good", From: decimal.NewFromInt(70)}, {Grade: "poor"}},
	}
	r, err := d.Score([]scorecard.Observation{
		{Criterion: "on_time", Hits: 188, N: 200},
		{Criterion: "complaints", Hits: 3, N: 200},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Score.Decimal, "between", r.Low, "and", r.High, r.Grade)
	for _, c := range r.Contributions {
		fmt.Println(c.Criterion, c.Value, "of", c.N, "is", c.Points, "points and adds", c.Share)
	}
	fmt.Println("for one who was poor:", d.Settled(r, "poor", "poor"))
	// Output:
	// 76 between 59.1129 and 84.571 good
	// on_time 0.94 of 200 is 70 points and adds 42
	// complaints 0.015 of 200 is 85 points and adds 34
	// for one who was poor: poor
}

// Points are learnt from cases whose end is known; new members cost more here.
func ExampleFit() {
	now := time.Date(2030, 3, 1, 0, 0, 0, 0, time.UTC)
	var rows []scorecard.Row
	for i := range 1000 {
		months := float64(i % 10)
		rows = append(rows, scorecard.Row{
			ID: fmt.Sprintf("order-%04d", i), At: now.Add(-time.Duration(1000-i) * time.Hour),
			Event: i%10 < 3 && i%4 > 0 || i%29 == 0, Numbers: map[string]float64{"months": months},
		})
	}
	model, report, err := scorecard.Fit(rows, scorecard.FitOptions{Until: now, Delay: 24 * time.Hour})
	if err != nil {
		fmt.Println(err)
		return
	}
	young := scorecard.Row{Numbers: map[string]float64{"months": 1}}
	old := scorecard.Row{Numbers: map[string]float64{"months": 9}}
	fmt.Println(model.Points(young) < model.Points(old), model.Reasons(young, 3), report.AUC.At > 0.75)
	// Output:
	// true [months] true
}
