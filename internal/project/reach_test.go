package project

import (
	"slices"
	"testing"
	"testing/fstest"
)

// What reaches other nodes is noted as a call, and what stays on one is not.
func TestCallsThatReachOtherNodes(t *testing.T) {
	for _, c := range []struct{ code, want string }{
		{`Phoenix.PubSub.broadcast!(A.PubSub, "t", 1)`, "Phoenix.PubSub.broadcast!"},
		{`alias Phoenix.PubSub
    PubSub.subscribe(A.PubSub, "t")`, "Phoenix.PubSub.subscribe"},
		{`A.PubSub |> Phoenix.PubSub.broadcast_from(self(), "t", 1)`, "Phoenix.PubSub.broadcast_from"},
		{`Phoenix.PubSub.local_broadcast(A.PubSub, "t", 1)`, ""},
		{`AWeb.Endpoint.broadcast("t", "e", %{})`, "AWeb.Endpoint.broadcast"},
		{`AWeb.Endpoint.url()`, ""},
		{`:rpc.multicall(A, :f, [])`, ":rpc.multicall"},
		{`:erpc.call(n, A, :f, [])`, ":erpc.call"},
		{`:pg.join(:s, self())`, ":pg.join"},
		{`Node.list()`, "Node.list"},
		{`Node.self()`, ""},
		{`Node.spawn(n, A, :f, [])`, "Node.spawn"},
		{`GenServer.multi_call(A, 1)`, "GenServer.multi_call"},
		{`GenServer.call({A, n}, 1)`, "GenServer.call"},
		{`GenServer.cast({A, :"a@b"}, 1)`, "GenServer.cast"},
		{`GenServer.call(A, {1, 2})`, ""},
		{`GenServer.call({:via, Registry, {A, 1}}, 1)`, ""},
		{`GenServer.call({:global, A}, 1)`, ""}, // :global is noted as a name
		{`send({A, n}, 1)`, "send"},
		{`send(pid, {1, 2})`, ""},
		{`Task.Supervisor.async({A.Tasks, n}, fn -> 1 end)`, "Task.Supervisor.async"},
		{`DynamicSupervisor.start_child({A.Rooms, n}, A)`, "DynamicSupervisor.start_child"},
		{`{A, n} |> GenServer.call(1)`, "GenServer.call"},
		{`Task.Supervisor.async(A.Tasks, fn -> 1 end)`, ""},
	} {
		p, err := Read(fstest.MapFS{
			"mix.exs":  {Data: []byte("defmodule A.MixProject do\n  def project, do: [app: :a]\nend\n")},
			"lib/a.ex": {Data: []byte("defmodule A.B do\n  def f(n, pid) do\n    " + c.code + "\n  end\n" + "end\n")},
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, call := range p.Calls {
			got = append(got, call.Name)
		}
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", c.code, got, want)
		}
	}
}

// A channel of the generator's form is read, though it names nothing of Phoenix itself.
func TestChannelIsRead(t *testing.T) {
	p, err := Read(fstest.MapFS{
		"mix.exs":     {Data: []byte("defmodule A.MixProject do\n  def project, do: [app: :a]\nend\n")},
		"lib/room.ex": {Data: []byte("defmodule AWeb.Room do\n  use AWeb, :channel\nend\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Used) != 1 || !p.Used[0].Options.Is("channel") {
		t.Errorf("%+v", p.Used)
	}
}
