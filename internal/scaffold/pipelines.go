package scaffold

import (
	"regexp"
	"strconv"
	"strings"
)

// pipeline is one of phial.yaml. What could not be told has a stand-in, and then the whole stands there as a comment.
type pipeline struct {
	Name        string
	Module      string
	Brokers     []string
	Group       string
	Topics      []string
	Concurrency int
	Known       bool
}

// AllKnown says whether any pipeline can be written as it is.
func (c *choices) AllKnown() bool {
	for _, p := range c.Pipelines {
		if !p.Known {
			return false
		}
	}
	return len(c.Pipelines) > 0
}

// kafka makes pipelines of Broadway's Kafka producers.
func (c *choices) kafka() {
	d, ok := c.p.Dep("broadway_kafka")
	if !ok {
		return
	}
	names, groups := map[string]bool{}, map[string]bool{}
	for _, f := range c.p.Pipelines {
		p := pipeline{Name: pipelineName(f.Module), Module: f.Module, Brokers: []string{"kafka:9092"}, Group: "GROUP", Topics: []string{"TOPIC"}, Known: true}
		for n := 2; names[p.Name]; n++ {
			p.Name = cut(pipelineName(f.Module), 17) + "-" + strconv.Itoa(n)
		}
		names[p.Name] = true
		var unknown []string
		if f.Topics.Known() {
			p.Topics = f.Topics.Value
		} else {
			unknown = append(unknown, "topics")
		}
		if f.Group.Known() {
			p.Group = f.Group.Value
		} else {
			unknown = append(unknown, "group_id")
		}
		if f.Brokers.Known() {
			p.Brokers = f.Brokers.Value
		} else {
			unknown = append(unknown, "hosts")
		}
		if f.Concurrency.Known() {
			p.Concurrency = f.Concurrency.Value
		}
		if len(unknown) > 0 {
			p.Known = false
			c.note(f.At, "could not tell %s of the pipeline %s: phial.yaml has places for them; then take the # off", list(unknown), f.Module)
		}
		if groups[p.Group] {
			p.Known = false
			c.finding(f.At, "the pipeline %s has the group %s of another one, and each would get part of the other's messages (KAF-08): give it its own", f.Module, p.Group)
		}
		groups[p.Group] = p.Known
		c.Pipelines = append(c.Pipelines, p)
	}
	if len(c.Pipelines) == 0 {
		c.Pipelines = []pipeline{{Name: "orders", Brokers: []string{"kafka:9092"}, Group: "GROUP", Topics: []string{"TOPIC"}}}
		c.note(d.At, "broadway_kafka is there and no pipeline that stands there literally: phial.yaml has an example, as a comment")
		return
	}
	c.note(c.p.Pipelines[0].At, "a pipeline's pods are told in PHIAL_PIPELINE which one to start; without it start none, or every replica consumes as well")
}

var words = regexp.MustCompile(`[A-Z]+[a-z0-9]*|[a-z0-9]+`)

// pipelineName makes orders of Shop.OrdersPipeline.
func pipelineName(module string) string {
	last := module[strings.LastIndex(module, ".")+1:]
	name := strings.ToLower(strings.Join(words.FindAllString(last, -1), "-"))
	for _, end := range []string{"-pipeline", "-broadway", "-consumer"} {
		name = strings.TrimSuffix(name, end)
	}
	if name = cut(name, 20); name == "" || name[0] < 'a' || name[0] > 'z' {
		return "pipeline"
	}
	return name
}

func cut(s string, n int) string {
	return strings.Trim(s[:min(n, len(s))], "-")
}
