// SPDX-License-Identifier: MIT
//
// Random schedules of what a SockJS client may do, each step at a random gateway, against a model of what each session must
// have received.
