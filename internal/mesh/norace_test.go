//go:build !race

package mesh

// raced says that the race detector is on.
const raced = false
