// Messages of all sorts between all faces: order, binary bodies, large bodies.

import assert from 'node:assert/strict';
import { test } from '../lib/test.mjs';
import { sharedStack, withStack } from '../lib/stack.mjs';
import { FACES, frame, withClients } from '../lib/stomp.mjs';

const stack = sharedStack();
const faces = Object.keys(FACES);
const COUNT = 500;

async function connected(open, face, version = '1.2') {
  const client = await open(face);
  await client.connect(version);
  return client;
}

test('messages of a sender arrive in order, each once, on every face', async () => {
  await withClients(await stack(), async (open) => {
    const readers = [];
    for (const face of faces) {
      for (const version of ['1.0', '1.2']) {
        const reader = await connected(open, face, version);
        await reader.subscribe('/topic/order');
        readers.push(reader);
      }
    }
    const senders = await Promise.all(faces.map((face) => connected(open, face)));
    for (let i = 0; i < COUNT; i++) {
      senders.forEach((sender) => sender.send(frame('SEND', { destination: '/topic/order', from: sender.face, n: i }, `${i}`)));
    }
    const expected = Array.from({ length: COUNT }, (_, i) => String(i));
    await Promise.all(readers.map(async (reader) => {
      const found = await reader.frames(COUNT * senders.length);
      for (const face of faces) {
        const mine = found.filter((message) => message.header('from') === face);
        assert.deepEqual(mine.map((message) => message.header('n')), expected, `${face} to ${reader.face}`);
        assert.ok(mine.every((message) => message.text === message.header('n')));
      }
      await reader.settle();
    }));
  });
});

test('one order across a sender\'s destinations that one pattern covers', async () => {
  await withClients(await stack(), async (open) => {
    const reader = await connected(open, 'websocket');
    await reader.subscribe('/topic/many/**');
    const sender = await connected(open, 'tcp');
    for (let i = 0; i < COUNT; i++) {
      sender.send(frame('SEND', { destination: `/topic/many/${i % 7}`, n: i }));
    }
    const found = (await reader.frames(COUNT)).map((message) => Number(message.header('n')));
    assert.deepEqual(found, Array.from({ length: COUNT }, (_, i) => i));
  });
});

const BODIES = [
  ['text', Buffer.from('text 🐟 한국어'), true],
  ['text with NUL', Buffer.from('a\0b'), true],
  ['nothing', Buffer.alloc(0), true],
  ['U+FFFF and friends', Buffer.from('\uffff\ufffe\u2028\u0001'), true],
  ['every byte', Buffer.from(Array.from({ length: 256 }, (_, i) => i)), false],
  ['a character cut off', Buffer.from([0xed, 0x95]), false],
  ['a surrogate in UTF-8', Buffer.from([0xed, 0xa0, 0xbd]), false],
  ['an overlong NUL', Buffer.from([0xc0, 0x80]), false],
];

test('a body that is UTF-8 travels as WebSocket text, any other as binary', async () => {
  await withClients(await stack(), async (open) => {
    const plain = await connected(open, 'websocket');
    await plain.subscribe('/topic/bodies');
    const tcp = await connected(open, 'tcp');
    await tcp.subscribe('/topic/bodies');
    for (const sender of [tcp, plain]) {
      for (const [what, body, isText] of BODIES) {
        sender.send(frame('SEND', { destination: '/topic/bodies', 'content-length': body.length }, body), { binary: true });
        const [overTcp, overWebSocket] = [await tcp.frame('MESSAGE'), await plain.frame('MESSAGE')];
        assert.deepEqual(overTcp.body, body, what);
        assert.deepEqual(overWebSocket.body, body, what);
        assert.equal(overWebSocket.isBinary, !isText, what);
      }
    }
  });
});

test('SockJS cannot carry what is not UTF-8: that is left out and counted', async () => {
  const { gateways: [gateway] } = await withStack({}, async (programs) => {
    await withClients(programs, async (open) => {
      const reader = await connected(open, 'xhr');
      await reader.subscribe('/topic/unsendable');
      const sender = await connected(open, 'tcp');
      for (const [, body] of BODIES) {
        sender.send(frame('SEND', { destination: '/topic/unsendable', 'content-length': body.length }, body));
      }
      for (const [what, body] of BODIES.filter(([, , isText]) => isText)) {
        assert.deepEqual((await reader.frame('MESSAGE')).body, body, what);
      }
      await reader.settle();
    });
  });
  assert.equal(gateway.stats.frames_unsendable, BODIES.filter(([, , isText]) => !isText).length);
});

test('an invalid text message ends a WebSocket with 1007', async () => {
  await withClients(await stack(), async (open) => {
    const client = await connected(open, 'websocket');
    client.send(Buffer.from([0xff, 0xfe]), { binary: false });
    assert.equal((await client.ended()).code, 1007);
  });
});

test('a body of 200 KB in Korean and emoji goes from every face to every face where the limits allow it', async () => {
  const limits = { message_size: '1MiB', sockjs_body_size: '4MiB', queue_size: '8MiB' };
  await withStack({ gateway: { limits } }, async (programs) => {
    await withClients(programs, async (open) => {
      const body = '가나다 🐟🎉'.repeat(12_000);
      assert.ok(Buffer.byteLength(body) > 200_000);
      const readers = await Promise.all(faces.map((face) => connected(open, face)));
      for (const reader of readers) {
        await reader.subscribe('/topic/large');
      }
      for (const face of faces) {
        const sender = await connected(open, face);
        sender.send(frame('SEND', { destination: '/topic/large', from: face }, body));
        for (const reader of readers) {
          const message = await reader.frame('MESSAGE');
          assert.equal(message.header('from'), face);
          assert.ok(message.text === body, `${face} to ${reader.face} is whole`);
        }
      }
    });
  });
});
