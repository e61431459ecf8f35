package advise

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// What an expert would say of apps as teams have them.
func TestJudgement(t *testing.T) {
	for _, c := range []struct {
		project, answers string
		way              Way
		confidence       Confidence
	}{
		{"api", "", Stateless, High},
		{"api", "traffic=none kubernetes=yes", Stateless, High},
		{"session", "", Stateless, Low},          // a cookie would make it one
		{"api", "traffic=heavy", Clustered, Low}, // the answer against what was seen
		{"umbrella", "traffic=heavy", Clustered, Low},
		{"ingest", "traffic=heavy", Pipelines, Low},
		{"broadcast", "", Clustered, Medium}, // unless nodes say nothing to one another after all
		{"broadcast", "traffic=some", Clustered, High},
		{"broadcast", "traffic=none", Stateless, Low}, // though it sends messages
		{"redis", "", Stateless, High},
		{"live", "", Clustered, High},
		{"channel", "", Clustered, Medium},
		{"calls", "", Clustered, Medium},
		{"ingest", "", Pipelines, High},
		{"ingest", "nodes=varying traffic=none latency=relaxed regions=1 zones=3 kubernetes=yes", Pipelines, High},
		{"oban", "", Stateless, High},
		{"obanpg", "", Clustered, Medium},
		{"platform", "", Clustered, Medium},
		{"platform", "nodes=varying", Clustered, High},
		{"platform", "nodes=fixed count=3 traffic=heavy", Machines, High},
	} {
		t.Run(c.project+" "+c.answers, func(t *testing.T) {
			got := Advise(facts(t, c.project), answers(t, c.answers))
			if got.Recommended != c.way || got.Confidence != c.confidence {
				t.Errorf("%q, confidence %s; want %q, %s\n%s", got.Recommended, got.Confidence, c.way, c.confidence, scores(got))
			}
		})
	}
}

// Each place is a line in which what was seen there stands.
func TestPlacesHoldWhatWasSeen(t *testing.T) {
	for _, name := range cases(t) {
		a, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		lines := map[string][]string{}
		for _, f := range a.Files {
			lines[f.Name] = strings.Split(string(f.Data), "\n")
		}
		for _, s := range facts(t, name).Seen {
			for _, p := range s.At {
				if p.Line == 0 {
					continue // a file as a whole
				}
				if line := lines[p.File][p.Line-1][p.Col-1:]; !strings.Contains(line, mark(s.What)) {
					t.Errorf("%s: %s at %s, where stands %q", name, s.What, p, line)
				}
			}
		}
	}
}

// mark is what has to stand in a line for something to be seen in it.
func mark(what string) string {
	words := strings.Fields(what)
	switch {
	case strings.HasPrefix(what, "a port is read"):
		return "PORT"
	case what == "a channel":
		return "hannel"
	case strings.HasPrefix(what, "a pipeline"):
		return "BroadwayKafka"
	case strings.HasPrefix(what, "sessions"):
		return ":ets"
	case strings.HasPrefix(what, "libcluster's"):
		return strings.TrimSuffix(words[1], ",")
	case strings.HasPrefix(what, "dns_cluster is"):
		return "DNSCluster"
	case strings.HasPrefix(what, "Oban is"):
		return words[len(words)-1]
	}
	return words[0][strings.LastIndexByte(words[0], '.')+1:]
}

