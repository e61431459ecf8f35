package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/phialdev/phial/internal/report"
)

func took(p push) time.Duration { return p.took }
func sent(p push) int64         { return p.sent }
func requests(p push) int64     { return p.requests }

func each[T any](all []push, get func(push) T) []T {
	var out []T
	for _, p := range all {
		out = append(out, get(p))
	}
	return out
}

func median[T cmp.Ordered](all []T) T {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

func (r *results) print(runs int) {
	fmt.Printf("phial build, the whole command with a push, %d rounds\n\n| | median | min | max |\n|---|---|---|---|\n", runs)
	for s := range situations {
		row(fmt.Sprintf("%s: mix release alone", s), r.mix[s], ms)
		row(fmt.Sprintf("%s: phial build", s), r.whole[s], ms)
		ours := r.pushes[s][phial]
		row(fmt.Sprintf("%s: beyond mix release%s", s, map[bool]string{true: " (under 1 s)"}[s == again]), each(ours, took), ms)
		row(fmt.Sprintf("%s: beyond mix release, processor time", s), r.cpu[s], ms)
		row(fmt.Sprintf("%s: uploaded%s", s, [situations]string{"", " (nothing)", " (under 100 kB)"}[s]), each(ours, sent), report.Megabytes)
	}
	fmt.Printf("| the image, unpacked (under 40 MB) | %s | | |\n", report.Megabytes(r.size.unpacked))
	fmt.Printf("| the image, to pull (under 16 MB) | %s | | |\n", report.Megabytes(r.size.pull))

	fmt.Print("\nBeside others, medians of the same rounds; a ratio above 1 is in favour of phial build\n\n" +
		"| | phial build | crane append | ratio | one layer | ratio |\n|---|---|---|---|---|---|\n")
	for s := range situations {
		beside(fmt.Sprintf("%s: uploaded", s), r.pushes[s], sent, report.Megabytes)
		beside(fmt.Sprintf("%s: beyond mix release", s), r.pushes[s], took, ms)
		beside(fmt.Sprintf("%s: requests", s), r.pushes[s], requests, func(n int64) string { return strconv.FormatInt(n, 10) })
	}
}

func row[T cmp.Ordered](name string, all []T, text func(T) string) {
	fmt.Printf("| %s | %s | %s | %s |\n", name, text(median(all)), text(slices.Min(all)), text(slices.Max(all)))
}

func beside[T ~int64](name string, all [ways][]push, get func(push) T, text func(T) string) {
	ours := median(each(all[phial], get))
	fmt.Printf("| %s | %s", name, text(ours))
	for _, w := range []way{crane, oneLayer} {
		theirs, ratio := median(each(all[w], get)), "-"
		if ours > 0 {
			ratio = fmt.Sprintf("%.2f", float64(theirs)/float64(ours))
		}
		fmt.Printf(" | %s | %s", text(theirs), ratio)
	}
	fmt.Println(" |")
}

// judge says which figure is missed, if one is.
func (r *results) judge() error {
	if n := slices.Max(each(r.pushes[again][phial], sent)); n > 0 {
		return fmt.Errorf("%s: %d bytes were uploaded, must be none", again, n)
	}
	if d := median(each(r.pushes[again][phial], took)); d >= mostAgain {
		return fmt.Errorf("%s: phial build took %s beyond mix release, must be under %s", again, ms(d), mostAgain)
	}
	if n := slices.Max(each(r.pushes[changed][phial], sent)); n >= mostChanged {
		return fmt.Errorf("%s: %s were uploaded, must be under %s", changed, report.Megabytes(n), report.Megabytes(mostChanged))
	}
	switch {
	case r.size.unpacked >= mostUnpacked:
		return fmt.Errorf("the image has %s unpacked, must be under %s", report.Megabytes(r.size.unpacked), report.Megabytes(mostUnpacked))
	case r.size.pull >= mostPull:
		return fmt.Errorf("the image has %s to pull, must be under %s", report.Megabytes(r.size.pull), report.Megabytes(mostPull))
	}
	return nil
}
