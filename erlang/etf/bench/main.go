// Command bench measures this package's decoding and encoding against OTP's own binary_to_term/1 and
// term_to_binary/1 in one run: the same terms, the same bytes (those that OTP wrote), the two taking turns.
//
// Each side times a loop inside its own operating-system process; on the BEAM that is a compiled module's
// loop in a fresh Erlang process. Of all rounds the fastest counts, for both, as other load on the
// machine only ever adds time. A ratio above 1 means that this package is faster.
//
//	go run ./erlang/etf/bench [-erl "erl"] [-rounds N] [-batch 20ms]
package main

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/erlang/etf/internal/oracle"
)

//go:embed loop.erl
var loopSource string

func main() {
	erl := flag.String("erl", "erl", "the command that runs the BEAM, with any leading arguments")
	rounds := flag.Int("rounds", 15, "how often each side has its turn")
	batch := flag.Duration("batch", 10*time.Millisecond, "about how long a turn lasts")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	got, err := run(ctx, os.Stdout, strings.Fields(*erl), *rounds, *batch)
	if err == nil {
		err = got.judge()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// side is one of the two, doing one thing: it runs n turns and says how long they took.
type side func(n int) (time.Duration, error)

// result is the time of one turn, in nanoseconds.
type result struct {
	bytes                     int
	decode, fresh, otpDecode  float64
	encode, otpEncode, allocs float64
}

func run(ctx context.Context, out io.Writer, erl []string, rounds int, batch time.Duration) (got figures, err error) {
	// Schedulers that spin while they wait would take time from the other side.
	erl = append(erl[:len(erl):len(erl)], "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none")
	beam, err := oracle.Start(ctx, erl, loopSource)
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, beam.Close()) }()

	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "term\tbytes\tdecode ns\tOTP ns\tratio\tdecode, kept ns\tratio\tencode ns\tOTP ns\tratio\tallocs\t")
	var decode, fresh, encode mean
	var allocs float64
	for _, c := range cases() {
		r, err := measure(beam, c.value, rounds, batch)
		if err != nil {
			return got, fmt.Errorf("%s: %w", c.name, err)
		}
		allocs = max(allocs, r.allocs)
		fmt.Fprintf(w, "%s\t%d\t%.0f\t%.0f\t%.2f\t%.0f\t%.2f\t%.0f\t%.0f\t%.2f\t%.0f\t\n", c.name, r.bytes,
			r.decode, r.otpDecode, decode.add(r.otpDecode/r.decode), r.fresh, fresh.add(r.otpDecode/r.fresh),
			r.encode, r.otpEncode, encode.add(r.otpEncode/r.encode), r.allocs)
	}
	fmt.Fprintf(w, "geometric mean\t\t\t\t%.2f\t\t%.2f\t\t\t%.2f\t\t\n", decode.value(), fresh.value(), encode.value())
	return figures{map[string]mean{"decode": decode, "decode, kept": fresh}, encode, allocs}, w.Flush()
}

// figures are geometric means over all terms, and the most allocations for encoding one.
type figures struct {
	decode map[string]mean
	encode mean
	allocs float64
}

// What the package must reach: OTP's own speed where it decodes, 0.6 of it where it
// encodes, and no allocation for encoding.
const (
	leastDecode = 1.0
	leastEncode = 0.6
)

func (f figures) judge() error {
	var missed []error
	for name, m := range f.decode {
		if m.value() < leastDecode {
			missed = append(missed, fmt.Errorf("%s: %.2f times OTP's speed, must be at least %.1f", name, m.value(), leastDecode))
		}
	}
	if f.encode.value() < leastEncode {
		missed = append(missed, fmt.Errorf("encode: %.2f times OTP's speed, must be at least %.1f", f.encode.value(), leastEncode))
	}
	if f.allocs >= 1 {
		missed = append(missed, fmt.Errorf("encode: %.0f allocations for a term, must be none", f.allocs))
	}
	return errors.Join(missed...)
}

