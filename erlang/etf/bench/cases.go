package main

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/phialdev/phial/erlang/etf"
)

type benchCase struct {
	name  string
	value any
}

// cases are the kinds of terms that calls to a node are answered with.
func cases() []benchCase {
	return []benchCase{
		{"small tuple", etf.Tuple{etf.Atom("ok"), 42}},
		{"call", call()},
		{"badrpc", etf.Tuple{etf.Atom("badrpc"), etf.Tuple{etf.Atom("EXIT"), etf.Tuple{etf.Atom("undef"),
			etf.List{etf.Tuple{etf.Atom("tally"), etf.Atom("sum"), etf.List{1, 2}, etf.List{}}}}}}},
		{"50 atoms", atoms()},
		{"30 nodes", nodes()},
		{"which_applications", applications()},
		{"stats proplist", stats()},
		{"process info", processInfo()},
		{"40 pids", pids()},
		{"map of 8 atoms", smallMap()},
		{"map of 500 binaries", bigMap()},
		{"1000 integers", integers()},
		{"1000 floats", floats()},
		{"100 big integers", bigs()},
		{"200 binaries", binaries()},
		{"64 KiB binary", make([]byte, 64<<10)},
		{"text of 500", etf.Charlist(strings.Repeat("text ", 100))},
		{"nested config", config()},
	}
}

func call() any {
	me := etf.Pid{Node: "phial@127.0.0.1", ID: 91, Creation: 1700000000}
	ref := etf.Ref{Node: me.Node, Creation: me.Creation, Len: 3, Words: [5]uint32{1, 2, 3}}
	return etf.Tuple{etf.Atom("$gen_call"), etf.Tuple{me, ref}, etf.Tuple{etf.Atom("call"), etf.Atom("erlang"),
		etf.Atom("nodes"), etf.List{etf.Atom("connected")}, etf.Atom("user")}}
}

func atoms() (l etf.List) {
	for i := range 50 {
		l = append(l, etf.Atom([]string{"ok", "error", "kernel", "stdlib", "mnesia_schema"}[i%5]))
	}
	return l
}

func nodes() (l etf.List) {
	for i := range 30 {
		l = append(l, etf.Atom(fmt.Sprintf("shop@10.244.3.%d", i+1)))
	}
	return l
}

func applications() (l etf.List) {
	for _, a := range []string{"kernel", "stdlib", "compiler", "elixir", "logger", "crypto", "asn1", "public_key",
		"ssl", "inets", "telemetry", "plug", "phoenix", "ecto", "ecto_sql", "postgrex", "jason", "shop"} {
		l = append(l, etf.Tuple{etf.Atom(a), etf.Charlist("The application " + a), etf.Charlist("1.14.0")})
	}
	return l
}

func stats() (l etf.List) {
	for i, k := range []string{"total", "processes", "processes_used", "system", "atom", "atom_used", "binary", "code",
		"ets", "run_queue", "reductions", "uptime"} {
		l = append(l, etf.Tuple{etf.Atom(k), int64(37_123_456) << (3 * i)})
	}
	return l
}

func processInfo() any {
	return etf.List{
		etf.Tuple{etf.Atom("registered_name"), etf.Atom("shop_repo")},
		etf.Tuple{etf.Atom("current_function"), etf.Tuple{etf.Atom("gen_server"), etf.Atom("loop"), 7}},
		etf.Tuple{etf.Atom("status"), etf.Atom("waiting")},
		etf.Tuple{etf.Atom("message_queue_len"), 0},
		etf.Tuple{etf.Atom("links"), pids()[:5]},
		etf.Tuple{etf.Atom("dictionary"), etf.List{
			etf.Tuple{etf.Atom("$initial_call"), etf.Tuple{etf.Atom("shop_repo"), etf.Atom("init"), 1}},
			etf.Tuple{etf.Atom("$ancestors"), etf.List{etf.Atom("shop_sup"), pids()[6]}},
		}},
		etf.Tuple{etf.Atom("trap_exit"), true},
		etf.Tuple{etf.Atom("total_heap_size"), 1974},
		etf.Tuple{etf.Atom("reductions"), 81234},
		etf.Tuple{etf.Atom("garbage_collection"), etf.List{
			etf.Tuple{etf.Atom("max_heap_size"), etf.Map{{Key: etf.Atom("error_logger"), Value: true},
				{Key: etf.Atom("kill"), Value: true}, {Key: etf.Atom("size"), Value: 0}}},
			etf.Tuple{etf.Atom("min_heap_size"), 233},
			etf.Tuple{etf.Atom("fullsweep_after"), 65535},
		}},
	}
}

