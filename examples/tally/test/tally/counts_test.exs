defmodule Tally.CountsTest do
  use ExUnit.Case, async: true
  alias Tally.Counts

  defp counts(origin, votes),
    do: Enum.reduce(votes, Counts.new(), &Counts.increment(&2, origin, &1))

  test "totals add up over origins" do
    both = Counts.merge(counts(:a, ["x", "x", "y"]), counts(:b, ["x"]))
    assert Counts.totals(both) == %{"x" => 3, "y" => 1}
    assert Counts.total(both, "x") == 3
    assert Counts.total(both, "z") == 0
  end

  test "what arrives twice, late or in another order counts once" do
    early = counts(:a, ["x"])
    late = counts(:a, ["x", "x"])
    other = counts(:b, ["y"])
    merged = Counts.merge(late, other)

    assert Counts.merge(early, merged) == merged
    assert Counts.merge(merged, early) == merged
    assert Counts.merge(merged, merged) == merged
    assert Counts.merge(other, late) == merged
  end
end
