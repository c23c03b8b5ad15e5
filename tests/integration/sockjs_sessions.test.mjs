// A SockJS session's life: waiting, expiring, being cut, being remembered; sockjs.md 1.9. And STOMP over each transport.

import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { test } from '../lib/test.mjs';
import { sharedStack, until, withStack } from '../lib/stack.mjs';
import { fetchOnce, openHttp } from '../lib/http.mjs';
import { sessionPath } from '../lib/sockjs.mjs';
import { frame, withClients } from '../lib/stomp.mjs';

const open = { sockjs: true, allowed_origins: ['*'] };
const stack = sharedStack({
  gateway: {
    endpoints: [
      { path: '/ws', ...open },
      { path: '/echo', service: 'echo', ...open },
      { path: '/brief', service: 'echo', disconnect_delay: '300ms', ...open },
      { path: '/close', service: 'close', disconnect_delay: '300ms', ...open },
      { path: '/beating', service: 'echo', sockjs_heartbeat: '200ms', ...open },
      { path: '/narrow', service: 'echo', limits: { queue_size: '4KiB', queue_messages: 5 }, ...open },
      { path: '/few', service: 'echo', limits: { queue_messages: 5 }, ...open },
    ],
  },
});

const ask = async (method, path, options) => fetchOnce((await stack()).port, method, path, options);
const poll = async (path) => (await ask('POST', `${path}/xhr`, { body: '' })).body;
const send = async (path, texts) => (await ask('POST', `${path}/xhr_send`, { body: JSON.stringify(texts) })).status;

/** A poll that waits: it is there when another one is refused. Whichever of the two that is, the other one waits. */
async function waitingPoll(path) {
  const { port } = await stack();
  const [one, two] = [openHttp(port), openHttp(port)];
  const answers = [one, two].map(async (http) => {
    http.request('POST', `${path}/xhr`, { body: '' });
    await http.answer();
    return { http, body: await http.body() };
  });
  answers.forEach((answer) => answer.catch(() => {}));
  const refused = await Promise.race(answers);
  assert.equal(refused.body, 'c[2010,"Another connection still open"]\n');
  refused.http.drop();
  const waiting = refused.http === one ? 1 : 0;
  const body = answers[waiting].then((answer) => {
    answer.http.drop();
    return answer.body;
  });
  body.catch(() => {});
  return { drop: () => [one, two][waiting].drop(), body };
}

/** Sends nothing, which keeps no session alive, until there is nobody to send it to. */
async function expired(path) {
  await until('the session to expire', async () => (await send(path, [])) === 404);
}

test('R43 a session without receiver expires after its delay, and its id is free', async () => {
  const path = sessionPath('/brief');
  assert.equal(await poll(path), 'o\n');
  await expired(path);
  assert.equal(await poll(path), 'o\n');
});

test('R43 a session with a receiver does not expire', async () => {
  const path = sessionPath('/brief');
  assert.equal(await poll(path), 'o\n');
  const waiting = await waitingPoll(path);
  const dying = sessionPath('/brief');
  assert.equal(await poll(dying), 'o\n');
  await expired(dying);
  assert.equal(await send(path, ['x']), 204);
  assert.equal(await waiting.body, 'a["x"]\n');
});

test('R42 D4 D6 a closed session is remembered with its reason, and then forgotten', async () => {
  const path = sessionPath('/close');
  assert.equal(await poll(path), 'o\n');
  assert.equal(await poll(path), 'c[3000,"Go away!"]\n');
  assert.equal(await poll(path), 'c[3000,"Go away!"]\n');
  // Twice the delay later the id is free: until then every answer is the same.
  let body = await poll(path);
  while (body === 'c[3000,"Go away!"]\n') {
    body = await poll(path);
  }
  assert.equal(body, 'o\n');
});

test('R44 xhr: a receiver that the network cut ends the session', async () => {
  const path = sessionPath('/echo');
  assert.equal(await poll(path), 'o\n');
  (await waitingPoll(path)).drop();
  await expired(path);
  assert.equal(await poll(path), 'c[1002,"Connection interrupted"]\n');
});

