package metrics

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	var m Text
	m.Gauge("phial_gate_open", "Whether the gate is open.", Bool(true))
	m.Counter("phial_agent_worker_restarts_total", "How often the worker was started again.", Value(3))
	m.Gauge("phial_links", "Links by \\ state\nand peer.", Value(1, "peer", `a"b\c`+"\n", "state", "up"), Value(0.5, "state", "down", "peer", "\xff"))
	m.Gauge("phial_odd", "All the odd values.", Value(math.NaN(), "v", "nan"), Value(math.Inf(1), "v", "inf"), Value(math.Inf(-1), "v", "-inf"), Value(1e300, "v", "big"))
	m.Gauge("phial_none", "Nothing is known.")
	want := `# HELP phial_gate_open Whether the gate is open.
# TYPE phial_gate_open gauge
phial_gate_open 1
# HELP phial_agent_worker_restarts_total How often the worker was started again.
# TYPE phial_agent_worker_restarts_total counter
phial_agent_worker_restarts_total 3
# HELP phial_links Links by \\ state\nand peer.
# TYPE phial_links gauge
phial_links{peer="a\"b\\c\n",state="up"} 1
phial_links{state="down",peer="�"} 0.5
# HELP phial_odd All the odd values.
# TYPE phial_odd gauge
phial_odd{v="nan"} NaN
phial_odd{v="inf"} +Inf
phial_odd{v="-inf"} -Inf
phial_odd{v="big"} 1e+300
`
	if err := m.Err(); err != nil {
		t.Error(err)
	}
	if got := string(m.Bytes()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := parse(m.Bytes()); err != nil {
		t.Error(err)
	}
}

func TestTextRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, says string
		add        func(*Text)
	}{
		{"a name", "no name of a metric", func(m *Text) { m.Gauge("0abc", "Help.", Value(1)) }},
		{"no name", "no name of a metric", func(m *Text) { m.Gauge("", "Help.", Value(1)) }},
		{"no help", "no help", func(m *Text) { m.Gauge("a", " ", Value(1)) }},
		{"a counter's name", "_total", func(m *Text) { m.Counter("a", "Help.", Value(1)) }},
		{"a gauge's name", "_total", func(m *Text) { m.Gauge("a_total", "Help.", Value(1)) }},
		{"a unit", "base unit", func(m *Text) { m.Gauge("a_ms", "Help.", Value(1)) }},
		{"a counter's unit", "base unit", func(m *Text) { m.Counter("a_minutes_total", "Help.", Value(1)) }},
		{"a falling counter", "no less than 0", func(m *Text) { m.Counter("a_total", "Help.", Value(-1)) }},
		{"a counter of nothing", "no less than 0", func(m *Text) { m.Counter("a_total", "Help.", Value(math.NaN())) }},
		{"half a label", "no value", func(m *Text) { m.Gauge("a", "Help.", Value(1, "x")) }},
		{"a label's name", "no name of a label", func(m *Text) { m.Gauge("a", "Help.", Value(1, "x:y", "z")) }},
		{"a reserved label", "no name of a label", func(m *Text) { m.Gauge("a", "Help.", Value(1, "__x", "z")) }},
		{"a label twice", "twice", func(m *Text) { m.Gauge("a", "Help.", Value(1, "x", "1", "x", "2")) }},
		{"the same labels", "same labels", func(m *Text) { m.Gauge("a", "Help.", Value(1, "x", "1", "y", "2"), Value(2, "y", "2", "x", "1")) }},
		{"no labels twice", "same labels", func(m *Text) { m.Gauge("a", "Help.", Value(1), Value(2)) }},
		{"a family twice", "one already", func(m *Text) { m.Gauge("ok", "Help.", Value(2)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var m Text
			m.Gauge("ok", "Help.", Value(1))
			tt.add(&m)
			if err := m.Err(); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("says %v, want %q", err, tt.says)
			}
			if got := string(m.Bytes()); got != "# HELP ok Help.\n# TYPE ok gauge\nok 1\n" {
				t.Errorf("what was refused left\n%s", got)
			}
		})
	}
}

