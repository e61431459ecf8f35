// Package debian puts together the root file system that a release needs, out of Debian's
// packages, without apt, dpkg or root: the shared libraries that are linked and no others,
// a busybox for the start scripts, certificates, time zones, a locale.
//
// What it takes is verified as apt does it: a Release file by Debian's signature, the
// indexes by the Release file, the packages by the indexes. Maintainer scripts are not run,
// so a package that is taken whole (Options.Packages) lacks what its own would have made:
// users, caches. Alternatives are made (see alternative).
//
// The same indexes and the same options give the same tree, byte for byte.
package debian