for (const name of ['xhr_streaming', 'htmlfile?c=x']) {
  test(`R44 ${name}: a receiver that the network cut ends the session`, async () => {
    const path = sessionPath('/echo');
    const method = name === 'xhr_streaming' ? 'POST' : 'GET';
    const request = async () => {
      const http = openHttp((await stack()).port);
      http.request(method, `${path}/${name}`, { body: method === 'POST' ? '' : null });
      await http.answer();
      await http.chunk();
      return http;
    };
    const first = await request();
    await first.chunk();
    first.drop();
    await expired(path);
    const second = await request();
    assert.match(await second.chunkText(), /c\[1002,\\?"Connection interrupted\\?"\]/);
    assert.equal(await second.chunk(), null);
    second.drop();
  });
}

test('R44 eventsource: browsers come again, the session stays', async () => {
  const path = sessionPath('/echo');
  const { port } = await stack();
  const first = openHttp(port);
  first.request('GET', `${path}/eventsource`);
  await first.answer();
  assert.equal(await first.chunkText(), '\r\n');
  assert.equal(await first.chunkText(), 'data: o\r\n\r\n');
  first.drop();
  for (;;) {
    const second = openHttp(port);
    second.request('GET', `${path}/eventsource`);
    await second.answer();
    assert.equal(await second.chunkText(), '\r\n');
    assert.equal(await send(path, ['x']), 204);
    const text = await second.chunkText();
    second.drop();
    if (!text.includes('c[2010')) { // the first had not been seen to go yet
      assert.equal(text, 'data: a["x"]\r\n\r\n');
      return;
    }
  }
});

test('R45 heart-beats while a receiver waits', async () => {
  const path = sessionPath('/beating');
  assert.equal(await poll(path), 'o\n');
  assert.equal(await poll(path), 'h\n'); // and the session goes on
  assert.equal(await poll(path), 'h\n');
  const { port } = await stack();
  const streams = { xhr_streaming: 'h\n', eventsource: 'data: h\r\n\r\n', 'htmlfile?c=x': '<script>\np("h");\n</script>\r\n' };
  for (const [name, beat] of Object.entries(streams)) {
    const http = openHttp(port);
    const method = name === 'xhr_streaming' ? 'POST' : 'GET';
    http.request(method, `${sessionPath('/beating')}/${name}`, { body: method === 'POST' ? '' : null });
    await http.answer();
    await http.chunk();
    await http.chunk();
    for (let i = 0; i < 3; i++) {
      assert.equal(await http.chunkText(), beat);
    }
    http.drop();
  }
  const jsonp = sessionPath('/beating');
  assert.equal((await ask('GET', `${jsonp}/jsonp?c=x`)).body, '/**/x("o");\r\n');
  assert.equal((await ask('GET', `${jsonp}/jsonp?c=x`)).body, '/**/x("h");\r\n');
  const socket = new WebSocket(`ws://127.0.0.1:${port}/beating/000/x/websocket`);
  const found = await new Promise((resolve) => {
    const texts = [];
    socket.on('message', (data) => texts.push(data.toString()) === 3 && resolve(texts));
  });
  assert.deepEqual(found, ['o', 'h', 'h']);
  socket.terminate();
});

test('R41 R47 two first polls at once make one session', async () => {
  for (let i = 0; i < 20; i++) {
    const path = sessionPath('/echo');
    const polls = [poll(path), poll(path)];
    const first = await Promise.race(polls);
    assert.ok(['o\n', 'c[2010,"Another connection still open"]\n'].includes(first), first);
    // Who came after the open waits for a message; whoever was refused has its answer.
    if (first === 'o\n') {
      await send(path, ['x']);
    }
    const bodies = await Promise.all(polls);
    assert.equal(bodies.filter((body) => body === 'o\n').length, 1, String(bodies));
  }
});

