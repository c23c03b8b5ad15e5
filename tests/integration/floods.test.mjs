// A client that asks for much with little, or for ever: it is closed by its limit, in the protocol's own words, and
// others go on. security.md W7, W10, W11, P8, P17, P18; limits.beats, limits.fragments, auth.login_deadline.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { Inbox } from '../lib/inbox.mjs';
import { sharedStack, until, withStack } from '../lib/stack.mjs';
import { frame, openTcp, openWebSocket, openXhr, withClients } from '../lib/stomp.mjs';
import { test } from '../lib/test.mjs';

const LIMITS = { beats: 50, fragments: 8, message_size: '1MiB', queue_size: '16MiB' };
const ENDPOINTS = [
  { path: '/ws', sockjs: true, allowed_origins: ['*'] },
  { path: '/stomp', sockjs: false, allowed_origins: ['*'] },
  { path: '/echo', sockjs: true, service: 'echo', allowed_origins: ['*'] },
];
const stack = sharedStack({ gateway: { endpoints: ENDPOINTS, limits: LIMITS } });
const [TEXT, CLOSE, PING, PONG] = [1, 8, 9, 10];

/** A masked frame; the mask is zero. */
function wsFrame(opcode, data = '', isFinal = true) {
  const payload = Buffer.from(data);
  const head = [opcode | (isFinal ? 0x80 : 0)];
  if (payload.length < 126) {
    head.push(0x80 | payload.length);
  } else if (payload.length < 65536) {
    head.push(0x80 | 126, payload.length >> 8, payload.length & 255);
  } else {
    head.push(0x80 | 127, 0, 0, 0, 0, payload.length >>> 24, (payload.length >> 16) & 255, (payload.length >> 8) & 255, payload.length & 255);
  }
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}

