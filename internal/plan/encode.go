package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// Encode writes the objects as one stream of YAML documents with --- between them,
// keys in alphabetical order: the same objects are the same bytes. status, and
// creationTimestamp that only a server can know, are left out.
func Encode(w io.Writer, objects []Object) error {
	for i, o := range objects {
		b, err := encode(o)
		if err != nil {
			return fmt.Errorf("encode %s %s: %w", o.GetObjectKind().GroupVersionKind().Kind, o.GetName(), err)
		}
		if i > 0 {
			b = append([]byte("---\n"), b...)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

func encode(o Object) ([]byte, error) {
	b, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		return nil, err
	}
	delete(m, "status")
	withoutTimestamp(m)
	return append(appendYAML(nil, m, 0), '\n'), nil
}

// withoutTimestamp removes metadata.creationTimestamp that is not set, of the object
// and of the templates in it.
func withoutTimestamp(v any) {
	switch v := v.(type) {
	case map[string]any:
		if meta, ok := v["metadata"].(map[string]any); ok && meta["creationTimestamp"] == nil {
			delete(meta, "creationTimestamp")
		}
		for _, child := range v {
			withoutTimestamp(child)
		}
	case []any:
		for _, child := range v {
			withoutTimestamp(child)
		}
	}
}