func pids() (l etf.List) {
	for i := range 40 {
		l = append(l, etf.Pid{Node: "shop@10.244.3.7", ID: uint32(100 + i), Creation: 1700000000})
	}
	return l
}

func smallMap() (m etf.Map) {
	for i, k := range []string{"id", "name", "state", "port", "host", "flags", "since", "weight"} {
		m = append(m, etf.Pair{Key: etf.Atom(k), Value: 1000 * i})
	}
	return m
}

func bigMap() (m etf.Map) {
	for i := range 500 {
		m = append(m, etf.Pair{
			Key:   fmt.Sprintf("session:%08d", i*7919),
			Value: etf.Tuple{etf.Atom("session"), i, "user@example.com", true},
		})
	}
	return m
}

func integers() (l etf.List) {
	for i := range 1000 {
		l = append(l, i*i*(1-i%2*2))
	}
	return l
}

func floats() (l etf.List) {
	for i := range 1000 {
		l = append(l, float64(i)*1.1)
	}
	return l
}

func bigs() (l etf.List) {
	for i := range 100 {
		l = append(l, new(big.Int).Lsh(big.NewInt(int64(i+1)), uint(60+3*i)))
	}
	return l
}

func binaries() (l etf.List) {
	for i := range 200 {
		l = append(l, fmt.Sprintf("order-%06d-%s", i, strings.Repeat("x", i%30)))
	}
	return l
}

func config() any {
	return etf.List{
		etf.Tuple{etf.Atom("Elixir.Shop.Repo"), etf.List{
			etf.Tuple{etf.Atom("adapter"), etf.Atom("Elixir.Ecto.Adapters.Postgres")},
			etf.Tuple{etf.Atom("pool_size"), 10},
			etf.Tuple{etf.Atom("hostname"), "db.internal.example.com"},
			etf.Tuple{etf.Atom("ssl"), true},
			etf.Tuple{etf.Atom("timeout"), 15000},
		}},
		etf.Tuple{etf.Atom("Elixir.ShopWeb.Endpoint"), etf.List{
			etf.Tuple{etf.Atom("url"), etf.List{etf.Tuple{etf.Atom("host"), "shop.example.com"}, etf.Tuple{etf.Atom("port"), 443},
				etf.Tuple{etf.Atom("scheme"), "https"}}},
			etf.Tuple{etf.Atom("http"), etf.List{etf.Tuple{etf.Atom("ip"), etf.Tuple{0, 0, 0, 0, 0, 0, 0, 0}},
				etf.Tuple{etf.Atom("port"), 4000}, etf.Tuple{etf.Atom("transport_options"), etf.List{
					etf.Tuple{etf.Atom("num_acceptors"), 100}, etf.Tuple{etf.Atom("max_connections"), etf.Atom("infinity")}}}}},
			etf.Tuple{etf.Atom("render_errors"), etf.Map{
				{Key: etf.Atom("formats"), Value: etf.List{"html", "json"}},
				{Key: etf.Atom("layout"), Value: false},
				{Key: etf.Atom("view"), Value: etf.Atom("Elixir.ShopWeb.ErrorView")},
			}},
			etf.Tuple{etf.Atom("pubsub_server"), etf.Atom("Elixir.Shop.PubSub")},
		}},
		etf.Tuple{etf.Atom("topologies"), etf.List{etf.Tuple{etf.Atom("k8s"), etf.List{
			etf.Tuple{etf.Atom("strategy"), etf.Atom("Elixir.Cluster.Strategy.Kubernetes.DNS")},
			etf.Tuple{etf.Atom("config"), etf.List{etf.Tuple{etf.Atom("service"), "shop-headless"},
				etf.Tuple{etf.Atom("application_name"), "shop"}, etf.Tuple{etf.Atom("polling_interval"), 5000}}},
		}}}},
	}
}
