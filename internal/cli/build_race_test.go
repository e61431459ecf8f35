//go:build race

package cli

// raced says that the race detector is on, with which compressing a release takes half a minute.
const raced = true
