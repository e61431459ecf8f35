package beamtest

import (
	"os"
	"path/filepath"
	"testing"
)

// ShopEx is a module of the application shop.
const ShopEx = "defmodule Shop do\n  def hello, do: :world\nend\n"

// MixExs is the mix.exs of the application shop, version 0.3.0; extra goes into its project/0.
func MixExs(extra string) string {
	return `defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "0.3.0", elixir: "~> 1.14"` + extra + `]
  def application, do: [extra_applications: [:logger]]
end
`
}

// WriteProject writes a small Mix project, by path and text, and gives its directory.
func WriteProject(tb testing.TB, files map[string]string) string {
	tb.Helper()
	dir := tb.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}
