// HTTP/1.x over a plain socket, seen chunk by chunk.
//
//   const http = openHttp(port);
//   http.request('POST', '/ws/000/a/xhr', { body: '', headers: {} });
//   const answer = await http.answer();      { version, status, header(name), all(name), head }
//   await http.chunk();                      Buffer, or null after the last
//   await http.body();                       by Content-Length, chunks, or to the end
//   await http.closed();

import assert from 'node:assert/strict';
import { dial } from './dial.mjs';
import { Inbox } from './inbox.mjs';

export class HttpSocket {
  constructor(port) {
    this.rest = Buffer.alloc(0);
    this.inbox = new Inbox('http');
    this.socket = dial({ port });
    this.socket.setNoDelay(true);
    this.socket.on('data', (part) => {
      this.rest = Buffer.concat([this.rest, part]);
      this.inbox.changed();
    });
    this.socket.on('end', () => this.inbox.finish('fin'));
    this.socket.on('error', (error) => this.inbox.finish(error.code));
    this.socket.on('close', () => this.inbox.finish('closed'));
  }

  send(bytes) {
    this.socket.write(bytes);
  }

  /** `headers` of null are left out; Host and, with a body, Content-Length come by themselves. */
  request(method, path, { headers = {}, body = null, version = '1.1' } = {}) {
    const all = { Host: 'localhost', ...(body === null ? {} : { 'Content-Length': Buffer.byteLength(body) }), ...headers };
    const lines = Object.entries(all).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}\r\n`);
    this.method = method;
    this.send(Buffer.concat([Buffer.from(`${method} ${path} HTTP/${version}\r\n${lines.join('')}\r\n`), Buffer.from(body ?? '')]));
    return this;
  }

  async has(check, what) {
    await this.inbox.until(() => check() || this.inbox.end !== null, what);
    return check();
  }

  take(count) {
    const part = this.rest.subarray(0, count);
    this.rest = this.rest.subarray(count);
    return part;
  }

  async line(what) {
    assert.ok(await this.has(() => this.rest.includes('\r\n'), what), `${what} before the end; had ${JSON.stringify(this.rest.toString())}`);
    const line = this.take(this.rest.indexOf('\r\n') + 2);
    return line.subarray(0, -2).toString('latin1');
  }

  async answer() {
    const [, version, status] = /^HTTP\/(1\.[01]) (\d{3}) /.exec(await this.line('a status line'));
    const headers = [];
    for (let line = await this.line('a header'); line !== ''; line = await this.line('a header')) {
      const [, name, value] = /^([A-Za-z0-9-]+): ?(.*)$/.exec(line);
      headers.push([name.toLowerCase(), value]);
    }
    const all = (name) => headers.filter(([key]) => key === name.toLowerCase()).map(([, value]) => value);
    const header = (name) => {
      assert.ok(all(name).length <= 1, `one ${name}`);
      return all(name)[0];
    };
    this.current = { version, status: Number(status), headers, all, header };
    return this.current;
  }

  async chunk() {
    const size = parseInt(await this.line('a chunk'), 16);
    assert.ok(await this.has(() => this.rest.length >= size + 2, 'a whole chunk'), 'the end within a chunk');
    const data = this.take(size);
    assert.equal(this.take(2).toString(), '\r\n', 'CRLF ends a chunk');
    return size > 0 ? data : null;
  }

  async chunkText() {
    return (await this.chunk())?.toString() ?? null;
  }

  /** So many bytes, of an answer without chunks. */
  async bytes(count) {
    assert.ok(await this.has(() => this.rest.length >= count, `${count} bytes`), 'the end before that');
    return this.take(count);
  }

  async body() {
    const { status, header } = this.current;
    if (this.method === 'HEAD' || status === 204 || status === 304) {
      return '';
    }
    if (header('content-length') !== undefined) {
      return (await this.bytes(Number(header('content-length')))).toString();
    }
    const parts = [];
    if (header('transfer-encoding') === 'chunked') {
      for (let part = await this.chunk(); part !== null; part = await this.chunk()) {
        parts.push(part);
      }
    } else {
      await this.closed();
      parts.push(this.take(this.rest.length));
    }
    return Buffer.concat(parts).toString();
  }

  async closed() {
    await this.inbox.until(() => this.inbox.end !== null, 'the end of the connection');
    return this.inbox.end;
  }

  drop() {
    this.socket.destroy();
  }
}

export const openHttp = (port) => new HttpSocket(port);

/** One request on a connection of its own: the answer, with `body`. */
export async function fetchOnce(port, method, path, options) {
  const http = openHttp(port);
  try {
    http.request(method, path, options);
    const answer = await http.answer();
    answer.body = await http.body();
    return answer;
  } finally {
    http.drop();
  }
}
