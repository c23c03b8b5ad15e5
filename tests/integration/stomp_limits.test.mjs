// Limits of a STOMP conversation at n-1, n and n+1, each answered by an ERROR that names it: stomp.md 1.4, P18, C10, C11.
//
// A frame's size counts its bytes from the command to before the NUL; a header line's those of name, colon and value.

import assert from 'node:assert/strict';
import { test } from '../lib/test.mjs';
import { sharedStack, until, withStack } from '../lib/stack.mjs';
import { FACES, frame, withClients } from '../lib/stomp.mjs';

const LIMITS = {
  message_size: '2048B', tcp_message_size: '4096B', headers: 8, tcp_headers: 12, header_size: '100B', tcp_header_size: '200B',
  destination_length: '40B', subscriptions: 4, pending_requests: 2,
};
const stack = sharedStack({ gateway: { limits: LIMITS } });
const OF = {
  tcp: { size: 4096, headers: 12, line: 200 },
  websocket: { size: 2048, headers: 8, line: 100 },
  xhr: { size: 2048, headers: 8, line: 100 },
};
const faces = Object.keys(FACES);

/** `make(n)` gives the bytes of a frame with a receipt `r`; those of n-1 and n are taken, n+1 is refused. */
async function around(faceLimit, make, names) {
  await withClients(await stack(), async (open) => {
    for (const face of faces) {
      const limit = faceLimit(OF[face]);
      for (const n of [limit - 1, limit]) {
        const client = await open(face);
        await client.connect();
        client.send(make(n));
        assert.equal((await client.frame('RECEIPT')).header('receipt-id'), 'r', `${face} ${n}`);
      }
      const client = await open(face);
      await client.connect();
      client.send(make(limit + 1));
      const message = (await client.refused()).header('message');
      assert.match(message, names, face);
      assert.ok(message.includes(String(limit)), `${face}: the limit's value stands in "${message}"`);
    }
  });
}

test('P18 headers of a frame', async () => {
  await around(({ headers }) => headers, (n) => {
    const extra = Array.from({ length: n - 2 }, (_, i) => [`x${i}`, 'y']);
    return frame('SEND', [['destination', '/topic/x'], ['receipt', 'r'], ...extra]);
  }, /header/i);
});

test('P18 repeated headers do not count as new ones, and cannot be without end', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of faces) {
      const client = await open(face);
      await client.connect();
      const again = Array.from({ length: 20_000 }, () => ['a', 'b']);
      client.send(frame('SEND', [['destination', '/topic/x'], ['receipt', 'r'], ...again]));
      face === 'websocket' ? await client.ended() : await client.refused();
    }
  });
});

test('P18 one header line', async () => {
  await around(({ line }) => line, (n) => frame('SEND', { destination: '/topic/x', receipt: 'r', x: 'v'.repeat(n - 2) }), /header/i);
});

test('P18 one header line with a long name', async () => {
  await around(({ line }) => line, (n) => frame('SEND', { destination: '/topic/x', receipt: 'r', ['x'.repeat(n - 2)]: 'v' }), /header/i);
});

function sized(n, asBody) {
  const empty = frame('SEND', { destination: '/topic/x', receipt: 'r', ...(asBody ? {} : { 'content-length': 9999 }) });
  const body = 'b'.repeat(n - (empty.length - 1));
  return frame('SEND', { destination: '/topic/x', receipt: 'r', ...(asBody ? {} : { 'content-length': String(body.length).padStart(4, '0') }) }, body);
}

