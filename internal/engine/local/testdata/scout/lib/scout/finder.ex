defmodule Scout.Finder do
  @moduledoc """
  Plays the loop of a discovery library: look up, drop, dial, and again after a while.

  libcluster's strategies drop the nodes that they listed once and don't list any more, and dial the others one after
  the other. dns_cluster drops nobody, and dials all at the same time. A lookup that fails lists nobody.
  """

  use GenServer
  alias Scout.Lookup

  def start_link(config), do: GenServer.start_link(__MODULE__, config, name: __MODULE__)

  @doc "What was asked, found and dialled. It is kept apart, since a dial may take long."
  def report, do: :persistent_term.get(__MODULE__)

  @impl true
  def init(config) do
    state = %{config: config, listed: MapSet.new(), rounds: 0, dials: %{}}
    {:ok, tell(state, %{asked: "", error: nil, found: []}), {:continue, :look}}
  end

  @impl true
  def handle_continue(:look, state), do: {:noreply, look(state)}

  @impl true
  def handle_info(:look, state), do: {:noreply, look(state)}

  defp look(%{config: %{discovery: "Phial"}} = state), do: state

  defp look(%{config: config} = state) do
    {asked, answer} = Lookup.ask(config)

    {nodes, error} =
      case answer do
        {:ok, nodes} -> {MapSet.new(nodes), nil}
        {:error, reason} -> {MapSet.new(), inspect(reason)}
        # What libcluster's Kubernetes does where the API server can't be asked: as before.
        {:keep, reason} -> {state.listed, inspect(reason)}
      end

    found = %{asked: asked, error: error, found: Enum.sort(nodes)}
    unless parallel?(config), do: drop(MapSet.difference(state.listed, nodes))
    dials = nodes |> MapSet.to_list() |> List.delete(node()) |> Kernel.--(Node.list()) |> dial(config)
    Process.send_after(self(), :look, config.interval)

    tell(
      %{state | listed: nodes, rounds: state.rounds + 1, dials: Map.merge(state.dials, dials)},
      found
    )
  end

  defp tell(state, found) do
    dialled = Map.new(state.dials, fn {name, result} -> {to_string(name), result} end)

    :persistent_term.put(
      __MODULE__,
      Map.merge(found, %{
        discovery: state.config.discovery,
        rounds: state.rounds,
        dialled: dialled
      })
    )

    state
  end

  defp drop(gone), do: for(name <- gone, name in Node.list(), do: Node.disconnect(name))

  defp dial(names, config) do
    if parallel?(config),
      do: names |> Enum.map(&{&1, Task.async(fn -> connect(&1) end)}) |> await(),
      else: Map.new(names, &{&1, connect(&1)})
  end

  defp await(tasks), do: Map.new(tasks, fn {name, task} -> {name, Task.await(task, :infinity)} end)

  # true, false, or :ignored where this node is none.
  defp connect(name), do: Node.connect(name) == true

  defp parallel?(config), do: config.discovery == "DNSCluster"
end
