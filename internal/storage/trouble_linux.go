package storage

import "syscall"

// goneHere are Linux's further errors of a missing card.
func goneHere() []error { return []error{syscall.ENOMEDIUM} }

// failingHere are Linux's further errors of a broken card or file system.
func failingHere() []error { return []error{syscall.EUCLEAN, syscall.EREMOTEIO} }
