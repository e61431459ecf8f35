package term

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

// Output is the flag -o of every verb.
type Output struct{ Format string }

// Flag adds -o to a command.
func (o *Output) Flag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.Format, "output", "o", "text", "output format: text or json")
	// The flag was just made, so this cannot fail.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]cobra.Completion{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

// Check refuses a format that nobody knows.
func (o *Output) Check() error {
	if o.Format != "text" && o.Format != "json" {
		return fmt.Errorf("unknown output format %q: use -o text or -o json", o.Format)
	}
	return nil
}

// JSON says whether JSON was asked for.
func (o *Output) JSON() bool { return o.Format == "json" }

// WriteJSON writes v to standard output, indented.
func (s *IO) WriteJSON(v any) error {
	enc := json.NewEncoder(s.Out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}
