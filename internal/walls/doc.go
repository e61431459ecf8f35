// Package walls holds no code, only the test that keeps the rooms of
// docs/DESIGN.md apart: which package may import which, and why.
package walls
