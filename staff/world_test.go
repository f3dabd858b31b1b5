package staff

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

var (
	monday   = utc("2026-03-02T00:00:00Z") // 08:00 in Shanghai, where most tests take place
	shanghai = place("Asia/Shanghai")
	berlin   = place("Europe/Berlin")

	desk = platform.Actor{ID: "opr_desk", Kind: platform.Operator}
)

func utc(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func place(name string) *time.Location {
	in, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return in
}

// id is a fixed id: same prefix and number, same id.
func id(prefix string, n uint64) platform.ID {
	return platform.NewID(prefix, monday, platform.Slot(n), n)
}

// member is an active member in Shanghai who works every day from 06:00 to
// 22:00 and can do massage at level 3.
func member(change ...func(*Member)) Member {
	m := Member{
		Head: platform.Head{ID: id("stf", 1)}, State: Active, Zone: id("zon", 1), TimeZone: "Asia/Shanghai",
		Skills: []Skill{{Code: "massage", Level: 3, Interval: Interval{From: monday.AddDate(0, -1, 0)}}},
		Shifts: []Shift{everyDay("06:00", "22:00")},
	}
	for _, c := range change {
		c(&m)
	}
	return m
}

func everyDay(starts, ends Clock) Shift {
	return Shift{Starts: starts, Ends: ends, First: "2026-01-01", Until: "2027-01-01"}
}

// hour is an interval of one hour from so many hours after monday.
func hour(after float64) Interval { return hours(after, 1) }

func hours(after, length float64) Interval {
	from := monday.Add(time.Duration(after * float64(time.Hour)))
	return Interval{From: from, Until: from.Add(time.Duration(length * float64(time.Hour)))}
}

// world is a service over an empty store with a clock that stands still.
type world struct {
	*Service
	db  *memory.DB
	w   platform.Writer
	now time.Time
	ctx context.Context
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{db: memory.New(Kinds(), nil), now: monday, ctx: platform.As(context.Background(), desk)}
	w.w = platform.Writer{Store: w.db, Now: func() time.Time { return w.now }}.Ready()
	w.Service = New(w.w, StoreOn(w.db), Ports{Sealer: newSealer(t)}, nil)
	return w
}

// zone is a live zone.
func (w *world) zone(t testing.TB, timeZone string) Zone {
	t.Helper()
	z, err := w.DraftZone(w.ctx, DraftZone{Name: "North", TimeZone: timeZone})
	require.NoError(t, err)
	z, err = w.PublishZone(w.ctx, PublishZone{Zone: z.ID})
	require.NoError(t, err)
	return z
}

// active is a member hired for the zone, at work from 06:00 to 22:00 every day.
func (w *world) active(t testing.TB, zone platform.ID) Member {
	t.Helper()
	m, err := w.Hire(w.ctx, Hire{Name: "N. N.", Zone: zone})
	require.NoError(t, err)
	_, err = w.Publish(w.ctx, Publish{Member: m.ID, Shifts: []Shift{everyDay("06:00", "22:00")}})
	require.NoError(t, err)
	m, err = w.Activate(w.ctx, Activate{Member: m.ID})
	require.NoError(t, err)
	return m
}

// book is a command that does nothing but take work.
type book struct{ Member platform.ID }

// book commits what Vouch answers.
func (w *world) book(m platform.ID, work Interval) error {
	_, err := platform.Update(w.ctx, w.w, book{m}, func(ctx context.Context) (string, []platform.Change, error) {
		changes, err := w.Duty().Vouch(ctx, nil, work.From, work.Until, m)
		return "", append(changes, platform.Happened("test.booked", of(m), nil)), err
	})
	return err
}

func booked(m platform.ID, work Interval) Booked {
	return Booked{Staff: m, From: work.From, Until: work.Until}
}

func (w *world) unbook(m platform.ID, work Interval) error {
	_, err := platform.Update(w.ctx, w.w, book{m}, func(ctx context.Context) (string, []platform.Change, error) {
		changes, err := w.Duty().Unbook(ctx, booked(m, work))
		return "", append(changes, platform.Happened("test.unbooked", of(m), nil)), err
	})
	return err
}

// sealer seals with AES-GCM under a key of its own, bound to the place.
type sealer struct{ cipher.AEAD }

func newSealer(t testing.TB) sealer {
	t.Helper()
	key := make([]byte, 32)
	_, err := rand.Read(key)
	require.NoError(t, err)
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(t, err)
	return sealer{gcm}
}

func (s sealer) Seal(_ context.Context, at platform.Place, plain string) (platform.Sealed, error) {
	nonce := make([]byte, s.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return s.AEAD.Seal(nonce, nonce, []byte(plain), []byte(fmt.Sprint(at))), nil
}

func (s sealer) Blind(context.Context, string, string) (string, error) { return "", nil }
