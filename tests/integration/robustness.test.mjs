// Whoever misbehaves is closed by the limit it broke, while somebody else's echo goes on; and the ends of the programs.

import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from '../lib/test.mjs';
import { sharedStack, startStack, until, withStack } from '../lib/stack.mjs';
import { fetchOnce, openHttp } from '../lib/http.mjs';
import { SockJsPolling, sessionPath } from '../lib/sockjs.mjs';
import { FACES, frame, withClients } from '../lib/stomp.mjs';

const open = { sockjs: true, allowed_origins: ['*'] };
const stack = sharedStack({
  gateway: {
    endpoints: [{ path: '/ws', response_limit: '1GiB', ...open }, { path: '/stomp', allowed_origins: ['*'] }],
    limits: { queue_size: '64KiB', subscriptions: 50, tcp_message_size: '64KiB', fragments: 1000 },
    timeouts: { http_header: '500ms', http_body: '500ms', write_stall: '500ms', close: '200ms' },
    auth: { login_deadline: '2s' },
  },
});
const faces = Object.keys(FACES);

/** Somebody whose messages to itself must keep coming while `body` runs. */
async function withEcho(openClient, body) {
  const echo = await openClient('websocket');
  await echo.connect();
  await echo.subscribe('/topic/echo');
  let isOver = false;
  let count = 0;
  const run = async () => {
    while (!isOver) {
      echo.send(frame('SEND', { destination: '/topic/echo' }, String(count)));
      assert.equal((await echo.frame('MESSAGE')).text, String(count));
      count++;
    }
  };
  const running = run();
  try {
    await Promise.race([body(), running.then(() => assert.fail('the echo ended'))]);
  } finally {
    isOver = true;
    await running;
  }
  assert.ok(count > 0);
}

const misbehaving = (name, body) => test(name, async () => {
  const programs = await stack();
  await withClients(programs, (openClient) => withEcho(openClient, () => body(openClient, programs)));
});

const isOver = (client) => client.inbox.until(() => client.inbox.end !== null, 'the end');

function noise(seed, size) {
  let state = seed;
  return Buffer.from(Array.from({ length: size }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state >>> 16;
  }));
}

misbehaving('garbage instead of a protocol', async (openClient, programs) => {
  for (let seed = 1; seed <= 30; seed++) {
    for (const port of [programs.port, programs.stompPort]) {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('error', () => {});
      const closed = new Promise((resolve) => socket.on('close', resolve));
      socket.resume();
      socket.write(noise(seed, 4096));
      socket.write('\0\r\n\r\n');
      await closed;
    }
  }
});

misbehaving('garbage after CONNECT', async (openClient) => {
  for (const face of faces) {
    const client = await openClient(face);
    await client.connect();
    client.send(Buffer.from(noise(7, 3000).toString('latin1').replaceAll('\0', 'x')));
    client.send(Buffer.from('\0\0'));
    await isOver(client);
  }
});

misbehaving('garbage as WebSocket frames', async (openClient) => {
  for (let seed = 1; seed <= 30; seed++) {
    const client = await openClient('websocket');
    client.socket._socket.write(noise(seed, 2000));
    client.socket._socket.write(Buffer.from([0xf3, 0x00]));
    await isOver(client);
  }
});

