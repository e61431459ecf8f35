defmodule Scout.JSON do
  @moduledoc "As much JSON as Scout needs, so that it needs no library on any version of Elixir."

  @doc "Writes strings, numbers, lists, maps, booleans and nil; atoms as strings."
  def encode(value) when value in [nil, true, false], do: if(value == nil, do: "null", else: "#{value}")
  def encode(value) when is_integer(value), do: Integer.to_string(value)
  def encode(value) when is_atom(value), do: value |> Atom.to_string() |> encode()
  def encode(value) when is_list(value), do: "[" <> Enum.map_join(value, ",", &encode/1) <> "]"

  def encode(value) when is_map(value) do
    "{" <> Enum.map_join(value, ",", fn {key, member} -> encode(to_string(key)) <> ":" <> encode(member) end) <> "}"
  end

  def encode(value) when is_binary(value) do
    "\"" <> for(<<char::utf8 <- value>>, into: "", do: escape(char)) <> "\""
  end

  defp escape(?"), do: ~S(\")
  defp escape(?\\), do: ~S(\\)
  defp escape(char) when char < 0x20, do: "\\u" <> (char |> Integer.to_string(16) |> String.pad_leading(4, "0"))
  defp escape(char), do: <<char::utf8>>

  @doc """
  Reads what an API server writes; what is no JSON raises. Numbers stay text, and so do the halves of characters that
  JSON writes in two.
  """
  def decode(text) do
    {value, rest} = value(skip(text))
    "" = skip(rest)
    value
  end

  defp value("{" <> rest), do: members(skip(rest), %{})
  defp value("[" <> rest), do: items(skip(rest), [])
  defp value("\"" <> rest), do: string(rest, [])
  defp value("true" <> rest), do: {true, rest}
  defp value("false" <> rest), do: {false, rest}
  defp value("null" <> rest), do: {nil, rest}

  defp value(text) do
    [number] = Regex.run(~r/\A-?[0-9.eE+-]+/, text)
    rest = binary_part(text, byte_size(number), byte_size(text) - byte_size(number))
    {number, rest}
  end

  defp members("}" <> rest, map), do: {map, rest}

  defp members("\"" <> rest, map) do
    {key, rest} = string(rest, [])
    ":" <> rest = skip(rest)
    {value, rest} = value(skip(rest))
    map = Map.put(map, key, value)

    case skip(rest) do
      "," <> rest -> members(skip(rest), map)
      "}" <> rest -> {map, rest}
    end
  end

  defp items("]" <> rest, list), do: {Enum.reverse(list), rest}

  defp items(text, list) do
    {value, rest} = value(text)

    case skip(rest) do
      "," <> rest -> items(skip(rest), [value | list])
      "]" <> rest -> {Enum.reverse([value | list]), rest}
    end
  end

  @escapes %{?b => "\b", ?f => "\f", ?n => "\n", ?r => "\r", ?t => "\t"}

  defp string("\"" <> rest, done), do: {done |> Enum.reverse() |> IO.iodata_to_binary(), rest}

  defp string(<<"\\u", hex::binary-size(4), rest::binary>>, done) do
    char = String.to_integer(hex, 16)
    text = if char in 0xD800..0xDFFF, do: "\\u" <> hex, else: <<char::utf8>>
    string(rest, [text | done])
  end

  defp string(<<"\\", char, rest::binary>>, done), do: string(rest, [Map.get(@escapes, char, <<char>>) | done])
  defp string(<<char, rest::binary>>, done), do: string(rest, [char | done])

  defp skip(<<space, rest::binary>>) when space in [?\s, ?\t, ?\r, ?\n], do: skip(rest)
  defp skip(text), do: text
end
