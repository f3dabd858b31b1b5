package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Envelope writes events as they leave the platform: CloudEvents 1.0 in its JSON
// format. Personal data in an event is sealed already, and the actor goes by its
// id, which is a pseudonym.
type Envelope struct {
	Source string // URI of the platform, as in https://market.example; if empty, /platform
	Schema string // URI before the event's type in dataschema; if empty, there is none
}

// ContentType is that of what [Envelope.Wrap] writes.
const ContentType = "application/cloudevents+json; charset=utf-8"

// cloudEvent is the context of CloudEvents 1.0 §3.1, our extensions, and data.
type cloudEvent struct {
	SpecVersion    string          `json:"specversion"`
	ID             platform.ID     `json:"id"`
	Source         string          `json:"source"`
	Type           string          `json:"type"`
	Subject        string          `json:"subject,omitempty"`
	Time           string          `json:"time"`
	Slot           platform.Slot   `json:"slot"`
	SubjectVersion int64           `json:"subjectversion,omitempty"`
	Actor          platform.ID     `json:"actor,omitempty"`
	DataSchema     string          `json:"dataschema,omitempty"`
	ContentType    string          `json:"datacontenttype,omitempty"`
	Data           json.RawMessage `json:"data,omitempty"`
}

// Wrap is the event in its envelope. The extensions are slot, where its subject
// lives; subjectversion, by which a subject's events are ordered; and actor. It
// fails with ErrInvalid when the event's data are no JSON.
func (v Envelope) Wrap(e platform.Event) ([]byte, error) {
	c := cloudEvent{
		SpecVersion: "1.0", ID: e.ID, Source: v.Source, Type: e.Type, Subject: e.Subject.String(), Time: e.At.UTC().Format(time.RFC3339Nano),
		Slot: e.ID.Slot(), SubjectVersion: e.Version, Actor: e.Actor.ID, Data: e.Data,
	}
	if c.Source == "" {
		c.Source = "/platform"
	}
	if len(e.Data) > 0 {
		c.ContentType = "application/json"
		if v.Schema != "" {
			c.DataSchema = v.Schema + e.Type
		}
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("wrap event %s: %w", e.ID, platform.ErrInvalid)
	}
	return raw, nil
}
