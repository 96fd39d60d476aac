//go:build !linux

package devstack

import "syscall"

// Only Linux can promise this; elsewhere a killed parent leaves its children behind.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}
