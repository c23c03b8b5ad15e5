// ACK, NACK and transactions on topics, on each face: stomp.md 1.1, U3 to U7 and T1 to T3.

import assert from 'node:assert/strict';
import { test } from '../lib/test.mjs';
import { sharedStack, withStack } from '../lib/stack.mjs';
import { RawSession } from '../lib/rawsockjs.mjs';
import { FACES, frame, withClients } from '../lib/stomp.mjs';

const stack = sharedStack();
const VERSIONS = ['1.0', '1.1', '1.2'];

async function onEachFace(versions, body) {
  await withClients(await stack(), async (open) => {
    for (const version of versions) {
      for (const face of Object.keys(FACES)) {
        const client = await open(face);
        await client.connect(version);
        await body(client, version, open);
      }
    }
  });
}

/** Sends frames and waits for the RECEIPT of the last. */
async function say(client, ...frames) {
  client.send(Buffer.concat(frames));
  return (await client.frame('RECEIPT')).header('receipt-id');
}

const send = (destination, body, headers = {}) => frame('SEND', { destination, ...headers }, body);

test('U3 U4 a message of a topic is acknowledged in each version\'s own words', async () => {
  await onEachFace(VERSIONS, async (client, version) => {
    for (const [index, ack] of ['client', 'client-individual'].entries()) {
      const id = `s${index}`;
      const destination = `/topic/acked-${ack}`;
      client.send(Buffer.concat([frame('SUBSCRIBE', { id, destination, ack }), send(destination, 'one'), send(destination, 'two')]));
      const [one, two] = [await client.frame('MESSAGE'), await client.frame('MESSAGE')];
      assert.equal(one.header('ack') !== undefined, version === '1.2');
      assert.equal(one.header('redelivered'), undefined);
      const words = (message) => (version === '1.2' ? { id: message.header('ack') } : { 'message-id': message.header('message-id'), subscription: id });
      assert.equal(await say(client, frame('NACK', words(one)), frame('ACK', { ...words(two), receipt: 'r' })), 'r');
      client.send(frame('UNSUBSCRIBE', { id }));
    }
  });
});

test('U3 an unknown ack mode is an ERROR', async () => {
  await onEachFace(VERSIONS, async (client) => {
    client.send(frame('SUBSCRIBE', { id: 's', destination: '/topic/a', ack: 'maybe', receipt: 'r' }));
    assert.equal((await client.refused()).header('receipt-id'), 'r');
  });
});

test('U7 an ACK of what nobody waits for is an ERROR to a service, and forgiven to a browser', async () => {
  await onEachFace(['1.1', '1.2'], async (client, version) => {
    await client.subscribe('/topic/a');
    client.send(frame('ACK', version === '1.2' ? { id: 'x@y', receipt: 'r' } : { 'message-id': 'x', subscription: 'y', receipt: 'r' }));
    if (client.face === 'tcp') {
      assert.equal((await client.refused()).header('receipt-id'), 'r');
    } else {
      assert.equal((await client.frame('RECEIPT')).header('receipt-id'), 'r');
    }
  });
});

test('T2 what a transaction sends comes with COMMIT, in order, and not before', async () => {
  await onEachFace(VERSIONS, async (client) => {
    const destination = '/topic/committed';
    client.send(frame('SUBSCRIBE', { id: 's', destination }));
    const inside = { transaction: 't' };
    client.send(Buffer.concat([
      frame('BEGIN', inside), send(destination, '1', inside), send(destination, '2', inside), send(destination, '0'), frame('COMMIT', inside),
    ]));
    for (const body of ['0', '1', '2']) {
      const message = await client.frame('MESSAGE');
      assert.equal(message.text, body);
      assert.equal(message.header('transaction'), undefined);
    }
  });
});

test('T2 what is aborted, or cut off with its session, never comes', async () => {
  await onEachFace(['1.2'], async (client, _version, open) => {
    const destination = `/topic/aborted-${client.face}`;
    await client.subscribe(destination);
    const inside = { transaction: 't' };
    client.send(Buffer.concat([frame('BEGIN', inside), send(destination, 'aborted', inside), frame('ABORT', inside)]));
    const other = await open('tcp');
    await other.connect('1.2');
    assert.equal(await say(other, frame('BEGIN', inside), send(destination, 'cut off', { ...inside, receipt: 'r' })), 'r');
    other.send(frame('DISCONNECT', { receipt: 'bye' }));
    assert.equal((await other.frame('RECEIPT')).header('receipt-id'), 'bye');
    await other.ended();
    client.send(send(destination, 'last'));
    assert.equal((await client.frame('MESSAGE')).text, 'last');
  });
});