for (const [what, asBody] of [['with content-length', false], ['without content-length', true]]) {
  test(`P18 the size of a frame ${what}`, async () => {
    // One WebSocket message beyond the limit has an answer of its own, so this frame comes in two.
    await withClients(await stack(), async (open) => {
      for (const face of faces) {
        const limit = OF[face].size;
        for (const n of [limit - 1, limit, limit + 1]) {
          const client = await open(face);
          await client.connect();
          const bytes = sized(n, asBody);
          assert.equal(bytes.length - 1, n);
          client.sendParts([bytes.subarray(0, 1000), bytes.subarray(1000)]);
          if (n <= limit) {
            assert.equal((await client.frame('RECEIPT')).header('receipt-id'), 'r', `${face} ${n}`);
          } else {
            assert.ok((await client.refused()).header('message').includes(String(limit)), face);
          }
        }
      }
    });
  });
}

test('P18 a content-length beyond the limit is refused before its body comes', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of faces) {
      for (const length of [5000, 2 ** 31, 2 ** 32 + 1, '9223372036854775807', '18446744073709551615']) {
        const client = await open(face);
        await client.connect();
        client.send(Buffer.from(`SEND\ndestination:/topic/x\ncontent-length:${length}\n\n`));
        await client.refused();
      }
    }
  });
});

test('P18 a header that never ends is refused', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of faces) {
      const client = await open(face);
      await client.connect();
      client.sendParts([Buffer.from('SEND\nx:'), ...Array.from({ length: 4 }, () => Buffer.alloc(100, 'y'))]);
      await client.refused();
    }
  });
});

test('P18 a command that never ends is refused', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of faces) {
      const client = await open(face);
      client.send(Buffer.alloc(1000, 'A'));
      await client.refused();
    }
  });
});

test('a WebSocket message beyond the limit is closed with 1009', async () => {
  await withClients(await stack(), async (open) => {
    const client = await open('websocket');
    await client.connect();
    client.send(Buffer.alloc(1024 * 1024, '\n'));
    assert.equal((await client.ended()).code, 1009);
  });
});

for (const command of ['SEND', 'SUBSCRIBE']) {
  test(`the length of a destination: ${command}`, async () => {
    await around(() => 40, (n) => frame(command, { id: '1', destination: `/${'d'.repeat(n - 1)}`, receipt: 'r' }), /destination/i);
  });
}

test('the lengths of ids and receipts', async () => {
  await withStack({}, async (programs) => {
    await withClients(programs, async (open) => {
      for (const face of faces) {
        for (const [name, limit] of [['id', 128], ['receipt', 256]]) {
          for (const n of [limit - 1, limit, limit + 1]) {
            const client = await open(face);
            await client.connect();
            client.send(frame('SUBSCRIBE', { id: '1', destination: '/topic/x', receipt: 'r', [name]: 'v'.repeat(n) }));
            n <= limit ? await client.frame('RECEIPT') : assert.match((await client.refused()).header('message'), new RegExp(`${name}.*\\b${limit}\\b`));
            client.drop();
          }
        }
      }
    });
  });
});

test('subscriptions of a session', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of faces) {
      const client = await open(face);
      await client.connect();
      for (let i = 0; i < 4; i++) {
        await client.subscribe(`/topic/${i}`, String(i));
      }
      client.send(frame('UNSUBSCRIBE', { id: '0' }));
      await client.subscribe('/topic/0', 'again'); // one has gone: one may come
      client.send(frame('SUBSCRIBE', { id: 'more', destination: '/topic/more', receipt: 'r' }));
      const error = await client.refused();
      assert.equal(error.header('receipt-id'), 'r');
      assert.match(error.header('message'), /subscription/i);
      assert.match(error.header('message'), /\b4\b/);
    }
  });
});

test('beyond the pending requests a session is read again when some are answered', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of faces) {
      const client = await open(face);
      await client.connect();
      const ids = Array.from({ length: 50 }, (_, i) => String(i));
      client.sendParts(ids.map((id) => frame('SEND', { destination: '/topic/x', receipt: id })));
      for (const id of ids) {
        assert.equal((await client.frame('RECEIPT')).header('receipt-id'), id);
      }
    }
  });
});

