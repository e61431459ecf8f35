defmodule Tally.Counter do
  @moduledoc """
  Holds the counts of this replica, and asks the other replicas for theirs.

  When the replica is stopped, the counter hands its counts over to another one, so that nothing is lost as long as one
  replica is left. A replica that crashes takes its counts with it.
  """

  use GenServer
  require Logger
  alias Tally.Counts

  @scope Tally.PG
  # Who is asked for a total, and who takes over from a replica that leaves. A replica that is to stop leaves the
  # second group at once and the first only at its end.
  @counters :counters
  @heirs :heirs
  @timeout 5_000
  # How long a total waits for all the replicas together: one that is frozen must not hold up the others.
  @patience 1_000

  def start_link(opts),
    do: GenServer.start_link(__MODULE__, nil, name: Keyword.get(opts, :name, __MODULE__))

  def child_spec(opts) do
    %{id: __MODULE__, start: {__MODULE__, :start_link, [opts]}, shutdown: 2 * @timeout}
  end

  @doc "Counts one vote here."
  @spec increment(GenServer.server(), Tally.name()) :: :ok
  def increment(counter \\ __MODULE__, name), do: GenServer.call(counter, {:increment, name})

  @doc "The process group that every replica's counter is in."
  def group, do: @counters

  @doc "The counters of all replicas."
  @spec members :: [pid]
  def members, do: :pg.get_members(@scope, @counters)

  @doc "The counts of all replicas, merged. A replica that does not answer is left out."
  @spec gather([pid]) :: Counts.t()
  def gather(members \\ members()) do
    requests = for pid <- members, do: {pid, :gen_server.send_request(pid, :counts)}

    deadline = System.monotonic_time(:millisecond) + @patience

    answers =
      for {pid, request} <- requests,
          do: {pid, :gen_server.receive_response(request, {:abs, deadline})}

    if Enum.any?(answers, &match?({_pid, {:error, _reason}}, &1)) do
      # Somebody left while we asked. Its counts are with another by now, which may have answered before it had them.
      gather(for {pid, {:reply, _counts}} <- answers, do: pid)
    else
      for {_pid, {:reply, counts}} <- answers, reduce: Counts.new() do
        all -> Counts.merge(all, counts)
      end
    end
  end

  @doc "Says that this replica will stop: nobody is to hand anything over to it any more."
  @spec retire :: :ok
  def retire do
    if pid = Process.whereis(__MODULE__), do: :pg.leave(@scope, @heirs, pid)
    :ok
  end

  @impl true
  def init(nil) do
    # So that terminate/2 is called when the supervisor stops us.
    Process.flag(:trap_exit, true)
    :ok = :pg.join(@scope, @counters, self())
    :ok = :pg.join(@scope, @heirs, self())
    {:ok, %{origin: make_ref(), counts: Counts.new()}}
  end

  @impl true
  def handle_call({:increment, name}, _from, state) do
    {:reply, :ok, %{state | counts: Counts.increment(state.counts, state.origin, name)}}
  end

  def handle_call(:counts, _from, state), do: {:reply, state.counts, state}

  def handle_call({:take_over, counts}, {pid, _tag}, state) do
    Logger.info("took over the counts of #{node(pid)}")
    {:reply, :ok, %{state | counts: Counts.merge(state.counts, counts)}}
  end

  @impl true
  # Links that end, and other strays.
  def handle_info(_message, state), do: {:noreply, state}

  @impl true
  def terminate(reason, state) when reason in [:normal, :shutdown] do
    if state.counts != Counts.new(),
      do: hand_over(state.counts, :pg.get_members(@scope, @heirs) -- [self()])
  end

  def terminate(_crash, _state), do: :ok

  defp hand_over(_counts, []), do: Logger.info("nobody to hand the counts over to")

  defp hand_over(counts, [heir | others]) do
    :ok = GenServer.call(heir, {:take_over, counts}, @timeout)
    Logger.info("handed the counts over to #{node(heir)}")
  catch
    # It may have taken them all the same; being counts, they may be taken twice.
    :exit, _reason -> hand_over(counts, others)
  end
end
