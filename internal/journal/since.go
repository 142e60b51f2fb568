package journal

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Since is from where on rows are told: from a time, or behind the rows of an earlier Page. The
// zero value is no limit.
type Since struct {
	time   time.Time
	ticket string // of the last row told; "" for a plain time
	told   uint64 // digest of the rows in the margin before it, itself included
}

// IsZero reports whether nothing is left out.
func (s Since) IsZero() bool { return s.time.IsZero() }

// Time is the moment from which on rows are told.
func (s Since) Time() time.Time { return s.time }

// IsCursor reports whether it is where a page ended, and not a plain time.
func (s Since) IsCursor() bool { return s.ticket != "" }

// SinceTime tells the rows from t on.
func SinceTime(t time.Time) Since { return Since{time: t} }

// margin is how far before a cursor a row may still arrive: a writer takes its row's time and then
// appends it, and may be stopped between the two.
const margin = 10 * time.Second

// times are the forms of a point in time. One without a date is of the last 24 hours.
var times = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05",
	"2006-01-02 15:04", time.DateOnly, time.TimeOnly, "15:04",
}

// ParseSince reads a point in time, in the zone of now unless it names one, how long ago it was
// (90m, 8h, 2d, 1w), or the cursor of a Page.
func ParseSince(text string, now time.Time) (Since, error) {
	text = strings.TrimSpace(text)
	if s, ok := parseCursor(text); ok {
		return s, nil
	}
	if ago, ok := parseAgo(text); ok {
		return SinceTime(now.Add(-ago)), nil
	}
	for _, form := range times {
		t, err := time.ParseInLocation(form, text, now.Location())
		if err != nil {
			continue
		}
		if t.Year() == 0 { // no date was given
			t = time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0,
				now.Location())
			if t.After(now) {
				t = t.AddDate(0, 0, -1)
			}
		}
		return SinceTime(t), nil
	}
	return Since{}, fmt.Errorf("%q is no time (18:00, 2026-01-04, 2026-01-04T18:00:00Z), "+
		"no duration (90m, 8h, 2d) and no cursor", text)
}

func parseAgo(text string) (time.Duration, bool) {
	for suffix, unit := range map[string]time.Duration{"d": 24 * time.Hour,
		"w": 7 * 24 * time.Hour} {
		if number, found := strings.CutSuffix(text, suffix); found {
			n, err := strconv.ParseUint(number, 10, 16)
			return time.Duration(n) * unit, err == nil
		}
	}
	ago, err := time.ParseDuration(text)
	return ago, err == nil && ago >= 0
}

// String is the form that ParseSince reads.
func (s Since) String() string {
	if s.ticket == "" {
		return s.time.Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("c%d-%x-%s", s.time.UnixNano(), s.told, s.ticket)
}

func parseCursor(text string) (Since, bool) {
	parts := strings.SplitN(text, "-", 3)
	if len(parts) != 3 || !strings.HasPrefix(parts[0], "c") || parts[2] == "" {
		return Since{}, false
	}
	nanos, err := strconv.ParseInt(parts[0][1:], 10, 64)
	if err != nil {
		return Since{}, false
	}
	told, err := strconv.ParseUint(parts[1], 16, 64)
	return Since{time.Unix(0, nanos).UTC(), parts[2], told}, err == nil
}