test('a session that publishes while the broker does not answer is not read for ever', async () => {
  const programs = await stack();
  await withClients(programs, async (open) => {
    const client = await open('tcp');
    await client.connect();
    programs.broker.signal('SIGSTOP');
    try {
      // Until nothing is taken any more: more than the kernel holds for a connection waits with us.
      const one = frame('SEND', { destination: '/topic/x', receipt: 'r' }, 'b'.repeat(3900));
      let sent = 0;
      let before = -1;
      await until('the gateway to stop reading', () => {
        if (client.socket.writableLength > 0 && client.socket.writableLength === before) {
          return true;
        }
        for (let i = 0; i < 500; i++, sent++) {
          client.send(one);
        }
        before = client.socket.writableLength;
        return false;
      });
      programs.broker.signal('SIGCONT');
      for (let i = 0; i < sent; i++) {
        await client.frame('RECEIPT');
      }
    } finally {
      programs.broker.signal('SIGCONT');
    }
  });
});

test('C11 a frame before login is limited to 64 KiB whatever the limit of frames', async () => {
  await withStack({ gateway: { limits: { message_size: '1MiB', tcp_message_size: '1MiB' } } }, async (programs) => {
    await withClients(programs, async (open) => {
      for (const face of faces) {
        for (const [size, isTaken] of [[60_000, true], [70_000, false]]) {
          const client = await open(face);
          const headers = Array.from({ length: Math.floor(size / 1000) }, (_, i) => [`x${i}`, 'y'.repeat(990)]);
          client.send(frame('CONNECT', [['accept-version', '1.2'], ...headers]));
          isTaken ? await client.frame('CONNECTED') : await client.refused();
        }
      }
    });
  });
});

test('limits of a listener and of an endpoint are their own', async () => {
  const config = {
    gateway: {
      listen: ['http://127.0.0.1:0', { url: 'stomp://127.0.0.1:0', limits: { subscriptions: 2, tcp_headers: 20 } }],
      endpoints: [{ path: '/ws', sockjs: true, limits: { subscriptions: 1 } }, { path: '/stomp', limits: { headers: 9 } }],
    },
  };
  await withStack(config, async (programs) => {
    await withClients(programs, async (open) => {
      for (const [face, allowed, path] of [['tcp', 2], ['xhr', 1, '/ws'], ['websocket', 1, '/ws/websocket'], ['websocket', 5, '/stomp']]) {
        const client = await open(face, ...(path ? [path] : []));
        await client.connect();
        for (let i = 0; i < allowed; i++) {
          await client.subscribe(`/topic/${i}`, String(i));
        }
        if (allowed < 5) {
          client.send(frame('SUBSCRIBE', { id: 'more', destination: '/topic/more' }));
          await client.refused();
        } else {
          client.send(frame('SEND', [['destination', '/topic/x'], ...Array.from({ length: 9 }, (_, i) => [`x${i}`, 'y'])]));
          await client.refused();
        }
      }
    });
  });
});

test('C10 who does not log in is closed, however busy', async () => {
  await withStack({ gateway: { auth: { login_deadline: '300ms' } } }, async (programs) => {
    await withClients(programs, async (open) => {
      const patient = await open('websocket');
      await patient.connect(); // who has logged in stays
      const silent = await Promise.all(faces.map((face) => open(face)));
      const busy = await Promise.all(faces.map((face) => open(face)));
      const typing = await Promise.all(faces.map((face) => open(face)));
      typing.forEach((client) => client.send(Buffer.from('CONNECT\naccept-version:1.2\n')));
      const noise = setInterval(() => {
        busy.filter((client) => client.inbox.end === null).forEach((client) => client.send(Buffer.from('\n')));
        busy[1].socket.readyState === 1 && busy[1].socket.ping();
      }, 20);
      try {
        for (const client of [...silent, ...busy, ...typing]) {
          await client.inbox.until(() => client.inbox.end !== null, 'the deadline');
        }
      } finally {
        clearInterval(noise);
      }
      await patient.settle();
    });
  });
});