test('T3 receipts inside a transaction come at once, and in the order of frames', async () => {
  await onEachFace(['1.2'], async (client) => {
    const inside = { transaction: 't' };
    client.send(Buffer.concat([
      frame('BEGIN', { ...inside, receipt: '1' }), send('/topic/a', 'x', { ...inside, receipt: '2' }), frame('COMMIT', { ...inside, receipt: '3' }),
      send('/topic/a', 'y', { receipt: '4' }),
    ]));
    for (const id of ['1', '2', '3', '4']) {
      assert.equal((await client.frame('RECEIPT')).header('receipt-id'), id);
    }
  });
});

for (const [what, frames] of Object.entries({
  'BEGIN without a name': [frame('BEGIN', { receipt: 'r' })],
  'BEGIN twice': [frame('BEGIN', { transaction: 't' }), frame('BEGIN', { transaction: 't', receipt: 'r' })],
  'COMMIT of none': [frame('COMMIT', { transaction: 't', receipt: 'r' })],
  'ABORT of none': [frame('ABORT', { transaction: 't', receipt: 'r' })],
  'SEND into none': [send('/topic/a', 'x', { transaction: 't', receipt: 'r' })],
})) {
  test(`T1 ${what} is an ERROR and the end`, async () => {
    await onEachFace(VERSIONS, async (client) => {
      client.send(Buffer.concat(frames));
      assert.equal((await client.refused()).header('receipt-id'), 'r');
    });
  });
}

const LIMITS = { gateway: { limits: { transactions: 2, transaction_frames: 3, transaction_size: '1KiB' } } };
const begin = (transaction) => frame('BEGIN', { transaction });
const inside = (body) => send('/topic/a', body, { transaction: '1' });
const BEYOND = {
  'transactions at once': [[begin('1'), begin('2')], begin('3'), /\b2\b/],
  'frames in one': [[begin('1'), inside('a'), inside('b'), inside('c')], inside('d'), /\b3\b/],
  'bytes of all': [[begin('1'), inside('x'.repeat(500))], inside('x'.repeat(500)), /\b1024\b/],
};

test('T2 a transaction has limits, and the ERROR names them', async () => {
  await withStack(LIMITS, async (programs) => {
    await withClients(programs, async (open) => {
      for (const face of Object.keys(FACES)) {
        for (const [within, beyond, limit] of Object.values(BEYOND)) {
          const client = await open(face);
          await client.connect('1.2');
          client.send(Buffer.concat(within));
          await client.settle();
          client.send(beyond);
          assert.match((await client.refused()).header('message'), limit);
        }
      }
    });
  });
});

test('an open transaction goes with its session from gateway to gateway', async () => {
  await withStack({}, async (programs) => {
    const [a, b] = programs.gateways.map(({ url }) => url);
    const session = new RawSession('xhr');
    assert.equal((await session.receive(a).all())[0].type, 'o');
    const tell = (url, ...frames) => session.send(url, frames.map((bytes) => bytes.toString()));
    await tell(a, frame('CONNECT', { 'accept-version': '1.2' }), frame('SUBSCRIBE', { id: 's', destination: '/topic/moved' }),
      begin('t'), send('/topic/moved', 'inside', { transaction: 't' }));
    const seen = [];
    const read = async (url, what) => {
      while (!seen.some((text) => text.startsWith(what))) {
        for (const { messages } of await session.receive(url).all()) {
          seen.push(...(messages ?? []));
        }
      }
    };
    await read(a, 'CONNECTED');
    await tell(b, send('/topic/moved', 'outside'));
    await read(b, 'MESSAGE');
    assert.match(seen.at(-1), /outside/);
    await tell(a, frame('COMMIT', { transaction: 't' }));
    seen.length = 0;
    await read(b, 'MESSAGE');
    assert.match(seen.at(-1), /inside/);
    await tell(b, frame('DISCONNECT'));
    await session.receive(b).all();
  }, { gateways: 2 });
});
