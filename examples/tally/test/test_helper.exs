defmodule Tally.TestServer do
  @moduledoc "Starts Tally on a port that nobody has: the tests run beside whatever else there is."

  # Below the ports that the system gives to outgoing connections, so that none of them is on it either.
  @ports 20_000..32_000

  def start(tries \\ 10) do
    Application.put_env(:tally, :bind, "127.0.0.1")
    unless running?(), do: Application.put_env(:tally, :port, Enum.random(@ports))

    case Application.ensure_all_started(:tally) do
      {:ok, _apps} -> :ok
      {:error, _port_taken} when tries > 0 -> start(tries - 1)
    end
  end

  @doc "Looks again until something holds."
  def wait_until(ready, tries \\ 500) do
    unless ready.() do
      if tries == 0, do: raise("it did not come to hold")
      Process.sleep(10)
      wait_until(ready, tries - 1)
    end
  end

  defp running?, do: List.keymember?(Application.started_applications(), :tally, 0)
end

Logger.configure(level: :warning)
:ok = Tally.TestServer.start()
ExUnit.start()