// What ties replicas is seen in each line that does.
func TestTies(t *testing.T) {
	for _, c := range []struct {
		project string
		signal  Signal
		want    []string
	}{
		{"broadcast", broadcast, []string{
			"Phoenix.PubSub.broadcast! in the code: lib/shop/feed.ex:3:5", "Phoenix.PubSub.subscribe in the code: lib/shop/feed.ex:6:22",
			"ShopWeb.Endpoint.subscribe in the code: lib/shop_web/price_live.ex:5:5"}},
		{"broadcast", nothingShared, nil},
		{"broadcast", pubsub, nil}, // the messages say more
		{"redis", broadcast, nil},
		{"redis", redisPubSub, []string{"Phoenix.PubSub.Redis is set up: lib/shop/application.ex:5:73", "phoenix_pubsub_redis among the dependencies: mix.exs:15:7"}},
		{"live", broadcast, []string{"Phoenix.PubSub.broadcast in the code: lib/room/chat.ex:4:22", "Phoenix.PubSub.subscribe in the code: lib/room/chat.ex:5:19"}},
		{"channel", broadcast, []string{"PingWeb.Endpoint.broadcast! in the code: lib/ping/news.ex:2:23", "a channel: lib/ping_web/room_channel.ex:2:3"}},
		{"calls", remoteCalls, []string{
			"GenServer.call in the code: lib/relay/calls.ex:3:22", "send in the code: lib/relay/calls.ex:4:29",
			":erpc.call in the code: lib/relay/calls.ex:5:22", "GenServer.multi_call in the code: lib/relay/calls.ex:6:18"}},
		{"obanpg", pg, []string{"Oban is told to notify by Oban.Notifiers.PG: lib/mailer/application.ex:5:97"}},
		{"platform", global, []string{":global in the code: apps/core/lib/core/leader.ex:2:71"}},
		{"ingest", database, []string{"ecto_sql among the dependencies: mix.exs:16:7", "postgrex among the dependencies: mix.exs:17:7"}},
		{"ingest", kafkaClient, nil}, // it reads: that was seen
	} {
		var got []string
		for _, s := range facts(t, c.project).sorted() {
			if s.Signal == c.signal {
				var at []string
				for _, p := range s.At {
					at = append(at, p.String())
				}
				got = append(got, s.What+": "+strings.Join(at, ", "))
			}
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s (-want +got):\n%s", c.project, c.signal, d)
		}
	}
}

// An app without HTTP is told nothing of an ingress, and one that does nothing but read Kafka is no stateless one.
func TestWithoutHTTP(t *testing.T) {
	for _, name := range []string{"oban", "ingest", "kafka"} {
		adv := Advise(facts(t, name), Answers{})
		for _, v := range adv.Ways {
			if strings.Contains(v.Title, "ingress") {
				t.Errorf("%s: %s", name, v.Title)
			}
		}
		for _, c := range adv.Changes {
			if c.To == Stateless && name != "oban" && strings.HasPrefix(c.Flag, "--") {
				t.Errorf("%s: %s makes it stateless", name, c.Flag)
			}
		}
	}
}

// What would complete a pattern is told before anybody has answered, and makes the confidence less.
func TestPatternIsTold(t *testing.T) {
	const flags = "--nodes fixed --count 3 --traffic heavy"
	for _, c := range []struct {
		project, answers, want string
	}{
		{"platform", "", flags},
		{"platform", "count=5", "--nodes fixed --traffic heavy"},
		{"platform", "traffic=some", ""},
		{"platform", "count=20", ""},
		{"live", "", ""},
	} {
		i := slices.IndexFunc(Advise(facts(t, c.project), answers(t, c.answers)).Changes, func(c Change) bool { return strings.Count(c.Flag, "--") > 1 })
		got := ""
		if i >= 0 {
			got = Advise(facts(t, c.project), answers(t, c.answers)).Changes[i].Flag
		}
		if got != c.want {
			t.Errorf("%s %s: %q, want %q", c.project, c.answers, got, c.want)
		}
	}
}

// An answer that what was seen speaks against is told, and believed with little confidence.
func TestDoubt(t *testing.T) {
	for _, c := range []struct{ project, answers, want string }{
		{"api", "", ""},
		{"api", "traffic=none", ""},
		{"api", "traffic=some", "nothing seen lets them"},
		{"broadcast", "traffic=none", "Phoenix.PubSub.broadcast! in the code"},
		{"broadcast", "traffic=heavy", ""},
		{"computed", "traffic=heavy", ""}, // there may be what was not seen
	} {
		adv := Advise(facts(t, c.project), answers(t, c.answers))
		if (adv.Doubt == "") != (c.want == "") || !strings.Contains(adv.Doubt, c.want) || c.want != "" && adv.Confidence != Low {
			t.Errorf("%s %s: %q, confidence %s; want %q", c.project, c.answers, adv.Doubt, adv.Confidence, c.want)
		}
	}
}

// What a stateless app would lose between replicas is said with what to do about it.
func TestNextOfStateless(t *testing.T) {
	for _, c := range []struct{ project, answers, want string }{
		{"session", "", "jobs of a scheduler"},
		{"session", "", "sessions stay"},
		{"broadcast", "traffic=none", "messages reach"},
	} {
		f := facts(t, c.project)
		adv := Advise(f, answers(t, c.answers))
		if adv.Recommended != Stateless || !slices.ContainsFunc(Next(f, adv, ""), func(s Step) bool { return strings.HasPrefix(s.Text, c.want) }) {
			t.Errorf("%s %s: %s, %v; want %s", c.project, c.answers, adv.Recommended, Next(f, adv, ""), c.want)
		}
	}
}
