// Package check says before a deployment what will go wrong: rules over a project's facts and its manifests, each with a
// place, a cause and a fix. It is pure but for the texts that it is given: it reads no file and dials nobody.
package check
