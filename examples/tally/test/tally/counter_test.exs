defmodule Tally.CounterTest do
  # The application's own counter is one replica; the others are started beside it.
  use ExUnit.Case
  alias Tally.{Counter, Counts}

  setup do
    # A fresh counter for each test, and all that stands on it.
    :ok = Supervisor.terminate_child(Tally.Supervisor, Counter)
    {:ok, _pid} = Supervisor.restart_child(Tally.Supervisor, Counter)
    :ok
  end

  defp replica(name),
    do: start_supervised!(Supervisor.child_spec({Counter, name: name}, id: name))

  test "totals are those of all replicas" do
    replica(:second)
    Counter.increment("x")
    Counter.increment(:second, "x")
    Counter.increment(:second, "y")
    assert Tally.tallies() == %{"x" => 2, "y" => 1}
    assert Tally.vote("x") == 3
    assert Tally.count("y") == 1
  end

  test "a replica that stops hands its counts over" do
    replica(:second)
    Counter.increment(:second, "x")
    Counter.increment("x")
    :ok = stop_supervised(:second)
    assert Tally.count("x") == 2
    # pg hears of it on its own.
    Tally.TestServer.wait_until(fn -> match?([_only], Counter.members()) end)
  end

  test "counts go on from hand to hand" do
    for name <- [:second, :third], do: replica(name)
    Counter.increment(:second, "x")
    :ok = stop_supervised(:second)
    :ok = stop_supervised(:third)
    assert Tally.count("x") == 1
  end

  test "nothing is handed to a replica that is to stop, but it is still asked" do
    second = replica(:second)
    Counter.increment("x")
    Counter.retire()
    Counter.increment(:second, "x")
    :ok = stop_supervised(:second)
    refute Process.alive?(second)
    assert Tally.count("x") == 1
  end

  test "a replica that crashes takes its counts with it" do
    Counter.increment("x")
    second = replica(:second)
    Counter.increment(:second, "x")
    assert Tally.count("x") == 2
    monitor = Process.monitor(second)
    Process.exit(second, :kill)
    assert_receive {:DOWN, ^monitor, :process, _pid, :killed}
    assert Tally.count("x") == 1
  end

  test "a replica that does not answer holds up nobody" do
    second = replica(:second)
    Counter.increment("x")
    Counter.increment(:second, "x")
    :sys.suspend(second)
    assert Tally.count("x") == 1
    :sys.resume(second)
    assert Tally.count("x") == 2
  end

  test "who left while being asked is left out" do
    gone = spawn(fn -> :ok end)
    Counter.increment("x")
    assert Counts.total(Counter.gather([gone | Counter.members()]), "x") == 1
  end
end
