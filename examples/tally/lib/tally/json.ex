defmodule Tally.JSON do
  @moduledoc """
  Writes JSON: as much of it as Tally needs, so that it needs no library on any version of Elixir.
  """

  @type value ::
          nil | boolean | atom | integer | String.t() | [value] | %{(atom | String.t()) => value}

  @doc "The JSON text of a value; keys of maps are sorted."
  @spec encode(value) :: String.t()
  def encode(value), do: value |> write() |> IO.iodata_to_binary()

  defp write(value) when value in [nil, true, false],
    do: if(value == nil, do: "null", else: to_string(value))

  defp write(value) when is_atom(value), do: value |> Atom.to_string() |> write()
  defp write(value) when is_integer(value), do: Integer.to_string(value)

  defp write(value) when is_list(value),
    do: [?[, value |> Enum.map(&write/1) |> Enum.intersperse(?,), ?]]

  defp write(value) when is_map(value) do
    members =
      for {key, member} <- Enum.sort(value),
          do: [key |> to_string() |> write(), ?:, write(member)]

    [?{, Enum.intersperse(members, ?,), ?}]
  end

  defp write(value) when is_binary(value) do
    [?", for(<<char::utf8 <- value>>, do: escape(char)), ?"]
  end

  defp escape(?"), do: ~S(\")
  defp escape(?\\), do: ~S(\\)

  defp escape(char) when char < 0x20,
    do: ["\\u", char |> Integer.to_string(16) |> String.pad_leading(4, "0")]

  defp escape(char), do: <<char::utf8>>
end
