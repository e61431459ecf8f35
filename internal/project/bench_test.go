package project

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// moduleText is a module as people write them, of about 170 lines; marked ones hold something that is looked for.
func moduleText(n int, marked bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "defmodule Big.Part%d do\n  @moduledoc \"\"\"\n  Part %d of something big.\n  \"\"\"\n  alias Big.{Item, Order}\n\n", n, n)
	if marked {
		b.WriteString("  @region System.get_env(\"REGION\")\n\n")
	}
	for i := range 10 {
		//nolint:dupword // Elixir ends what it ends
		fmt.Fprintf(&b, `  @doc "Does step %d."
  @spec step_%d(map(), keyword()) :: {:ok, map()} | {:error, term()}
  def step_%d(%%{state: state, items: items} = order, opts \\ []) do
    limit = Keyword.get(opts, :limit, %d)

    with {:ok, checked} <- check(order, limit: limit),
         {:ok, total} <- Order.total(checked) do
      items
      |> Enum.filter(&(&1.price > limit and &1.state in [:open, :held]))
      |> Enum.map(fn item -> %%Item{item | state: state, note: "step #{item.id} of #{total}"} end)
      |> then(&{:ok, %%{order | items: &1}})
    else
      {:error, reason} -> {:error, {:step, %d, reason}}
    end
  end

`, i, i, i, i*10, i)
	}
	b.WriteString("  defp check(order, _opts), do: {:ok, order}\nend\n")
	return b.String()
}

func bigTree(marked int) fstest.MapFS {
	fsys := tree("mix.exs", "defmodule Big.MixProject do\n  def project, do: [app: :big, version: \"1.0.0\", deps: []]\nend\n", "config/runtime.exs", "import Config\n")
	for n := range 2000 {
		fsys[fmt.Sprintf("lib/big/part%d.ex", n)] = &fstest.MapFile{Data: []byte(moduleText(n, n%100 < marked)), Mode: 0o644}
	}
	return fsys
}

// BenchmarkRead reads 2,000 files of Elixir, of which that many in a hundred hold something that is looked for.
func BenchmarkRead(b *testing.B) {
	for _, marked := range []int{0, 20, 100} {
		fsys := bigTree(marked)
		bytes := 0
		for _, f := range fsys {
			bytes += len(f.Data)
		}
		b.Run(fmt.Sprint(marked), func(b *testing.B) {
			b.SetBytes(int64(bytes))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Read(fsys); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
