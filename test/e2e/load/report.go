package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Report is what became of a run. Times are in milliseconds, and moments in seconds since Start.
type Report struct {
	Start   time.Time `json:"start"`
	Seconds float64   `json:"seconds"` // for which requests were sent

	Count       // of new, keepalive and slow requests, all targets together
	Apart Count `json:"apart"` // of those on idle and long-lived connections

	LateMS      float64        `json:"late_ms"` // that a request was started after its time, at most: the generator's own fault
	InFlightMax int            `json:"in_flight_max"`
	DNS         DNSReport      `json:"dns"`
	Targets     []TargetReport `json:"targets"`
	Examples    []Example      `json:"examples"` // the first failures
}

// Count is how many requests there were. Sent is more than the others' sum where the run ended amid a long answer.
type Count struct {
	Sent   int `json:"sent"`
	OK     int `json:"ok"`
	Failed int `json:"failed"`
}

func (c *Count) add(t *tally) {
	c.Sent += t.sent
	c.OK += t.ok
	c.Failed += t.failed
}

// DNSReport is of all lookups: one for each connection to a host that has a name.
type DNSReport struct {
	Lookups int       `json:"lookups"`
	Failed  int       `json:"failed"`
	MS      Quantiles `json:"ms"`
}

// TargetReport is of one target.
type TargetReport struct {
	Target
	Connects  int                   `json:"connects"` // that succeeded, slow ones among them
	ConnectMS Quantiles             `json:"connect_ms"`
	Classes   map[Class]ClassReport `json:"classes"`
}

// ClassReport is of one class of requests to one target.
type ClassReport struct {
	Count
	Kinds      map[Kind]int `json:"kinds,omitempty"`    // of failures
	AskedClose int          `json:"asked_close"`        // answers that said that the connection ends with them
	Closed     int          `json:"closed"`             // connections that the server ended between two requests
	Reopened   []Second     `json:"reopened,omitempty"` // connections that were opened in place of a lost one (idle and long)
	MS         Quantiles    `json:"ms"`                 // of what was ok, from when it was due; of slow requests without the delay asked for
}

// Second is how often something happened in one second of the run.
type Second struct {
	Second int `json:"second"`
	Count  int `json:"count"`
}

// Quantiles are those of a distribution, in milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Example is one failed request.
type Example struct {
	Due    float64 `json:"due"` // when it was to be sent, and
	Failed float64 `json:"failed"`
	Target string  `json:"target"`
	Class  Class   `json:"class"`
	Method string  `json:"method"`
	Path   string  `json:"path"`
	Kind   Kind    `json:"kind"`
	Cause  string  `json:"cause"`

	// Of the connection, if there was one: its ends, how many requests it had carried with this one, and its age in seconds.
	Remote string  `json:"remote,omitempty"`
	Local  string  `json:"local,omitempty"`
	Uses   int     `json:"uses,omitempty"`
	Age    float64 `json:"age,omitempty"`
}

func (e Example) String() string {
	s := fmt.Sprintf("%.3fs: %s to %s, %s %s, due at %.3fs: %s: %s",
		e.Failed, e.Class, e.Target, e.Method, e.Path, e.Due, e.Kind, e.Cause)
	if e.Remote != "" {
		s += fmt.Sprintf(" (%s from %s, request %d on it, %.3fs old)", e.Remote, e.Local, e.Uses, e.Age)
	}
	return s
}

func (r *recorder) example(j job, o outcome) Example {
	e := Example{
		Due: seconds(j.due.Sub(r.start)), Failed: seconds(time.Since(r.start)), Target: j.target.Name, Class: j.class,
		Method: j.method, Path: j.target.prefix + j.path, Kind: o.failure.kind, Cause: o.failure.cause,
	}
	if c := o.conn; c != nil {
		e.Remote, e.Local = c.RemoteAddr().String(), c.LocalAddr().String()
		e.Uses, e.Age = c.uses, seconds(time.Since(c.opened))
	}
	return e
}

func (r *recorder) totals() (sum, apart Count) {
	for _, t := range r.targets {
		for class, tally := range t.classes {
			if class.apart() {
				apart.add(tally)
			} else {
				sum.add(tally)
			}
		}
	}
	return sum, apart
}

func (r *recorder) report(cfg Config) Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	rep := Report{
		Start: r.start, Seconds: seconds(r.ended.Sub(r.start)), LateMS: ms(r.latest), InFlightMax: r.inAtMost,
		DNS:      DNSReport{Lookups: len(r.lookups), Failed: r.lookupsFailed, MS: quantiles(r.lookups)},
		Examples: append([]Example{}, r.examples...),
	}
	rep.Count, rep.Apart = r.totals()
	for i, t := range r.targets {
		tr := TargetReport{
			Target: cfg.Targets[i], Connects: len(t.connects), ConnectMS: quantiles(t.connects), Classes: map[Class]ClassReport{},
		}
		for class, tally := range t.classes {
			tr.Classes[class] = tally.report()
		}
		rep.Targets = append(rep.Targets, tr)
	}
	return rep
}

func (t *tally) report() ClassReport {
	c := ClassReport{Kinds: t.kinds, AskedClose: t.askedClose, Closed: t.closed, MS: quantiles(t.took)}
	c.add(t)
	for second, count := range t.reopened {
		c.Reopened = append(c.Reopened, Second{second, count})
	}
	slices.SortFunc(c.Reopened, func(a, b Second) int { return a.Second - b.Second })
	return c
}

// quantiles gives those of what was measured, by nearest rank.
func quantiles(all []time.Duration) Quantiles {
	if len(all) == 0 {
		return Quantiles{}
	}
	sorted := slices.Sorted(slices.Values(all))
	at := func(q float64) float64 { return ms(sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]) }
	return Quantiles{P50: at(0.5), P90: at(0.9), P99: at(0.99), Max: at(1)}
}

func ms(d time.Duration) float64      { return math.Round(float64(d)/1e4) / 100 }
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

// ReadReport finds the report in what a container printed: its last line that begins as one.
func ReadReport(output []byte) (Report, error) {
	for _, line := range slices.Backward(bytes.Split(output, []byte("\n"))) {
		if !bytes.HasPrefix(line, []byte(`{"start":`)) {
			continue
		}
		var r Report
		if err := json.Unmarshal(line, &r); err != nil {
			return Report{}, fmt.Errorf("report of the load: %w", err)
		}
		return r, nil
	}
	return Report{}, errors.New("no report of the load: it has not ended, or not by itself")
}
