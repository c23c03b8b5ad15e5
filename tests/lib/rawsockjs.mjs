// SPDX-License-Identifier: MIT
//
// A SockJS client on raw sockets that decides for each request which gateway gets it.
//
//   const session = new RawSession('xhr');            families: xhr, eventsource, htmlfile, jsonp
//   const poll = session.receive(gateway.url);        an Exchange: one response, whole or in flight
//   await poll.frame();                               the next frame, null when the response has ended
//   await session.send(otherGateway.url, ['text']);   the status of the answer
//
// Frames are {type: 'o'}, {type: 'h'}, {type: 'a', messages: [...]}, {type: 'c', code, reason}. Every chunk of a response
// must be one whole frame (or the prelude); anything else ends the exchange with how = 'broken' and the reason in `fault`.
// Each request has a connection of its own, so nothing but the session id joins them.

import { randomBytes } from 'node:crypto';
import { dial } from './dial.mjs';

/** The transports that receive, by family; the first polls, the last streams. */
export const RECEIVERS = {
  xhr: ['xhr', 'xhr_streaming'],
  eventsource: ['eventsource'],
  htmlfile: ['htmlfile'],
  jsonp: ['jsonp'],
};

const STREAMS = new Set(['xhr_streaming', 'eventsource', 'htmlfile']);
const CALLBACK = '_jp.acallback';

const underWay = new Set();

/** The network takes every response that is still under way. */
export function abortAll() {
  underWay.forEach((exchange) => exchange.abort());
}

/** One frame's text as sockjs-client would read it. */
export function parseFrame(text) {
  if (text === 'o' || text === 'h') {
    return { type: text };
  }
  const value = JSON.parse(text.slice(1));
  if (text[0] === 'a' && Array.isArray(value) && value.every((one) => typeof one === 'string')) {
    return { type: 'a', messages: value };
  }
  if (text[0] === 'c' && Array.isArray(value) && value.length === 2) {
    return { type: 'c', code: value[0], reason: value[1] };
  }
  throw new Error(`no frame: ${text.slice(0, 80)}`);
}

const unwrapped = (text, before, after) => {
  if (!text.startsWith(before) || !text.endsWith(after)) {
    throw new Error(`not one frame in one chunk: ${JSON.stringify(text.slice(0, 120))}`);
  }
  return text.slice(before.length, text.length - after.length);
};

const UNWRAP = {
  xhr: (text) => unwrapped(text, '', '\n'),
  xhr_streaming: (text) => unwrapped(text, '', '\n'),
  eventsource: (text) => decodeURI(unwrapped(text, 'data: ', '\r\n\r\n')),
  htmlfile: (text) => JSON.parse(unwrapped(text, '<script>\np(', ');\n</script>\r\n')),
  jsonp: (text) => JSON.parse(unwrapped(text, `/**/${CALLBACK}(`, ');\r\n')),
};

/** One request on a connection of its own, and its response as far as it has come. */
export class Exchange {
  /**
   * `bytes` limits how much of the request is written. `transport` makes the chunks of the response frames; without it
   * they are only gathered in `body`.
   */
  constructor(url, { method = 'GET', path, headers = {}, body = '', transport = null, bytes = Infinity }) {
    this.transport = transport;
    this.status = 0;
    this.body = '';
    this.frames = [];
    this.prelude = null;
    this.how = null;
    this.fault = '';
    this.waiters = [];
    this.rest = Buffer.alloc(0);
    this.left = null;
    underWay.add(this);
    const { hostname, port } = new URL(url);
    const lines = [`${method} ${path} HTTP/1.1`, `Host: ${hostname}:${port}`];
    const all = { Origin: 'http://page.test', ...headers };
    if (method === 'POST') {
      all['Content-Length'] = Buffer.byteLength(body);
    }
    for (const [name, value] of Object.entries(all)) {
      lines.push(`${name}: ${value}`);
    }
    const request = Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
    this.socket = dial({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen: true });
    this.written = new Promise((resolve) => this.socket.write(request.subarray(0, bytes), () => resolve()));
    this.socket.on('data', (part) => this.read(part));
    this.socket.on('end', () => this.finish(this.left === 'end' ? 'clean' : 'cut'));
    this.socket.on('error', (error) => this.finish(error.code === 'ECONNREFUSED' ? 'refused' : 'reset'));
    this.socket.on('close', () => this.finish('cut'));
  }

  read(part) {
    this.rest = Buffer.concat([this.rest, part]);
    try {
      while (this.how === null && this.step()) {
        // Each step takes one head, chunk or body from `rest`.
      }
    } catch (error) {
      this.fault = error.message;
      this.finish('broken');
    }
    this.wake();
  }

  step() {
    if (this.status === 0) {
      return this.readHead();
    }
    if (this.left === 'chunked') {
      return this.readChunk();
    }
    if (this.left === 'end' || this.rest.length < this.left) {
      return false;
    }
    this.take(this.rest.subarray(0, this.left).toString());
    this.finish('clean');
    return false;
  }