// Whatever is written, a strict reader takes it and gets back what was put in.
func FuzzText(f *testing.F) {
	f.Add("phial_links", "Links.", 1.5, "peer", "shop@10.0.0.7")
	f.Add("a", "\\\n\"", math.Inf(-1), "l", "\\\n\"")
	f.Add("a:b", "\xff", math.NaN(), "", "\xff\x00\r")
	f.Fuzz(func(t *testing.T, name, help string, v float64, label, value string) {
		var m Text
		m.Gauge(name, help, Value(v, label, value), Value(v, label, value+"x"))
		m.Gauge("after", "Comes after.", Value(1))
		if err := parse(m.Bytes()); err != nil {
			t.Fatalf("%v in\n%s", err, m.Bytes())
		}
		if m.Err() != nil {
			return
		}
		got := regexp.MustCompile(`(?s)^[^\n]*\n[^\n]*\n[^{]*\{[^=]*="((?:[^"\\]|\\.)*)"\}`).FindSubmatch(m.Bytes())
		if got == nil {
			t.Fatalf("no first label in\n%s", m.Bytes())
		}
		back := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\"`, `"`).Replace(string(got[1]))
		if want := strings.ToValidUTF8(value, "\uFFFD"); back != want {
			t.Errorf("label %q came back as %q", want, back)
		}
	})
}

var (
	helpLine   = regexp.MustCompile(`^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ((?:[^\\]|\\\\|\\n)+)$`)
	typeLine   = regexp.MustCompile(`^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (gauge|counter)$`)
	sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\\\|\\n|\\")*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\\\|\\n|\\")*")*\})? (\S+)$`)
)

// parse takes the text format as strictly as its description reads: each family once,
// HELP, TYPE and samples in this order, and every line ends.
func parse(text []byte) error {
	if !utf8.Valid(text) {
		return fmt.Errorf("it is no UTF-8")
	}
	if len(text) == 0 {
		return nil
	}
	if text[len(text)-1] != '\n' {
		return fmt.Errorf("the last line has no end")
	}
	var family, typ string
	families, samples := map[string]bool{}, map[string]bool{}
	for n, line := range strings.Split(string(text[:len(text)-1]), "\n") {
		bad := func(what string) error { return fmt.Errorf("line %d: %s: %q", n+1, what, line) }
		switch {
		case strings.HasPrefix(line, "# HELP "):
			m := helpLine.FindStringSubmatch(line)
			if m == nil || families[m[1]] {
				return bad("no HELP, or a second one")
			}
			family, typ = m[1], ""
			families[family] = true
		case strings.HasPrefix(line, "# TYPE "):
			m := typeLine.FindStringSubmatch(line)
			if m == nil || m[1] != family || typ != "" {
				return bad("no TYPE of the family")
			}
			typ = m[2]
		default:
			m := sampleLine.FindStringSubmatch(line)
			if m == nil || m[1] != family || typ == "" || samples[m[1]+m[2]] {
				return bad("no sample of the family")
			}
			samples[m[1]+m[2]] = true
			if _, err := strconv.ParseFloat(m[3], 64); err != nil {
				return bad(err.Error())
			}
		}
	}
	return nil
}

func TestParserIsStrict(t *testing.T) {
	for _, bad := range []string{
		"a 1\n", "# HELP a x\na 1\n", "# HELP a x\n# TYPE a gauge\na 1", "# HELP a x\n# TYPE a gauge\nb 1\n",
		"# HELP a x\n# TYPE a gauge\na 1\na 2\n", "# HELP a x\n# TYPE a gauge\na{x=\"\\q\"} 1\n",
		"# HELP a x\n# TYPE a gauge\na one\n", "\n", "# HELP a x\n# TYPE a gauge\na 1\n# HELP a x\n", "\xff\n",
	} {
		if parse([]byte(bad)) == nil {
			t.Errorf("takes %q", bad)
		}
	}
}

func BenchmarkText(b *testing.B) {
	for b.Loop() {
		var m Text
		m.Gauge("phial_gate_open", "Whether the gate is open.", Bool(true))
		m.Gauge("phial_links", "Links.", Value(1, "peer", "shop@10.0.0.7"), Value(1, "peer", "shop@10.0.0.8"))
	}
}
