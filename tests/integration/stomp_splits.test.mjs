// However the bytes of a conversation are cut, the answers are the same: stomp.md 1.5, security.md 1.5 P7.

import assert from 'node:assert/strict';
import { test } from '../lib/test.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { FACES, frame, withClients } from '../lib/stomp.mjs';

const stack = sharedStack();
const AT_ONCE = 8;

/** What a client says from its first byte to its last. No two runs share a destination. */
function conversation(version, run) {
  const destination = `/topic/splits-${run}`;
  const eol = version === '1.0' ? '\n' : '\r\n';
  return Buffer.concat([
    Buffer.from('\n'),
    frame('CONNECT', { 'accept-version': version, host: 'test' }),
    Buffer.from('\n\r\n'),
    frame('SUBSCRIBE', { id: 's', destination, receipt: 'r1' }),
    frame('SUBSCRIBE', { id: 't', destination: '/topic/silent', 'content-length': '0' }),
    frame('SEND', { destination, 'content-length': '8', a: version === '1.0' ? 'b' : '\\c\\\\\\n' }, 'a\0b\n\0\0cd'),
    Buffer.from(`SEND${eol}destination:${destination}${eol}${eol}한 🐟\0\0\n`),
    frame('SEND', { destination, receipt: 'r2', 'content-length': '0' }),
    frame('UNSUBSCRIBE', { id: 't', receipt: 'r3' }),
    frame('DISCONNECT', { receipt: 'r4' }),
  ]);
}

const ANSWERS = ['CONNECTED', 'RECEIPT', 'MESSAGE', 'MESSAGE', 'MESSAGE', 'RECEIPT', 'RECEIPT', 'RECEIPT'];

/** The answers, without what differs by run. */
async function answers(client) {
  const found = [];
  for (const command of ANSWERS) {
    const one = await client.frame(command);
    const headers = one.headers.map(([name, value]) => [name, ['message-id', 'session', 'destination'].includes(name) ? '' : value]);
    found.push([one.command, headers, one.text]);
  }
  const { kind, code } = await client.ended();
  return JSON.stringify([...found, kind, code]);
}

/** Runs `body(i)` for 0…count-1, a few at once. */
async function each(count, body) {
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < count) {
      await body(next++);
    }
  }));
}

async function converse(open, face, version, run, cut) {
  const client = await open(face);
  const bytes = conversation(version, run);
  const [result] = await Promise.all([answers(client), client.sendParts(cut(bytes))]);
  client.drop();
  return result;
}

// SockJS carries text: a cut within a character cannot be sent there, and cuts within an emoji have tests of their own.
const isWithinCharacter = (bytes, at) => (bytes[at] & 0xc0) === 0x80;

for (const face of Object.keys(FACES)) {
  for (const version of ['1.0', '1.1', '1.2']) {
    test(`${face} ${version}: every split point gives the same answers`, async () => {
      await withClients(await stack(), async (open) => {
        const whole = await converse(open, face, version, `${face}-whole`, (bytes) => [bytes]);
        await each(conversation(version, 'xxx').length, async (at) => {
          const run = String(at).padStart(3, '0');
          const cut = (bytes) => (face === 'xhr' && isWithinCharacter(bytes, at) ? [bytes] : [bytes.subarray(0, at), bytes.subarray(at)]);
          assert.equal(await converse(open, face, version, run, cut), whole, `cut at ${at}`);
        });
      });
    });

    test(`${face} ${version}: byte by byte gives the same answers`, async () => {
      await withClients(await stack(), async (open) => {
        const whole = await converse(open, face, version, 'whole', (bytes) => [bytes]);
        const single = (bytes) => Array.from(face === 'xhr' ? bytes.toString() : bytes, (one) => Buffer.from(typeof one === 'string' ? one : [one]));
        assert.equal(await converse(open, face, version, 'bytes', single), whole);
      });
    });
  }
}

test('xhr: a frame may come in many texts of one request, and many frames in one text', async () => {
  await withClients(await stack(), async (open) => {
    const whole = await converse(open, 'xhr', '1.2', 'whole', (bytes) => [bytes]);
    const client = await open('xhr');
    const texts = Array.from(conversation('1.2', 'texts').toString());
    const [result] = await Promise.all([answers(client), client.session.send(texts)]);
    assert.equal(result, whole);
  });
});

test('websocket: a message cut into WebSocket fragments is one message', async () => {
  await withClients(await stack(), async (open) => {
    const whole = await converse(open, 'websocket', '1.2', 'whole', (bytes) => [bytes]);
    const client = await open('websocket');
    const bytes = conversation('1.2', 'fragments');
    const parts = Array.from(bytes, (one) => Buffer.from([one]));
    parts.forEach((part, i) => client.socket.send(part, { binary: true, fin: i === parts.length - 1 }));
    assert.equal(await answers(client), whole);
  });
});
