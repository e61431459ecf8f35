package project

import (
	"strconv"
	"strings"

	"github.com/phialdev/phial/elixir/syntax"
)

// Pipeline is a Broadway module with a Kafka producer.
type Pipeline struct {
	Module      string
	Topics      Fact[[]string]
	Group       Fact[string]
	Brokers     Fact[[]string] // host:port; Unknown where they are computed, or stand for the developer's machine
	Concurrency Fact[int]
	At          Pos

	Producer   string // its module
	Options    Expr   // of the producer: group_config:, offset_commit_on_ack:, offset_reset_policy:, fetch_config:, ...
	Processors Expr   // by their names, each with concurrency:, max_demand:, partition_by:
	Batchers   Expr   // by their names, each with concurrency:, batch_size:, batch_timeout:, partition_by:
	Partition  Expr   // partition_by: for all of them
}

const kafkaProducer = "BroadwayKafka.Producer"

// broadways finds `producer: [module: {BroadwayKafka.Producer, [...]}, ...]`, and the same of other producers.
func (l *lookout) broadways(n *syntax.Node, f *frame) {
	if n.Kind != syntax.List {
		return
	}
	p := keyword(n, "producer")
	if p == nil {
		return
	}
	producer := f.reduce(p)
	m := producer.Get("module")
	if m.Kind != ExprTuple || len(m.Items) == 0 || m.Items[0].Value.Kind != ExprModule {
		return
	}
	found := Pipeline{Module: f.m.first(), At: m.At, Producer: m.Items[0].Value.Text}
	if len(m.Items) == 2 {
		found.Options = m.Items[1].Value
	}
	whole := func(key string) Expr {
		if v := keyword(n, key); v != nil {
			return f.reduce(v)
		}
		return Expr{}
	}
	found.Processors, found.Batchers, found.Partition = whole("processors"), whole("batchers"), whole("partition_by")
	if v := found.Options.Get("topics"); !v.Absent() {
		found.Topics = v.texts()
	}
	if v := found.Options.Get("group_id"); !v.Absent() {
		found.Group = v.str()
	}
	if v := found.Options.Get("hosts"); !v.Absent() {
		found.Brokers = brokers(v)
	}
	if v := producer.Get("concurrency"); !v.Absent() {
		found.Concurrency = unknown[int](v.At)
		if n, ok := v.AsInt(); ok {
			found.Concurrency = known(n, v.At)
		}
	}
	l.pipelines = append(l.pipelines, found)
}

// first is the module, or the first of its file for what stands in none.
func (m *module) first() string {
	for in := m; in != nil; in = in.parent {
		if in.name != "" {
			return in.name
		}
	}
	return ""
}

// texts gives a list of texts as a fact; an empty one says nothing.
func (e Expr) texts() Fact[[]string] {
	if e.Kind != ExprList || len(e.Items) == 0 {
		return unknown[[]string](e.At)
	}
	var all []string
	for _, i := range e.Items {
		if i.Keyed() || i.Value.Kind != ExprText {
			return unknown[[]string](e.At)
		}
		all = append(all, i.Value.Text)
	}
	return known(all, e.At)
}

// str gives a text as a fact.
func (e Expr) str() Fact[string] {
	if e.Kind != ExprText || strings.Contains(e.Text, "\n") {
		return unknown[string](e.At)
	}
	return known(e.Text, e.At)
}

// name gives an atom as a fact.
func (e Expr) name() Fact[string] {
	if e.Kind != ExprAtom && e.Kind != ExprModule || e.Nil() {
		return unknown[string](e.At)
	}
	return known(e.Text, e.At)
}

// brokers reads [kafka: 9092], [{"kafka", 9092}] and "kafka:9092,other:9092".
func brokers(e Expr) Fact[[]string] {
	var all []string
	switch e.Kind {
	case ExprText:
		all = strings.Split(e.Text, ",")
	case ExprList:
		for _, i := range e.Items {
			host, port := i.Key, i.Value
			if t := i.Value; !i.Keyed() && t.Kind == ExprTuple && len(t.Items) == 2 && t.Items[0].Value.Kind == ExprText {
				host, port = t.Items[0].Value.Text, t.Items[1].Value
			}
			if host == "" || port.Kind != ExprInteger {
				return unknown[[]string](e.At)
			}
			all = append(all, host+":"+port.Text)
		}
	}
	for i, b := range all {
		all[i] = strings.TrimSpace(b)
		host, port, ok := strings.Cut(all[i], ":")
		if _, err := strconv.ParseUint(port, 10, 16); !ok || err != nil || host == "" || host == "localhost" || strings.HasPrefix(host, "127.") {
			return unknown[[]string](e.At)
		}
	}
	if len(all) == 0 {
		return unknown[[]string](e.At)
	}
	return known(all, e.At)
}
