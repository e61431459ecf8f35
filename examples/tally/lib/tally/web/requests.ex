defmodule Tally.Web.Requests do
  @moduledoc """
  Knows the requests that are being answered, so that a replica can stop without cutting one off.

  Draining does not refuse anything: whoever sends traffic may need a moment to learn that this replica is leaving. Every
  request is answered until none has been there for a while, and every answer asks the client not to use the
  connection again.
  """

  # Registry forgets a process that dies, and with it a request whose client went away.
  @in_flight :in_flight

  # No request for that long (in milliseconds): time for an answer to be on its way, and for the last to arrive.
  @quiet 250
  @poll 25

  def child_spec(_opts), do: Registry.child_spec(keys: :duplicate, name: __MODULE__)

  @doc "The calling process begins to answer a request."
  def begin do
    {:ok, _owner} = Registry.register(__MODULE__, @in_flight, nil)
    :ok
  end

  @doc "The calling process has sent its answer."
  def finish, do: Registry.unregister(__MODULE__, @in_flight)

  @doc "How many requests are being answered."
  def count, do: length(Registry.lookup(__MODULE__, @in_flight))

  @doc "Whether this replica was told to stop."
  def draining?, do: Registry.meta(__MODULE__, :draining) == {:ok, true}

  @doc "Begins to drain, and returns when no request is left, or fails after `timeout` milliseconds."
  @spec drain(timeout :: non_neg_integer) :: :ok | {:error, :timeout}
  def drain(timeout) do
    Registry.put_meta(__MODULE__, :draining, true)
    now = now()
    wait(now + timeout, now + @quiet)
  end

  defp wait(give_up, done) do
    now = now()

    cond do
      count() == 0 and now >= done ->
        :ok

      now >= give_up ->
        {:error, :timeout}

      true ->
        done = if count() == 0, do: done, else: now + @quiet
        Process.sleep(@poll)
        wait(give_up, done)
    end
  end

  defp now, do: System.monotonic_time(:millisecond)
end
