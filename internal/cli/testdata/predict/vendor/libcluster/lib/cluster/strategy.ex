defmodule Cluster.Strategy do
  @moduledoc """
  The loop of the strategies: look up, drop those that were listed and are not any more, dial the others one after
  the other. A strategy is a module with list/1: the names that a lookup gives now.
  """

  use GenServer

  @callback list(config :: keyword()) :: [node()]

  defmacro __using__(_opts) do
    quote do
      @behaviour Cluster.Strategy
      def start_link(config), do: Cluster.Strategy.start_link({__MODULE__, config, Keyword.get(config, :polling_interval, 5_000)})
      defoverridable start_link: 1
    end
  end

  def start_link(args), do: GenServer.start_link(__MODULE__, args)

  # A strategy that lacks an option of its own does not start, and nor does the app.
  @impl true
  def init({strategy, config, interval}) do
    {:ok, look({strategy, config, interval, MapSet.new()})}
  end

  @impl true
  def handle_info(:look, state), do: {:noreply, look(state)}

  defp look({strategy, config, interval, listed}) do
    found = config |> strategy.list() |> MapSet.new() |> MapSet.delete(node())
    for name <- MapSet.difference(listed, found), do: Node.disconnect(name)
    for name <- found, name not in Node.list(:connected), do: :net_kernel.connect_node(name)
    again(interval)
    {strategy, config, interval, found}
  end

  # Who looks but once is through before the app has booted; of others it is told how often their dials were over.
  defp again(:infinity), do: :ok

  defp again(interval) do
    :persistent_term.put({__MODULE__, :rounds}, :persistent_term.get({__MODULE__, :rounds}, 0) + 1)
    Process.send_after(self(), :look, interval)
  end
end