/** A WebSocket client that knows frames and answers nothing by itself. The inbox has {opcode, text}. */
class RawWebSocket {
  constructor(port, path, early = Buffer.alloc(0)) {
    this.inbox = new Inbox(path);
    this.rest = Buffer.alloc(0);
    this.socket = net.connect({ port, host: '127.0.0.1' });
    this.socket.on('data', (part) => this.take(part));
    this.socket.on('error', () => {});
    this.socket.on('close', () => this.inbox.finish({ kind: 'closed' }));
    const head = `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
    this.socket.write(Buffer.concat([Buffer.from(head), early]));
  }

  take(part) {
    this.rest = Buffer.concat([this.rest, part]);
    if (!this.isOpen) {
      const end = this.rest.indexOf('\r\n\r\n');
      if (end < 0) {
        return;
      }
      assert.match(this.rest.toString('latin1'), /^HTTP\/1\.1 101 /);
      this.isOpen = true;
      this.rest = this.rest.subarray(end + 4);
    }
    while (this.rest.length >= 2) {
      let length = this.rest[1];
      let start = 2;
      if (length === 126) {
        length = this.rest.length < 4 ? Infinity : this.rest.readUInt16BE(2);
        start = 4;
      } else if (length === 127) {
        length = this.rest.length < 10 ? Infinity : this.rest.readUInt32BE(6);
        start = 10;
      }
      if (this.rest.length < start + length) {
        return;
      }
      const payload = this.rest.subarray(start, start + length);
      const opcode = this.rest[0] & 15;
      this.rest = this.rest.subarray(start + length);
      this.inbox.put({ opcode, text: opcode === CLOSE && length >= 2 ? `${payload.readUInt16BE(0)}` : payload.toString() });
    }
  }

  send(...frames) {
    this.socket.write(Buffer.concat(frames));
  }

  async expect(opcode, text) {
    const found = await this.inbox.take(`frame ${opcode}`);
    assert.deepEqual({ ...found, text: found.text.slice(0, 80) }, { opcode, text: text ?? found.text.slice(0, 80) });
    return found;
  }
}

async function withRaw(programs, path, body, early) {
  const client = new RawWebSocket(programs.port, path, early);
  try {
    await body(client);
  } finally {
    client.socket.destroy();
  }
}

const times = (count, make) => Array.from({ length: count }, (_, i) => make(i));

for (const [name, path, frames] of [
  ['pings', '/echo/websocket', times(51, () => wsFrame(PING, 'x'))],
  ['pongs', '/echo/websocket', times(51, () => wsFrame(PONG))],
  ['empty messages', '/echo/websocket', times(51, () => wsFrame(TEXT))],
  ['empty messages of SockJS', '/echo/0/flood1/websocket', times(51, () => wsFrame(TEXT))],
]) {
  test(`a flood of ${name} ends by 1008`, async () => {
    await withRaw(await stack(), path, async (client) => {
      client.send(...frames);
      const end = await (async () => {
        for (;;) {
          const found = await client.inbox.take('the close frame');
          if (found.opcode === CLOSE) {
            return found;
          }
        }
      })();
      assert.equal(end.text, '1008');
    });
  });
}

test('fifty pings in a second are answered one by one', async () => {
  await withRaw(await stack(), '/echo/websocket', async (client) => {
    client.send(...times(50, (i) => wsFrame(PING, String(i))));
    for (let i = 0; i < 50; i++) {
      await client.expect(PONG, String(i));
    }
  });
});

test('of the pings of a client that does not read the latest is answered', async () => {
  await withRaw(await stack(), '/echo/websocket', async (client) => {
    client.send(wsFrame(TEXT, 'begin'));
    await client.expect(TEXT, 'begin');
    client.socket.pause();
    const big = 'x'.repeat(1 << 20);
    client.send(...times(12, () => wsFrame(TEXT, big)));
    // A second connection's echo tells that the gateway had turns enough to offer all of it to the kernel.
    await withRaw(await stack(), '/echo/websocket', async (other) => {
      for (let i = 0; i < 20; i++) {
        other.send(wsFrame(TEXT, `turn ${i}`));
        await other.expect(TEXT, `turn ${i}`);
      }
    });
    client.send(...times(20, (i) => wsFrame(PING, `ping ${i}`)));
    await withRaw(await stack(), '/echo/websocket', async (other) => {
      for (let i = 0; i < 20; i++) {
        other.send(wsFrame(TEXT, `turn ${i}`));
        await other.expect(TEXT, `turn ${i}`);
      }
    });
    client.socket.resume();
    for (let i = 0; i < 12; i++) {
      await client.expect(TEXT, big.slice(0, 80));
    }
    await client.expect(PONG, 'ping 19');
    client.send(wsFrame(PING, 'after'));
    await client.expect(PONG, 'after');
  });
});

test('W7 fragments of one message are counted, empty ones too', async () => {
  await withRaw(await stack(), '/echo/websocket', async (client) => {
    const fragments = (count, text) => times(count, (i) => wsFrame(i === 0 ? TEXT : 0, text, i === count - 1));
    client.send(...fragments(8, 'a'), ...fragments(8, ''), ...fragments(9, ''));
    await client.expect(TEXT, 'aaaaaaaa');
    await client.expect(TEXT, '');
    await client.expect(CLOSE, '1009');
  });
});

test('what came right behind the upgrade request is read, however much', async () => {
  // A session that is not open yet keeps it; that must not cost the square of it.
  const early = Buffer.concat([wsFrame(TEXT, frame('CONNECT', { 'accept-version': '1.2' })), ...times(2000, (i) => wsFrame(TEXT, frame('SEND', { destination: '/nowhere', n: i })))]);
  await withRaw(await stack(), '/stomp', async (client) => {
    await client.expect(TEXT);
    client.send(wsFrame(TEXT, frame('SEND', { destination: '/nowhere', receipt: 'last' })));
    assert.match((await client.expect(TEXT)).text, /^RECEIPT\nreceipt-id:last\n/);
  }, early);
});

test('P8 a flood of line ends is an ERROR on every face', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of ['tcp', 'websocket', 'xhr']) {
      for (const isConnected of [false, true]) {
        const client = await open(face);
        if (isConnected) {
          await client.connect();
        }
        client.send(Buffer.from('\n'.repeat(60)));
        assert.match((await client.refused()).header('message'), /line ends/, `${face} ${isConnected}`);
      }
    }
  });
});

test('P8 as many frames as one likes may end with a line end', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of ['tcp', 'websocket', 'xhr']) {
      const client = await open(face);
      await client.connect();
      client.send(Buffer.concat(times(300, () => Buffer.concat([frame('SEND', { destination: '/nowhere' }), Buffer.from('\n')]))));
      await client.settle();
    }
  });
});

const DEADLINE = { gateway: { auth: { login_deadline: '400ms' }, limits: { beats: 100000 } } };

test('P17 neither line ends nor pings put off the login deadline', async () => {
  await withStack(DEADLINE, async (programs) => {
    const tcp = await openTcp(programs);
    const websocket = await openWebSocket(programs);
    const xhr = await openXhr(programs);
    const clients = [tcp, websocket, xhr];
    const timer = setInterval(() => {
      clients.filter(({ inbox }) => inbox.end === null).forEach((client) => client.send(Buffer.from('\n')));
      websocket.inbox.end === null && websocket.socket.ping();
    }, 20);
    try {
      for (const client of clients) {
        assert.match((await client.refused()).header('message'), /CONNECT/, client.face);
      }
    } finally {
      clearInterval(timer);
      clients.forEach((client) => client.drop());
    }
  });
});

test('P18 a client that is not known yet cannot send what it may send later', async () => {
  const limits = { gateway: { limits: { message_size: '1MiB', sockjs_body_size: '4MiB' }, endpoints: ENDPOINTS } };
  const big = (name) => frame(name, { 'accept-version': '1.2', destination: '/nowhere', receipt: 'r' }, name === 'SEND' ? 'x'.repeat(200_000) : '');
  const padded = frame('CONNECT', times(30, (i) => [`x${i}`, 'y'.repeat(8000)]));
  await withStack(limits, async (programs) => {
    await withClients(programs, async (open) => {
      const refused = await open('websocket');
      refused.send(padded);
      assert.equal((await refused.ended()).code, 1009);
      const tcp = await open('tcp');
      tcp.send(padded);
      assert.match((await tcp.refused()).header('message'), /large/);
      for (const face of ['websocket', 'xhr', 'tcp']) {
        const client = await open(face);
        await client.connect();
        client.send(big('SEND'));
        assert.equal((await client.frame('RECEIPT')).header('receipt-id'), 'r', face);
      }
    });
    for (const [path, size, code] of [['/ws/0/small/websocket', 140_000, '1009'], ['/stomp', 140_000, '1009']]) {
      await withRaw(programs, path, async (client) => {
        if (path.startsWith('/ws')) {
          await client.expect(TEXT, 'o');
        }
        client.send(wsFrame(TEXT, JSON.stringify(['\n'.repeat(10) + 'S'.repeat(size)])));
        await client.expect(CLOSE, code);
      });
    }
  });
});

test('W11 a WebSocket client that answers no ping is gone, one that does is not', async () => {
  const endpoints = ENDPOINTS.map((endpoint) => ({ ...endpoint, sockjs_heartbeat: '200ms' }));
  const config = { gateway: { endpoints, heartbeat: { floor: '500ms' } } };
  await withStack(config, async (programs) => {
    const silent = ['/echo/websocket', '/echo/0/silent/websocket'].map((path) => new RawWebSocket(programs.port, path));
    const answering = await openWebSocket(programs, '/echo/websocket');
    let pings = 0;
    answering.socket.on('ping', () => pings++);
    for (const client of silent) {
      await client.inbox.until(() => client.inbox.end !== null, 'the end of who is silent');
      assert.ok(client.inbox.items.some(({ opcode }) => opcode === PING), 'it was asked');
    }
    const before = pings;
    await until('more pings to who answers', () => pings >= before + 6);
    assert.equal(answering.inbox.end, null);
    answering.drop();
  });
});

test('half a request of which nothing more comes does not put off the end', async () => {
  await withStack({ gateway: { drain_timeout: '1h', timeouts: { http_header: '1h', http_body: '1h' } } }, async (programs) => {
    const halves = ['GET /ws/info HTTP/1.1\r\nHo', 'POST /ws/0/half/xhr_send HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n["a'];
    const sockets = halves.map((half) => net.connect({ port: programs.port, host: '127.0.0.1' }, function opened() {
      this.write(half);
    }));
    const closed = sockets.map((socket) => new Promise((resolve) => socket.on('error', () => {}).on('close', resolve).resume()));
    const [gateway] = programs.gateways;
    await until('both connections', () => gateway.descriptors() >= gateway.idle + 2);
    await programs.drain(gateway);
    await Promise.all(closed);
  });
});

test('W11 the kernel asks after a peer that is silent', async () => {
  const programs = await stack();
  await withClients(programs, async (open) => {
    const client = await open('tcp');
    await client.connect();
    // proc_net_tcp(5): local and remote address, state, queues, timer: 02 is keep-alive.
    const port = (number) => number.toString(16).toUpperCase().padStart(4, '0');
    const pair = `:${port(programs.stompPort)} 0100007F:${port(client.socket.localPort)} 01 `;
    await until('the keep-alive timer', () => {
      const line = readFileSync('/proc/net/tcp', 'latin1').split('\n').find((one) => one.includes(pair));
      return line?.trim().split(/\s+/)[5].startsWith('02:');
    });
  });
});

test('who only closed its half still gets the answer to what it said', async () => {
  await withClients(await stack(), async (open) => {
    const client = await open('tcp');
    client.send(frame('CONNECT', { 'accept-version': '1.2' }));
    client.socket.end();
    await client.frame('CONNECTED');
    assert.equal((await client.ended()).kind, 'fin');
  });
});