misbehaving('a header that is never finished', async (openClient, programs) => {
  const sockets = [];
  for (const start of ['', 'GET /ws HTTP/1.1\r\n', 'GET /ws HTTP/1.1\r\nHost: a\r\nX: ']) {
    const socket = net.connect(programs.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    socket.write(start);
    const drip = setInterval(() => start && socket.write('x'), 50); // busy, but never done
    sockets.push(new Promise((resolve) => socket.on('close', resolve)).then(() => clearInterval(drip)));
  }
  await Promise.all(sockets);
});

misbehaving('a body that is never finished', async (openClient, programs) => {
  const http = openHttp(programs.port);
  http.request('POST', `${sessionPath('/ws')}/xhr_send`, { headers: { 'Content-Length': '100' } });
  http.send('["a');
  await http.closed();
});

misbehaving('a CONNECT that is never finished', async (openClient) => {
  const clients = await Promise.all(faces.map((face) => openClient(face)));
  clients.forEach((client) => client.send(Buffer.from('CONNECT\naccept-version:1.2\n')));
  await Promise.all(clients.map(isOver));
});

misbehaving('a subscriber that stops reading', async (openClient) => {
  for (const face of ['tcp', 'websocket']) {
    const client = await openClient(face);
    await client.connect();
    await client.subscribe(`/topic/flood-${face}`);
    const stream = face === 'tcp' ? client.socket : client.socket._socket;
    stream.pause();
    const sender = await openClient('tcp');
    await sender.connect();
    let isClosed = false;
    stream.on('close', () => {
      isClosed = true;
    });
    // Its own socket would only tell when it is read again; the gateway says that it has let go.
    const { gateways: [gateway] } = await stack();
    const count = () => gateway.events('session_closed').filter(({ line }) => /too.slow|slow/.test(line)).length;
    const before = count();
    await until('the session to be closed as too slow', async () => {
      for (let i = 0; i < 50; i++) {
        sender.send(frame('SEND', { destination: `/topic/flood-${face}` }, 'x'.repeat(30_000)));
      }
      await sender.settle();
      return count() > before;
    });
    stream.resume();
    await until('the connection to be closed', () => isClosed);
    sender.drop();
  }
});

for (const [name, method] of [['xhr_streaming', 'POST'], ['eventsource', 'GET'], ['htmlfile?c=x', 'GET']]) {
  misbehaving(`a ${name.split('?')[0]} receiver that stops reading`, async (openClient, programs) => {
    const path = sessionPath('/ws');
    const http = openHttp(programs.port);
    http.request(method, `${path}/${name}`, { body: method === 'POST' ? '' : null });
    await http.answer();
    await http.chunk();
    await http.chunk();
    const hello = [frame('CONNECT', { 'accept-version': '1.2' }), frame('SUBSCRIBE', { id: '1', destination: '/topic/stream' })];
    const send = async (texts) => (await fetchOnce(programs.port, 'POST', `${path}/xhr_send`, { body: JSON.stringify(texts) })).status;
    assert.equal(await send(hello.map(String)), 204);
    http.socket.pause();
    const sender = await openClient('tcp');
    await sender.connect();
    await until('the session to be gone', async () => {
      for (let i = 0; i < 50; i++) {
        sender.send(frame('SEND', { destination: '/topic/stream' }, 'x'.repeat(30_000)));
      }
      await sender.settle();
      return (await send([])) === 404;
    });
    // It reads again: what was written, then why it ended, or the end of the connection if that took too long.
    http.socket.resume();
    let last = '';
    for (let chunk = ''; chunk !== null; chunk = await http.chunkText().catch(() => null)) {
      last = chunk;
    }
    assert.ok(/c\[1008,/.test(last) || http.inbox.end !== null, last.slice(-100));
    http.drop();
  });
}

misbehaving('a sender that does not read its receipts', async (openClient) => {
  const client = await openClient('tcp');
  await client.connect();
  client.socket.pause();
  let isClosed = false;
  client.socket.on('close', () => {
    isClosed = true;
  });
  client.socket.on('error', () => {});
  const receipt = 'r'.repeat(200);
  await until('the connection to be closed, or no longer read', () => {
    if (isClosed || client.socket.destroyed || client.socket.writableLength > 32 * 1024 * 1024) {
      return true;
    }
    for (let i = 0; i < 5000; i++) {
      client.send(frame('SEND', { destination: '/topic/x', receipt }, ''));
    }
    return false;
  });
});

misbehaving('a flood of pings', async (openClient) => {
  const client = await openClient('websocket');
  await client.connect();
  let sent = 0;
  await until('pings to be closed or to have been carried', () => {
    for (let i = 0; i < 2000 && client.inbox.end === null; i++, sent++) {
      client.socket.ping('x'.repeat(100), undefined, () => {});
    }
    return client.inbox.end !== null || sent >= 100_000;
  });
});

misbehaving('a flood of line ends', async (openClient) => {
  for (const face of ['tcp', 'websocket']) {
    const client = await openClient(face);
    await client.connect();
    for (let i = 0; i < 200 && client.inbox.end === null; i++) {
      client.send(Buffer.alloc(32 * 1024, '\n'));
    }
    // Carried and then forgotten, or closed for it: both are an answer.
    client.send(frame('DISCONNECT', { receipt: 'bye' }));
    await isOver(client);
  }
});

misbehaving('more fragments than the limit', async (openClient) => {
  const client = await openClient('websocket');
  await client.connect();
  for (let i = 0; i < 1100 && client.inbox.end === null; i++) {
    client.socket.send('', { fin: false });
  }
  assert.equal((await client.ended()).code, 1009);
});

misbehaving('more subscriptions than the limit', async (openClient) => {
  for (const face of faces) {
    const client = await openClient(face);
    await client.connect();
    const all = Array.from({ length: 200 }, (_, i) => frame('SUBSCRIBE', { id: i, destination: `/topic/${i}` }));
    client.send(Buffer.concat(all));
    assert.equal((await client.refused()).header('message').includes('subscriptions'), true);
  }
});

test('more connections than the limit', async () => {
  await withStack({ gateway: { limits: { connections: 20 } } }, async (programs) => {
    await withClients(programs, (openClient) => withEcho(openClient, async () => {
      const sockets = [];
      let refused = 0;
      for (let i = 0; i < 60; i++) {
        const socket = net.connect(i % 2 ? programs.port : programs.stompPort, '127.0.0.1');
        socket.on('error', () => {});
        socket.on('close', () => {
          refused++;
        });
        socket.resume();
        sockets.push(socket);
      }
      await until('the others to be refused', () => refused >= 41);
      assert.equal(refused, 41);
      sockets.forEach((socket) => socket.destroy());
    }));
  });
});

test('more connections from one address than the limit', async () => {
  await withStack({ gateway: { limits: { connections_per_address: 5 } } }, async (programs) => {
    await withClients(programs, async (openClient) => {
      for (let i = 0; i < 5; i++) {
        await (await openClient('tcp')).connect();
      }
      const socket = net.connect(programs.stompPort, '127.0.0.1');
      socket.on('error', () => {});
      await new Promise((resolve) => socket.on('close', resolve));
    });
  });
});

test('more sessions than the limit', async () => {
  await withStack({ gateway: { limits: { sessions: 3 } } }, async (programs) => {
    await withClients(programs, async (openClient) => {
      const kept = [];
      for (const face of faces) {
        const client = await openClient(face);
        await client.connect();
        kept.push(client);
      }
      const http = openHttp(programs.port);
      http.request('POST', `${sessionPath('/ws')}/xhr`, { body: '' });
      assert.equal((await http.answer()).status, 200);
      assert.match(await http.body(), /^c\[\d{4},"[^"]+"\]\n$/);
      http.drop();
      const tcp = net.connect(programs.stompPort, '127.0.0.1');
      tcp.on('error', () => {});
      tcp.resume();
      tcp.write(frame('CONNECT', { 'accept-version': '1.2' }));
      await new Promise((resolve) => tcp.on('close', resolve));
      for (const client of kept) {
        await client.settle();
      }
    });
  });
});

// --- The ends of the programs ---

test('SIGTERM with 200 clients of all transports: both end well, WebSockets are told 1001', async () => {
  const programs = await startStack({ gateway: { endpoints: [{ path: '/ws', ...open }, { path: '/stomp', allowed_origins: ['*'] }] } });
  try {
    await withClients(programs, async (openClient) => {
      const clients = [];
      for (let i = 0; i < 120; i++) {
        const client = await openClient(faces[i % faces.length]);
        await client.connect();
        await client.subscribe('/topic/all');
        clients.push(client);
      }
      const streams = [];
      for (let i = 0; i < 80; i++) {
        const name = ['xhr_streaming', 'eventsource', 'htmlfile?c=x', 'jsonp?c=x'][i % 4];
        const http = openHttp(programs.port);
        http.request(name === 'xhr_streaming' ? 'POST' : 'GET', `${sessionPath('/ws')}/${name}`, { body: name === 'xhr_streaming' ? '' : null });
        await http.answer();
        streams.push(http);
      }
      const [gateway] = programs.gateways;
      gateway.signal('SIGTERM');
      const { fields } = await gateway.waitFor('gateway_stopped');
      assert.equal(fields.sessions_opened, fields.sessions_closed);
      assert.equal(fields.connections_accepted, fields.connections_closed);
      await gateway.assertEnded(programs.allowed);
      for (const client of clients) {
        await isOver(client);
        client.face === 'websocket' && assert.equal(client.inbox.end.code, 1001);
      }
      for (const http of streams) {
        await http.closed();
        http.drop();
      }
    });
    await programs.stop();
  } catch (error) {
    programs.kill();
    throw error;
  }
});

test('SIGTERM to the broker: it ends well, the gateway keeps its clients', async () => {
  await withStack({}, async (programs) => {
    programs.allow('link_lost', 'link_');
    await withClients(programs, async (openClient) => {
      const clients = await Promise.all(faces.map((face) => openClient(face)));
      await Promise.all(clients.map((client) => client.connect()));
      programs.broker.signal('SIGTERM');
      await programs.broker.assertEnded(programs.allowed);
      await programs.startBroker();
      for (const client of clients) {
        await client.settle();
      }
    });
  });
});

test('a broker that was killed and came again: clients stay, subscriptions hold, what is published arrives', async () => {
  await withStack({}, async (programs) => {
    programs.allow('link_lost', 'link_');
    await withClients(programs, async (openClient) => {
      const clients = await Promise.all(faces.map((face) => openClient(face)));
      for (const client of clients) {
        await client.connect();
        await client.subscribe('/topic/exact', 'e');
        await client.subscribe('/topic/*/pattern', 'p');
      }
      for (let round = 0; round < 3; round++) {
        programs.broker.signal('SIGKILL');
        await programs.broker.exited;
        // Published while nobody is there to take it: held, and its receipt given when it has been taken.
        const destination = round % 2 ? '/topic/a/pattern' : '/topic/exact';
        clients[round].send(frame('SEND', { destination, receipt: 'held' }, `held ${round}`));
        await programs.startBroker();
        for (const client of clients) {
          const found = [await client.frame(), ...(client === clients[round] ? [await client.frame()] : [])];
          const message = found.find(({ command }) => command === 'MESSAGE');
          assert.equal(message.text, `held ${round}`);
          assert.equal(message.header('subscription'), round % 2 ? 'p' : 'e');
        }
        // New ones come and old ones talk.
        const guest = await openClient('xhr');
        await guest.connect();
        guest.send(frame('SEND', { destination: '/topic/exact' }, `after ${round}`));
        for (const client of clients) {
          assert.equal((await client.frame('MESSAGE')).text, `after ${round}`);
        }
        guest.send(frame('DISCONNECT'));
        await guest.ended();
      }
    });
  });
});

test('polling sessions outlive a broker\'s restart too', async () => {
  await withStack({}, async (programs) => {
    programs.allow('link_lost', 'link_');
    const session = new SockJsPolling(programs.port, '/ws');
    assert.equal(await session.poll(), 'o');
    await session.send([String(frame('CONNECT', { 'accept-version': '1.2' })), String(frame('SUBSCRIBE', { id: '1', destination: '/topic/p', receipt: 'r' }))]);
    assert.match(await session.poll(), /CONNECTED/);
    programs.broker.signal('SIGKILL'); // nobody polls at this moment
    await programs.broker.exited;
    await programs.startBroker();
    assert.equal(await session.send([String(frame('SEND', { destination: '/topic/p' }, 'after'))]), 204);
    let text = '';
    while (!text.includes('after')) {
      text += await session.poll();
    }
    session.drop();
  });
});
