/* SPDX-License-Identifier: MIT
 *
 * The contract of all decoders.
 *
 * Stream decoders (stomp_frame, ws_frame): a caller offers bytes; the decoder consumes what it can and
 * answers DECODE_FRAME (the out struct is filled; its pointers live until the next call or until the
 * offered bytes go), DECODE_MORE (all bytes were consumed), or a negative code of its own header (the
 * decoder is dead, the connection must close). Splitting the same bytes differently gives the same
 * frames. Several frames in one buffer: call again with the rest.
 *
 * Whole-buffer decoders (sockjs_frame, link_msg): the caller has the complete text; the decoder answers
 * 0 or a negative code and accounts for every byte.
 *
 * Limits are fields set by the caller, never constants inside. No I/O, no clock, no log, no globals.
 */
#pragma once

#define DECODE_MORE 0
#define DECODE_FRAME 1
