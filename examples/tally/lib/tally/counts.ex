defmodule Tally.Counts do
  @moduledoc """
  Counts that can be merged in any order and any number of times (a grow-only counter).

  Whoever counts has an origin of its own and only ever adds under that one. Of two versions of an origin's count the
  larger is the later, so merging takes the larger, and a count that arrives twice (once from the replica that is
  leaving, once from the one that took over) is still counted once.
  """

  @type origin :: term
  @type t :: %{origin => %{Tally.name() => pos_integer}}

  @spec new :: t
  def new, do: %{}

  @spec increment(t, origin, Tally.name()) :: t
  def increment(counts, origin, name) do
    Map.update(counts, origin, %{name => 1}, fn own -> Map.update(own, name, 1, &(&1 + 1)) end)
  end

  @spec merge(t, t) :: t
  def merge(a, b) do
    Map.merge(a, b, fn _origin, x, y -> Map.merge(x, y, fn _name, m, n -> max(m, n) end) end)
  end

  @spec total(t, Tally.name()) :: non_neg_integer
  def total(counts, name) do
    Enum.reduce(counts, 0, fn {_origin, own}, sum -> sum + Map.get(own, name, 0) end)
  end

  @spec totals(t) :: %{Tally.name() => pos_integer}
  def totals(counts) do
    counts
    |> Map.values()
    |> Enum.reduce(%{}, fn own, sums -> Map.merge(sums, own, fn _name, m, n -> m + n end) end)
  end
end