  readHead() {
    const end = this.rest.indexOf('\r\n\r\n');
    if (end < 0) {
      return false;
    }
    const [first, ...lines] = this.rest.subarray(0, end).toString('latin1').split('\r\n');
    this.rest = this.rest.subarray(end + 4);
    this.headers = Object.fromEntries(lines.map((line) => line.split(/:\s*/, 2)).map(([name, value]) => [name.toLowerCase(), value]));
    this.status = Number(first.split(' ')[1]);
    const isChunked = this.headers['transfer-encoding'] === 'chunked';
    const length = this.status === 204 ? 0 : this.headers['content-length'];
    this.left = isChunked ? 'chunked' : length === undefined ? 'end' : Number(length);
    return true;
  }

  readChunk() {
    const line = this.rest.indexOf('\r\n');
    if (line < 0) {
      return false;
    }
    const size = parseInt(this.rest.subarray(0, line).toString('latin1'), 16);
    if (!(size >= 0)) {
      throw new Error('no chunk size');
    }
    if (this.rest.length < line + 2 + size + 2) {
      return false;
    }
    const text = this.rest.subarray(line + 2, line + 2 + size).toString();
    this.rest = this.rest.subarray(line + 2 + size + 2);
    if (size === 0) {
      this.finish('clean');
    } else {
      this.take(text);
    }
    return size > 0;
  }

  take(text) {
    if (this.transport === null || this.status !== 200) {
      this.body += text;
    } else if (STREAMS.has(this.transport) && this.prelude === null) {
      this.prelude = text;
    } else if (text !== '') {
      this.frames.push(parseFrame(UNWRAP[this.transport](text)));
    }
  }

  finish(how) {
    if (this.how === null) {
      this.how = how;
      underWay.delete(this);
      this.socket.destroy();
      this.wake();
    }
  }

  wake() {
    for (const waiter of this.waiters.splice(0)) {
      waiter();
    }
  }

  changed() {
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  /** The next frame, or null when the response has ended and all were taken. */
  async frame() {
    while (this.frames.length === 0 && this.how === null) {
      await this.changed();
    }
    return this.frames.shift() ?? null;
  }

  /** When the head is there; the status, 0 if the connection ended before. */
  async answered() {
    while (this.status === 0 && this.how === null) {
      await this.changed();
    }
    return this.status;
  }

  /** When the receiver is in place as far as a client can see: a stream's prelude. */
  async opened() {
    while (this.prelude === null && this.how === null) {
      await this.changed();
    }
  }

  /** How it ended: clean, cut, reset, refused, aborted, broken. */
  async ended() {
    while (this.how === null) {
      await this.changed();
    }
    return this.how;
  }

  /** The frames that are left, at the end. */
  async all() {
    await this.ended();
    return this.frames.splice(0);
  }

  /** The network takes it away: a reset, or with 'fin' an end of what we say while we close. */
  abort(how = 'reset') {
    if (this.how === null) {
      this.how = 'aborted';
      underWay.delete(this);
      how === 'fin' ? this.socket.destroy() : this.socket.resetAndDestroy();
      this.wake();
    }
  }

  /** We say no more, but go on reading. */
  halfClose() {
    this.socket.end();
  }
}

/** A session id and how its family names its requests. Knows nothing of what was sent or received. */
export class RawSession {
  constructor(family, { base = '/ws', id = randomBytes(6).toString('hex') } = {}) {
    this.family = family;
    this.id = id;
    this.base = base;
  }

  /** The server id is another at each request: only the session id may matter. */
  path(transport, query = '') {
    const server = String(Math.floor(Math.random() * 1000)).padStart(3, '0');
    return `${this.base}/${server}/${this.id}/${transport}${query}`;
  }

  receive(url, transport = RECEIVERS[this.family][0], options = {}) {
    const isGet = transport !== 'xhr' && transport !== 'xhr_streaming';
    const query = transport === 'jsonp' || transport === 'htmlfile' ? `?c=${CALLBACK}` : '';
    return new Exchange(url, { method: isGet ? 'GET' : 'POST', path: this.path(transport, query), transport, ...options });
  }

  stream(url, options) {
    return this.receive(url, RECEIVERS[this.family].at(-1), options);
  }

  /** The request of a send, as an Exchange; `text` is the body before jsonp's form encoding. */
  sending(url, text, options = {}) {
    const isForm = this.family === 'jsonp';
    return new Exchange(url, {
      method: 'POST',
      path: this.path(isForm ? 'jsonp_send' : 'xhr_send'),
      headers: { 'Content-Type': isForm ? 'application/x-www-form-urlencoded' : 'text/plain' },
      body: isForm ? `d=${encodeURIComponent(text)}` : text,
      ...options,
    });
  }

  /** Sends messages and answers the status: 204 (200 from jsonp) when they were taken. */
  async send(url, messages) {
    const exchange = this.sending(url, JSON.stringify(messages));
    await exchange.ended();
    return exchange.status;
  }

  get sentStatus() {
    return this.family === 'jsonp' ? 200 : 204;
  }
}

/** STOMP's bytes of one frame. */
export function stompFrame(command, headers = {}, body = '') {
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  return `${command}\n${lines.join('')}\n${body}\0`;
}

/** The frame in one message; null for a heart-beat. */
export function parseStomp(text) {
  const bare = text.replace(/^[\r\n]+/, '');
  if (bare === '') {
    return null;
  }
  const cut = bare.indexOf('\n\n');
  const [command, ...lines] = bare.slice(0, cut).split('\n');
  const headers = Object.fromEntries(lines.map((line) => line.split(/:(.*)/s, 2)));
  return { command, headers, body: bare.slice(cut + 2).replace(/\0[\r\n]*$/, '') };
}