test('what waits for the next request is bounded by bytes', async () => {
  const path = sessionPath('/narrow');
  assert.equal(await poll(path), 'o\n');
  assert.equal(await send(path, ['x'.repeat(3000)]), 204);
  await send(path, ['y'.repeat(3000)]);
  const body = await poll(path);
  assert.match(body, /^c\[\d{4},"[^"]+"\]\n$/, 'closed as too slow');
  assert.equal(await send(path, ['z']), 404);
});

test('what waits for the next request is bounded by messages', async () => {
  const path = sessionPath('/few');
  assert.equal(await poll(path), 'o\n');
  assert.equal(await send(path, ['1', '2', '3', '4', '5']), 204);
  assert.equal(await poll(path), 'a["1","2","3","4","5"]\n');
  for (let i = 0; i < 5; i++) {
    assert.equal(await send(path, [String(i)]), 204);
  }
  await send(path, ['one more']);
  assert.match(await poll(path), /^c\[\d{4},"[^"]+"\]\n$/);
});

test('messages that were queued come before the close', async () => {
  await withClients(await stack(), async (openClient) => {
    const client = await openClient('xhr');
    await client.connect();
    client.send(Buffer.concat([frame('SEND', { destination: '/topic/x', receipt: '1' }), frame('DISCONNECT', { receipt: '2' })]));
    assert.equal((await client.frame('RECEIPT')).header('receipt-id'), '1');
    assert.equal((await client.frame('RECEIPT')).header('receipt-id'), '2');
    assert.equal((await client.ended()).code, 1000);
  });
});

// --- STOMP over each transport: what is sent comes back, Korean, emoji and all that needs escaping ---

const TEXT = '한국어 🐟 100% a%20b </script> "\\\u2028\u200c';

/** How each transport opens, receives texts and sends them. */
const TRANSPORTS = {
  xhr: async (port, path) => {
    const answer = async () => (await fetchOnce(port, 'POST', `${path}/xhr`, { body: '' })).body.slice(0, -1);
    assert.equal(await answer(), 'o');
    return { next: answer, name: 'xhr_send' };
  },
  jsonp: async (port, path) => {
    const answer = async () => JSON.parse((await fetchOnce(port, 'GET', `${path}/jsonp?c=x`)).body.slice('/**/x('.length, -4));
    assert.equal(await answer(), 'o');
    return { next: answer, name: 'jsonp_send' };
  },
  xhr_streaming: (port, path) => openLong(port, 'POST', `${path}/xhr_streaming`, (chunk) => chunk.slice(0, -1)),
  eventsource: (port, path) => openLong(port, 'GET', `${path}/eventsource`, (chunk) => decodeURIComponent(chunk.slice(6, -4))),
  htmlfile: (port, path) => openLong(port, 'GET', `${path}/htmlfile?c=x`, (chunk) => JSON.parse(chunk.slice('<script>\np('.length, -');\n</script>\r\n'.length))),
};

async function openLong(port, method, path, unwrap) {
  const http = openHttp(port);
  http.request(method, path, { body: method === 'POST' ? '' : null });
  await http.answer();
  await http.chunk();
  assert.equal(unwrap(await http.chunkText()), 'o');
  return { next: async () => unwrap(await http.chunkText()), name: 'xhr_send', drop: () => http.drop() };
}

for (const [transport, openTransport] of Object.entries(TRANSPORTS)) {
  test(`STOMP over ${transport}`, async () => {
    const { port } = await stack();
    const path = sessionPath('/ws');
    const { next, name, drop } = await openTransport(port, path);
    const texts = [];
    const text = async () => {
      while (texts.length === 0) {
        const found = await next();
        if (found !== 'h') {
          assert.equal(found[0], 'a', found);
          texts.push(...JSON.parse(found.slice(1)));
        }
      }
      return texts.shift();
    };
    const say = async (...frames) => {
      const { status } = await fetchOnce(port, 'POST', `${path}/${name}`, {
        body: JSON.stringify(frames.map(String)), headers: { 'Content-Type': 'text/plain' },
      });
      assert.equal(status, name === 'xhr_send' ? 204 : 200);
    };
    await say(frame('CONNECT', { 'accept-version': '1.2' }));
    assert.match(await text(), /^CONNECTED\nversion:1.2\n/);
    await say(frame('SUBSCRIBE', { id: '1', destination: `/topic/${transport}`, receipt: 'r' }));
    assert.equal(await text(), 'RECEIPT\nreceipt-id:r\n\n\0');
    await say(frame('SEND', { destination: `/topic/${transport}`, n: '1' }, TEXT), frame('SEND', { destination: `/topic/${transport}`, n: '2' }, 'b'));
    for (const body of [TEXT, 'b']) {
      assert.equal((await text()).split('\n\n').slice(1).join('\n\n'), `${body}\0`);
    }
    await say(frame('DISCONNECT', { receipt: 'bye' }));
    assert.equal(await text(), 'RECEIPT\nreceipt-id:bye\n\n\0');
    assert.match(await next(), /^c\[1000,/);
    drop?.();
  });
}

test('R51 a pair that is cut over two messages is joined, what is alone becomes U+FFFD', async () => {
  const { port } = await stack();
  for (const [pieces, expected] of [
    [['["SEND\\ndestination:/topic/halves\\n\\na\\ud83d"]', '["\\ude00b\\u0000"]'], 'a😀b'],
    [['["SEND\\ndestination:/topic/halves\\n\\na\\ud83d","\\ude00b\\u0000"]'], 'a😀b'],
    [['["SEND\\ndestination:/topic/halves\\n\\n\\ud83d"]', '["\\ude00"]', '["\\ud83c"]', '["\\udf89\\u0000"]'], '😀🎉'],
    [['["SEND\\ndestination:/topic/halves\\n\\na\\ud83d"]', '["b\\u0000"]'], 'a\ufffdb'],
    [['["SEND\\ndestination:/topic/halves\\n\\na\\ude00b\\u0000"]'], 'a\ufffdb'],
    [['["SEND\\ndestination:/topic/halves\\n\\na\\ud83d\\ud83d"]', '["\\ude00\\u0000"]'], 'a\ufffd😀'],
    [['["SEND\\ndestination:/topic/halves\\n\\na\\ud83d\\u0000"]'], 'a\ufffd'],
  ]) {
    const path = sessionPath('/ws');
    assert.equal(await poll(path), 'o\n');
    const say = async (body) => assert.equal((await ask('POST', `${path}/xhr_send`, { body })).status, 204);
    await say(JSON.stringify([String(frame('CONNECT', { 'accept-version': '1.2' })), String(frame('SUBSCRIBE', { id: '1', destination: '/topic/halves' }))]));
    assert.match(await poll(path), /^a\["CONNECTED/);
    for (const piece of pieces) {
      await say(piece);
    }
    const [message] = JSON.parse((await poll(path)).slice(1));
    assert.equal(message.split('\n\n')[1], `${expected}\0`, String(pieces));
    await say(JSON.stringify([String(frame('DISCONNECT'))]));
  }
  assert.ok(port > 0);
});

test('R51 the same over a SockJS WebSocket', async () => {
  const { port } = await stack();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/000/x/websocket`);
  const texts = [];
  let wake = () => {};
  socket.on('message', (data) => {
    texts.push(data.toString());
    wake();
  });
  const next = async () => {
    while (texts.length === 0) {
      await new Promise((resolve) => {
        wake = resolve;
      });
    }
    return texts.shift();
  };
  assert.equal(await next(), 'o');
  socket.send(JSON.stringify([String(frame('CONNECT', { 'accept-version': '1.1' })), String(frame('SUBSCRIBE', { id: '1', destination: '/topic/ws-halves' }))]));
  await next();
  socket.send('["SEND\\ndestination:/topic/ws-halves\\n\\na\\ud83d"]');
  socket.send('["\\ude00b\\u0000"]');
  assert.ok(JSON.parse((await next()).slice(1))[0].endsWith('\n\na😀b\0'));
  socket.terminate();
});

test('STOMP heart-beats ride in frames of their own, and SockJS\'s fall silent', async () => {
  const config = { gateway: { heartbeat: { send: '500ms', receive: '0s' }, endpoints: [{ path: '/ws', sockjs_heartbeat: '100ms', ...open }] } };
  await withStack(config, async (programs) => {
    await withClients(programs, async (openClient) => {
      const client = await openClient('xhr');
      await client.connect('1.2', { 'heart-beat': '0,500' });
      const before = client.session.heartbeats;
      await client.inbox.until(() => client.beats >= 3, 'three heart-beats');
      assert.ok(client.session.heartbeats - before <= 1, `${client.session.heartbeats - before} h frames besides`);
    });
  });
});
