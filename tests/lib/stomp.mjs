// STOMP clients that know nothing but bytes: one class per face of the gateway, all with the same calls.
//
//   const client = await openTcp(stack);              openWebSocket(stack, '/stomp'), openXhr(stack, '/ws')
//   client.send(frame('CONNECT', { 'accept-version': '1.2' }));
//   const connected = await client.frame();           strict: what is not a well-formed frame fails the case
//   const end = await client.ended();                 { kind, code, reason }
//   client.drop();
//
// Heart-beats are counted (client.beats), not returned.

import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { dial, isSecure, webSocketOptions } from './dial.mjs';
import { Inbox } from './inbox.mjs';
import { SockJsPolling } from './sockjs.mjs';

const NUL = Buffer.from([0]);
const LF = 0x0a;

/** Headers are an object, or a list of pairs where names repeat. Nothing is escaped. */
export function frame(command, headers = {}, body = '') {
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
  const head = `${command}\n${pairs.map(([name, value]) => `${name}:${value}\n`).join('')}\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body), NUL]);
}

const UNESCAPE = { '1.0': {}, 1.1: { n: '\n', c: ':', '\\': '\\' }, 1.2: { n: '\n', c: ':', '\\': '\\', r: '\r' } };

export function unescape(text, version) {
  if (version === '1.0') {
    return text;
  }
  return text.replaceAll(/\\(.)?/gs, (whole, letter) => {
    assert.ok(letter in UNESCAPE[version], `escape ${JSON.stringify(whole)} is one of STOMP ${version}`);
    return UNESCAPE[version][letter];
  });
}

/** A frame as it came. `header(name)` answers the raw value of the first of that name. */
export class Frame {
  constructor(command, headers, body, raw) {
    Object.assign(this, { command, headers, body, raw });
  }

  header(name) {
    return this.headers.find(([key]) => key === name)?.[1];
  }

  get names() {
    return this.headers.map(([name]) => name);
  }

  get text() {
    return this.body.toString();
  }

  toString() {
    return this.raw.toString('latin1');
  }
}

/** One frame from its first byte to its NUL, or null if more bytes are needed. */
function parseFrame(bytes) {
  const headEnd = bytes.indexOf('\n\n');
  if (headEnd < 0) {
    return null;
  }
  const [command, ...lines] = bytes.subarray(0, headEnd).toString().split('\n');
  assert.match(command, /^(CONNECTED|MESSAGE|RECEIPT|ERROR)$/, 'a command of servers');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    assert.ok(colon > 0 && !line.endsWith('\r'), `a header line: ${JSON.stringify(line)}`);
    return [line.slice(0, colon), line.slice(colon + 1)];
  });
  const lengths = headers.filter(([name]) => name === 'content-length');
  assert.ok(lengths.length <= 1, 'one content-length at most');
  const start = headEnd + 2;
  const length = lengths.length > 0 ? Number(lengths[0][1]) : bytes.indexOf(0, start) - start;
  if (length < 0 || bytes.length <= start + length) {
    return null;
  }
  assert.equal(bytes[start + length], 0, 'NUL ends a frame');
  const raw = bytes.subarray(0, start + length + 1);
  return new Frame(command, headers, bytes.subarray(start, start + length), raw);
}

class Client {
  constructor(face, name) {
    this.face = face;
    this.inbox = new Inbox(`${face} ${name}`);
    this.beats = 0;
    this.version = null;
  }

  /** The next frame; `command` is asserted if it is given. */
  async frame(command) {
    const found = await this.inbox.take(command ?? 'a frame');
    if (command !== undefined) {
      assert.equal(found.command, command, `${this.inbox.name}: ${found}`);
    }
    return found;
  }

  async frames(count) {
    const found = [];
    while (found.length < count) {
      found.push(await this.frame());
    }
    return found;
  }

  ended() {
    return this.inbox.ended();
  }

  async connect(version = '1.2', headers = {}) {
    this.send(frame('CONNECT', { 'accept-version': version, host: 'test', ...headers }));
    const connected = await this.frame('CONNECTED');
    assert.equal(connected.header('version'), version);
    this.version = version;
    return connected;
  }

  /** SUBSCRIBE, in effect when this answers. */
  async subscribe(destination, id = 'sub', headers = {}) {
    this.send(frame('SUBSCRIBE', { id, destination, receipt: `subscribed-${id}`, ...headers }));
    const receipt = await this.frame('RECEIPT');
    assert.equal(receipt.header('receipt-id'), `subscribed-${id}`);
  }

  /** All that was sent before has been handled, and nothing that was not taken yet came before the answer. */
  async settle() {
    this.settled = (this.settled ?? 0) + 1;
    const id = `settled-${this.settled}`;
    this.send(frame('SEND', { destination: '/nowhere', receipt: id }));
    const receipt = await this.frame('RECEIPT');
    assert.equal(receipt.header('receipt-id'), id);
  }

  /** `ERROR`, and then the end in this face's own way. */
  async refused() {
    const error = await this.frame('ERROR');
    this.assertRefusalEnd(await this.ended());
    return error;
  }

  assertRefusalEnd(end) {
    const expected = { tcp: { kind: 'fin' }, websocket: { kind: 'close', code: 1002 }, xhr: { kind: 'close', code: 1002 } }[this.face];
    assert.deepEqual({ kind: end.kind, code: end.code }, { code: undefined, ...expected }, `${this.inbox.name}: the end after ERROR`);
  }
}

class TcpClient extends Client {
  constructor(port) {
    super('tcp', String(port));
    this.rest = Buffer.alloc(0);
    this.eols = []; // what came between frames
    this.socket = dial({ port, allowHalfOpen: true });
    this.socket.setNoDelay(true);
    this.socket.on('data', (part) => this.take(part));
    this.socket.on('end', () => {
      this.inbox.finish({ kind: 'fin', rest: this.rest.toString() });
      this.socket.end();
    });
    this.socket.on('error', (error) => this.inbox.finish({ kind: 'reset', error: error.code }));
    this.socket.on('close', () => this.inbox.finish({ kind: 'closed' }));
  }

  take(part) {
    this.rest = Buffer.concat([this.rest, part]);
    try {
      while (this.rest.length > 0) {
        if (this.rest[0] === LF) {
          // One LF belongs to the frame before it; any other is a heart-beat.
          this.isAfterFrame ? (this.isAfterFrame = false) : this.beats++;
          this.rest = this.rest.subarray(1);
          this.inbox.changed();
          continue;
        }
        assert.ok(!this.isAfterFrame, 'LF follows each frame');
        const found = parseFrame(this.rest);
        if (found === null) {
          return;
        }
        this.rest = this.rest.subarray(found.raw.length);
        this.isAfterFrame = true;
        this.inbox.put(found);
      }
    } catch (error) {
      this.inbox.finish({ kind: 'not STOMP', error: error.message });
      this.socket.destroy();
    }
  }

  send(bytes) {
    this.socket.write(bytes);
  }

  /** Each part in a segment of its own, as far as one can say from here. */
  async sendParts(parts) {
    for (const part of parts) {
      await new Promise((resolve) => this.socket.write(part, () => setImmediate(resolve)));
    }
  }

  drop() {
    this.socket.destroy();
  }
}

class WebSocketClient extends Client {
  constructor(url, protocols, options) {
    super('websocket', url);
    this.messages = []; // of the frames: is it binary
    this.socket = new WebSocket(url, protocols, { perMessageDeflate: false, maxPayload: 64 * 1024 * 1024, ...options });
    this.socket.on('message', (data, isBinary) => this.take(data, isBinary));
    this.socket.on('close', (code, reason) => this.inbox.finish({ kind: 'close', code, reason: reason.toString() }));
    this.socket.on('error', (error) => this.inbox.finish({ kind: 'error', error: error.message }));
  }

  take(data, isBinary) {
    if (data.length === 1 && data[0] === LF) {
      this.beats++;
      this.inbox.changed();
      return;
    }
    try {
      const found = parseFrame(data);
      assert.equal(found?.raw.length, data.length, 'one whole frame is one message');
      found.isBinary = isBinary;
      this.inbox.put(found);
    } catch (error) {
      this.inbox.finish({ kind: 'not STOMP', error: error.message });
      this.socket.terminate();
    }
  }

  send(bytes, options = { binary: false }) {
    this.socket.send(bytes, options);
  }

  /** Each part in a message of its own. */
  async sendParts(parts, options = { binary: true }) {
    for (const part of parts) {
      this.socket.send(part, options);
    }
  }

  drop() {
    this.socket.terminate();
  }
}

class XhrClient extends Client {
  constructor(port, endpoint) {
    super('xhr', endpoint);
    this.session = new SockJsPolling(port, endpoint);
    this.sent = Promise.resolve();
    this.poll();
  }

  async poll() {
    try {
      for await (const text of this.session.messages()) {
        if (text === '\n') {
          this.beats++;
          this.inbox.changed();
          continue;
        }
        const data = Buffer.from(text);
        const found = parseFrame(data);
        assert.equal(found?.raw.length, data.length, 'one whole frame is one message');
        this.inbox.put(found);
      }
      this.inbox.finish({ kind: 'close', code: this.session.close[0], reason: this.session.close[1] });
    } catch (error) {
      this.inbox.finish({ kind: 'error', error: error.message });
    }
  }

  send(bytes) {
    this.sendParts([bytes]);
  }

  /** Each part in a request of its own, one after the other. A refused send is seen as the session's end. */
  sendParts(parts) {
    for (const part of parts) {
      this.sent = this.sent.then(() => this.session.send([part.toString()])).then((status) => {
        this.sendStatus = status;
      }).catch(() => {});
    }
    return this.sent;
  }

  drop() {
    this.session.drop();
  }
}

async function opened(client, socket, event) {
  await new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once('error', reject);
  });
  return client;
}

export function openTcp(stack) {
  const client = new TcpClient(stack.stompPort);
  return opened(client, client.socket, 'connect');
}

export function openWebSocket(stack, path = '/stomp', protocols = [], options = {}) {
  const url = `${isSecure(stack.port) ? 'wss' : 'ws'}://127.0.0.1:${stack.port}${path}`;
  const client = new WebSocketClient(url, protocols, { ...webSocketOptions(stack.port), ...options });
  return opened(client, client.socket, 'open');
}

export async function openXhr(stack, endpoint = '/ws') {
  const client = new XhrClient(stack.port, endpoint);
  await client.session.opened;
  return client;
}

export const FACES = { tcp: openTcp, websocket: openWebSocket, xhr: openXhr };

/** `body(open)` where `open(face, ...)` opens a client that is dropped at the end, whatever happens. */
export async function withClients(stack, body) {
  const clients = [];
  const open = async (face, ...rest) => {
    const client = await FACES[face](stack, ...rest);
    clients.push(client);
    return client;
  };
  try {
    return await body(open);
  } finally {
    clients.forEach((client) => client.drop());
  }
}
