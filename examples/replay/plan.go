package main

import (
	"slices"
	"time"
)

// statuses that the dataset has, each with how far its records must reach.
var reaches = map[string]int{
	"created": placedStep, "canceled": placedStep, "unavailable": placedStep,
	"approved": paidStep, "invoiced": paidStep, "processing": paidStep,
	"shipped": startedStep, "delivered": deliveredStep,
}

// The steps of an order; each needs those before it.
const (
	placedStep = iota
	paidStep
	startedStep
	deliveredStep
)

var stepNames = [...]string{"purchase", "approved", "carrier", "delivered"}

// plan is when the steps of an order are played; zero for one that is not.
type plan struct {
	at        [4]time.Time // by step
	cancelled time.Time
	found     []Finding
}

// plan derives the moments of the steps from what the records say. A step that
// must have happened and has no moment is played at the next one known, the
// delivery at its estimate, and is a finding.
func (s *sale) plan() plan {
	said := [...]time.Time{s.purchased, s.approved, s.carried, s.delivered}
	p := plan{at: said}
	reach, known := reaches[s.status]
	if !known {
		p.note("order.unknown_status", s, s.status)
	}
	dated := 0
	for step, at := range said {
		if !at.IsZero() {
			dated = step
		}
	}
	switch {
	case s.status == "canceled" && dated == deliveredStep:
		p.note("cancelled.after_delivery", s, "")
	case known && s.status != "canceled" && s.status != "unavailable" && dated > max(reach, paidStep):
		p.note("status.behind_dates", s, s.status+", "+stepNames[dated])
	}
	reach = max(reach, dated)
	if p.at[placedStep].IsZero() {
		p.note("purchase.no_date", s, "")
		p.at[placedStep] = s.earliest()
	}
	for step := reach; step > placedStep; step-- {
		if !p.at[step].IsZero() {
			continue
		}
		p.note(stepNames[step]+".no_date", s, "")
		p.at[step] = s.instead(p, step)
	}
	p.order(said, s)
	if s.status == "canceled" {
		p.cancelled = slices.MaxFunc(p.at[:], time.Time.Compare)
	}
	return p
}

// earliest is the first moment that an order has; zero when it has none.
func (s *sale) earliest() (first time.Time) {
	for _, at := range []time.Time{s.approved, s.carried, s.delivered, s.estimated} {
		if first.IsZero() || !at.IsZero() && at.Before(first) {
			first = at
		}
	}
	return first
}

// instead is when a step without a moment is played.
func (s *sale) instead(p plan, step int) time.Time {
	if step == deliveredStep && !s.estimated.IsZero() {
		return s.estimated
	}
	if step < deliveredStep && !p.at[step+1].IsZero() {
		return p.at[step+1]
	}
	return slices.MaxFunc(p.at[:step], time.Time.Compare)
}

// order notes which moments do not follow the one before them.
func (p *plan) order(said [4]time.Time, s *sale) {
	before := -1
	for step, at := range said {
		if at.IsZero() {
			continue
		}
		if before >= 0 && at.Before(said[before]) {
			p.note(stepNames[step]+".before_"+stepNames[before], s, said[before].Sub(at).String())
		}
		before = step
	}
}

func (p *plan) note(code string, s *sale, detail string) {
	p.found = append(p.found, Finding{Code: code, About: "order/" + s.id, Detail: detail})
}
