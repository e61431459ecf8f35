defmodule Tally do
  @moduledoc """
  Counts votes by name, together with every replica that is connected.

  Each replica counts what it is told (`Tally.Counter`); a total is what all of them counted. Replicas find one another
  by a process group, `:pg`, which follows the connections between the nodes. What makes those connections is not this
  application's business: it only notices.
  """

  alias Tally.{Counter, Counts}

  @typedoc "What votes are counted for."
  @type name :: String.t()

  @doc "Counts one vote and returns the new total of that name, over all replicas."
  @spec vote(name) :: pos_integer
  def vote(name) do
    :ok = Counter.increment(name)
    Counts.total(Counter.gather(), name)
  end

  @doc "The total of one name; 0 where nobody voted for it."
  @spec count(name) :: non_neg_integer
  def count(name), do: Counts.total(Counter.gather(), name)

  @doc "The totals of all names."
  @spec tallies :: %{name => pos_integer}
  def tallies, do: Counts.totals(Counter.gather())

  @doc "The nodes that count together, this one included."
  @spec members :: [node]
  def members, do: Counter.members() |> Enum.map(&node/1) |> Enum.uniq() |> Enum.sort()
end
