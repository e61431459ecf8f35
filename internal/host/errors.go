package host

import (
	"errors"
	"syscall"
)

// Plain says in words what a person can do something about, and gives other errors as they are.
func Plain(err error) error {
	for number, text := range map[syscall.Errno]string{
		syscall.ENOSPC:       "the disk is full",
		syscall.EDQUOT:       "this user's share of the disk is used up",
		syscall.EACCES:       "permission denied",
		syscall.EROFS:        "the file system is read-only",
		syscall.ECONNREFUSED: "nobody answers there (connection refused)",
	} {
		if errors.Is(err, number) {
			return errors.New(text)
		}
	}
	return err
}