func measure(beam *oracle.BEAM, value any, rounds int, batch time.Duration) (r result, err error) {
	ours, err := etf.Marshal(value)
	if err != nil {
		return r, err
	}
	bytes, err := beam.Call([]byte("term "), ours)
	if err != nil {
		return r, err
	}
	r.bytes = len(bytes)
	if err := agree(ours, bytes); err != nil {
		return r, err
	}
	if r.allocs, err = encodeAllocs(value); err != nil {
		return r, err
	}
	sides := []struct {
		run  side
		best *float64
	}{
		{ourDecode(bytes), &r.decode}, {theirs(beam, "decode "), &r.otpDecode}, {ourFreshDecode(bytes), &r.fresh},
		{ourEncode(value), &r.encode}, {theirs(beam, "encode "), &r.otpEncode},
	}
	turns := make([]int, len(sides))
	for i, s := range sides {
		if turns[i], err = turnsFor(s.run, batch); err != nil {
			return r, err
		}
		*s.best = math.Inf(1)
	}
	for range rounds {
		for i, s := range sides {
			d, err := s.run(turns[i])
			if err != nil {
				return r, err
			}
			*s.best = min(*s.best, float64(d.Nanoseconds())/float64(turns[i]))
		}
	}
	return r, nil
}

// agree makes sure that both sides are about to read and write the same term.
func agree(ours, theirs []byte) error {
	a, err := etf.Decode(ours)
	if err != nil {
		return err
	}
	b, err := etf.Decode(theirs)
	if err != nil {
		return err
	}
	if !a.Equal(b) {
		return fmt.Errorf("OTP wrote another term: %v", b)
	}
	return nil
}

// turnsFor finds how many turns take about the time of a batch.
func turnsFor(s side, batch time.Duration) (int, error) {
	for n := 1; ; n *= 2 {
		d, err := s(n)
		if err != nil {
			return 0, err
		}
		if d >= batch/2 {
			return n, nil
		}
	}
}

// ourDecode is what a connection does: one Decoder, whose memory each term takes over from the last.
// The bytes are copied, so that their buffer is free at once.
func ourDecode(b []byte) side {
	d := etf.Decoder{Reuse: true}
	return func(n int) (time.Duration, error) {
		start := time.Now()
		for range n {
			if _, _, err := d.Decode(b); err != nil {
				return 0, err
			}
		}
		return time.Since(start), nil
	}
}

// ourFreshDecode gives a Term with memory of its own each time.
func ourFreshDecode(b []byte) side {
	return func(n int) (time.Duration, error) {
		start := time.Now()
		for range n {
			if _, err := etf.Decode(b); err != nil {
				return 0, err
			}
		}
		return time.Since(start), nil
	}
}

// encoder gives one turn of encoding v into a buffer that is kept.
func encoder(v any) func() error {
	var dst []byte
	return func() (err error) {
		dst, err = etf.Append(etf.AppendVersion(dst[:0]), v)
		return err
	}
}

func ourEncode(v any) side {
	turn := encoder(v)
	return func(n int) (time.Duration, error) {
		start := time.Now()
		for range n {
			if err := turn(); err != nil {
				return 0, err
			}
		}
		return time.Since(start), nil
	}
}

// encodeAllocs is how often encoding v allocates. The counter is the whole
// process's: what others allocate in one try is absent from the next, so the
// least of a few tries is encoding's own.
func encodeAllocs(v any) (float64, error) {
	const tries, turns = 5, 100
	turn := encoder(v)
	if err := turn(); err != nil { // the buffer grows here
		return 0, err
	}
	least := math.Inf(1)
	for range tries {
		before := mallocs()
		for range turns {
			if err := turn(); err != nil {
				return 0, err
			}
		}
		least = min(least, math.Floor(float64(mallocs()-before)/turns))
	}
	return least, nil
}

func theirs(beam *oracle.BEAM, what string) side {
	return func(n int) (time.Duration, error) {
		r, err := beam.Call([]byte(what), binary.BigEndian.AppendUint32(nil, uint32(n)))
		if err != nil {
			return 0, err
		}
		return time.Duration(binary.BigEndian.Uint64(r)), nil
	}
}

// mean is a geometric mean.
type mean struct {
	logs float64
	n    int
}

func (m *mean) add(v float64) float64 {
	m.logs += math.Log(v)
	m.n++
	return v
}

func (m mean) value() float64 { return math.Exp(m.logs / float64(m.n)) }
