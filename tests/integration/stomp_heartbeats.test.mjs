// Heart-beats: what CONNECTED offers, what is sent, who is called dead: stomp.md 1.3. Small values; what is asserted is what
// happens and in which order, never when.

import assert from 'node:assert/strict';
import { test } from '../lib/test.mjs';
import { sharedStack, withStack } from '../lib/stack.mjs';
import { FACES, frame, withClients } from '../lib/stomp.mjs';

const quick = sharedStack({ gateway: { heartbeat: { send: '500ms', receive: '500ms', floor: '0s' } } });
const faces = Object.keys(FACES);

// What is configured, what the client says, what CONNECTED answers.
const OFFERS = [
  [{}, undefined, '10000,10000'],
  [{}, '0,0', '10000,10000'],
  [{}, '10000,10000', '10000,10000'],
  [{}, '1,1', '10000,10000'],
  [{ send: '0s', receive: '0s' }, '10000,10000', '0,0'],
  [{ send: '20s', receive: '0s' }, '1000,1000', '20000,0'],
  [{ send: '0s', receive: '30s' }, '1000,1000', '0,30000'],
  [{ send: '500ms', receive: '700ms' }, '100,100', '500,700'],
];

for (const [heartbeat, said, answered] of OFFERS) {
  test(`${JSON.stringify(heartbeat)} to a client that says ${said}: ${answered}`, async () => {
    await withStack({ gateway: { heartbeat } }, async (programs) => {
      await withClients(programs, async (open) => {
        for (const face of faces) {
          const client = await open(face);
          const connected = await client.connect('1.2', said === undefined ? {} : { 'heart-beat': said });
          assert.equal(connected.header('heart-beat'), answered);
        }
      });
    });
  });
}

for (const value of ['', 'x', '1', '1,', ',1', '1,2,3', '-1,0', '0,-1', '1.5,1', 'a,b', '99999999999999999999,0']) {
  test(`a heart-beat header of ${JSON.stringify(value)} gets an ERROR and the end`, async () => {
    await withClients(await quick(), async (open) => {
      for (const face of faces) {
        const client = await open(face);
        client.send(frame('CONNECT', { 'accept-version': '1.2', 'heart-beat': value }));
        await client.refused();
      }
    });
  });
}

test('who asked for heart-beats gets them, who did not gets none', async () => {
  await withClients(await quick(), async (open) => {
    const asked = [];
    const others = [];
    for (const face of faces) {
      for (const version of ['1.1', '1.2']) {
        const client = await open(face);
        await client.connect(version, { 'heart-beat': '0,500' });
        asked.push(client);
        const other = await open(face);
        await other.connect(version, { 'heart-beat': '0,0' });
        others.push(other);
      }
      const silent = await open(face);
      await silent.connect();
      others.push(silent);
      const old = await open(face); // STOMP 1.0 knows no heart-beats
      assert.equal((await old.connect('1.0', { 'heart-beat': '500,500' })).header('heart-beat'), '0,0');
      others.push(old);
    }
    await Promise.all(asked.map((client) => client.inbox.until(() => client.beats >= 3, 'three heart-beats')));
    assert.deepEqual(others.map(({ beats }) => beats), others.map(() => 0));
  });
});

test('a silent client is called dead; one that says anything is not', async () => {
  await withClients(await quick(), async (open) => {
    const lively = [];
    const silent = [];
    for (const face of faces) {
      for (const clients of [lively, silent]) {
        const client = await open(face);
        await client.connect('1.2', { 'heart-beat': '500,0' });
        clients.push(client);
      }
    }
    const pinging = await open('websocket');
    await pinging.connect('1.2', { 'heart-beat': '500,0' });
    const beating = setInterval(() => {
      lively.forEach((client) => client.send(Buffer.from('\n')));
      pinging.socket.ping();
    }, 100);
    try {
      for (const client of silent) {
        assert.equal((await client.refused()).header('message'), 'heart-beat timeout');
      }
      for (const client of [...lively, pinging]) {
        await client.settle();
      }
    } finally {
      clearInterval(beating);
    }
  });
});

test('one that promised no heart-beats is never called dead', async () => {
  await withClients(await quick(), async (open) => {
    const quiet = [];
    for (const face of faces) {
      const client = await open(face);
      await client.connect('1.2', { 'heart-beat': '0,0' });
      quiet.push(client);
    }
    const silent = await open('tcp');
    await silent.connect('1.2', { 'heart-beat': '500,0' });
    await silent.refused();
    for (const client of quiet) {
      await client.settle();
    }
  });
});

test('a floor below which silence kills nobody', async () => {
  await withStack({ gateway: { heartbeat: { send: '500ms', receive: '500ms', floor: '24h' } } }, async (programs) => {
    const dying = await quick();
    await withClients(programs, async (open) => {
      const spared = await open('websocket');
      await spared.connect('1.2', { 'heart-beat': '500,0' });
      await withClients(dying, async (openThere) => {
        const silent = await openThere('websocket');
        await silent.connect('1.2', { 'heart-beat': '500,0' });
        await silent.refused();
      });
      await spared.settle();
    });
  });
});
