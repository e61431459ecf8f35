defmodule Cluster.Supervisor do
  @moduledoc """
  Starts a child for each topology that it is given, as the library of this name does: a list of names, each with
  its strategy. What is no such list does not boot.
  """

  use Supervisor

  def start_link([topologies]), do: start_link([topologies, []])
  def start_link([topologies, opts]), do: Supervisor.start_link(__MODULE__, topologies, opts)

  @impl true
  def init(topologies) do
    children =
      Enum.flat_map(topologies, fn
        {name, spec} ->
          strategy = Keyword.fetch!(spec, :strategy)
          [%{id: name, start: {strategy, :start_link, [Keyword.get(spec, :config, [])]}}]

        _nameless ->
          []
      end)

    Supervisor.init(children, strategy: :one_for_one)
  end
end
