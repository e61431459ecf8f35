package manifest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/phialdev/phial/internal/kubetest"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

var unknownField = regexp.MustCompile(`unknown field "([^"]*)"`)

// A real API server refuses what is refused here, and no more: each field that it names
// is one that a problem is about.
func TestServerAgrees(t *testing.T) {
	server := kubetest.Shared(t)
	if err := server.InstallCRDs(t.Context(), kubetest.DefinitionFiles("../../deploy/crd/*_beamapps.yaml")); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/problems/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source, _, _ := strings.Cut(string(text), line)
		documents, err := Documents("x", strings.NewReader(source))
		if err != nil || len(documents) != 1 || documents[0].Kind != "BeamApp" || strings.HasPrefix(source, "# set: ") {
			continue // not one object that could be sent
		}
		if strings.HasPrefix(source, "%") {
			continue // clients of Kubernetes cut a stream between a directive and its document
		}
		judged++
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			_, ours := Read([]Source{{Name: "x", Text: []byte(source)}}, Options{})
			_, theirs := server.Apply(t.Context(), []byte(source), true)
			if (ours == nil) != (theirs == nil) {
				t.Fatalf("here: %v\nthe server: %v", ours, theirs)
			}
			var problems Problems
			errors.As(ours, &problems)
			for _, f := range fieldsOf(theirs) {
				if !slices.ContainsFunc(problems, func(p Problem) bool { return within(f, p.Path) || p.Path == f }) {
					t.Errorf("the server names %s, and here is only\n%v", f, ours)
				}
			}
		})
	}
	if judged < 12 {
		t.Errorf("only %d cases could be sent", judged)
	}
}

// fieldsOf are the fields that a refusal names. <nil> is the whole object.
func fieldsOf(err error) []string {
	var all []string
	for _, m := range unknownField.FindAllStringSubmatch(fmt.Sprint(err), -1) {
		all = append(all, strings.TrimPrefix(m[1], "."))
	}
	var status *apierrors.StatusError
	if errors.As(err, &status) && status.ErrStatus.Details != nil {
		for _, c := range status.ErrStatus.Details.Causes {
			if c.Field != "<nil>" && c.Field != "" {
				all = append(all, c.Field)
			}
		}
	}
	return all
}
