defmodule Tally.Roster do
  @moduledoc """
  Logs the coming and going of replicas, as the process group sees it.

  A process of its own because of OTP 25: there a process that monitors a group and is a member as well takes the
  group's scope down with it when it ends.
  """

  use GenServer
  require Logger

  def start_link(_opts), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @impl true
  def init(nil) do
    {monitor, _members} = :pg.monitor(Tally.PG, Tally.Counter.group())
    {:ok, monitor}
  end

  @impl true
  def handle_info({monitor, change, _group, pids}, monitor) do
    for pid <- pids, node(pid) != node(), do: Logger.info("#{node(pid)} #{past(change)}")
    {:noreply, monitor}
  end

  defp past(:join), do: "joined"
  defp past(:leave), do: "left"
end
