// SPDX-License-Identifier: MIT

//go:build tools

// Package tools pins k6, which is no Debian package: ./dev load builds it from here.
package tools

import _ "go.k6.io/k6/v2"
