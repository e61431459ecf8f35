defmodule Tally.JSONTest do
  use ExUnit.Case, async: true

  test "writes what Tally answers with" do
    assert Tally.JSON.encode(%{node: :tally@host, members: [:a@b], tallies: %{"ada" => 2}}) ==
             ~S({"members":["a@b"],"node":"tally@host","tallies":{"ada":2}})
  end

  test "writes the plain values" do
    assert Tally.JSON.encode([nil, true, false, -1, []]) == "[null,true,false,-1,[]]"
  end

  test "escapes" do
    assert Tally.JSON.encode(~S(say "é" \ ) <> "\n\0") == ~S("say \"é\" \\ \u000A\u0000")
  end
end
