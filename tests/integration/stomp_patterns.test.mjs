// Subscriptions to patterns: the truth table of stomp.md 2.1.

import assert from 'node:assert/strict';
import { test } from '../lib/test.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { frame, withClients } from '../lib/stomp.mjs';

const stack = sharedStack();

const TABLE = [
  ['/topic/*', ['/topic/a', '/topic/'], ['/topic', '/topic/a/b']],
  ['/topic/**', ['/topic', '/topic/', '/topic/a/b', '/topic/a'], ['/topics', '/other/a']],
  ['/topic/**/x', ['/topic/x', '/topic/a/b/x', '/topic/a/x'], ['/topic/x/a', '/topic/a/xx']],
  ['/topic/price.stock.*', ['/topic/price.stock.IBM', '/topic/price.stock.IBM.x'], ['/topic/price.stock', '/topic/price.stock.IBM/x']],
  ['/topic/?at', ['/topic/cat', '/topic/한at', '/topic/🐟at'], ['/topic/at', '/topic/ccat']],
  ['/topic/a*', ['/topic/a', '/topic/abc'], ['/topic/ba', '/topic/a/b', '/topic/A']],
  ['/topic/*a*b', ['/topic/xaxb', '/topic/ab', '/topic/aabab'], ['/topic/xaxbx', '/topic/ba']],
  ['/topic/a**', ['/topic/abc', '/topic/a'], ['/topic/abc/d']],
  ['/topic/{id}', ['/topic/7', '/topic/z'], ['/topic/7/8', '/topic']],
  ['/topic/every-{room}.x', ['/topic/every-1.x'], ['/topic/every-1.y']],
  ['/topic/*/', ['/topic/a/'], ['/topic/a', '/topic/a/b']],
  ['/topic/*/b', ['/topic/a/b'], ['/topic/b', '/topic/a/a/b', '/topic/a/b/']],
  ['topic/**', ['topic/a', 'topic'], ['/topic/a']],
  ['**', ['x', 'x/y'], ['/x']],
  ['/**', ['/x', '/x/y'], ['x']],
  ['/topic//a*', ['/topic/ab'], ['/topic/b']],
  ['/topic//a', ['/topic//a'], ['/topic/a']], // no pattern: equal as text
  ['/topic/a', ['/topic/a'], ['/topic//a', '/topic/a/', '/topic/A']],
  ['/topic/**/a/**/b', ['/topic/a/b', '/topic/x/a/y/z/b'], ['/topic/b/a']],
];

test('the table holds', async () => {
  await withClients(await stack(), async (open) => {
    const sender = await open('tcp');
    await sender.connect();
    for (const [pattern, matching, others] of TABLE) {
      const reader = await open('tcp');
      await reader.connect();
      await reader.subscribe(pattern, 'p');
      for (const destination of [...matching, ...others]) {
        sender.send(frame('SEND', { destination }));
      }
      await sender.settle();
      const found = [];
      reader.send(frame('SEND', { destination: '/elsewhere', receipt: 'end' }));
      for (let one = await reader.frame(); one.command !== 'RECEIPT'; one = await reader.frame()) {
        assert.equal(one.header('subscription'), 'p');
        found.push(one.header('destination'));
      }
      assert.deepEqual(found.filter((name) => !['/nowhere', '/elsewhere'].includes(name)), matching, pattern);
      reader.drop();
    }
  });
});

test('MESSAGE tells the destination it was sent to, not the pattern', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of ['tcp', 'websocket', 'xhr']) {
      const client = await open(face);
      await client.connect('1.2');
      await client.subscribe(`/topic/real-${face}/*`);
      client.send(frame('SEND', { destination: `/topic/real-${face}/a\\cb` }));
      assert.equal((await client.frame('MESSAGE')).header('destination'), `/topic/real-${face}/a\\cb`);
    }
  });
});

test('each subscription of a session that matches gets its own MESSAGE', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of ['tcp', 'websocket', 'xhr']) {
      const client = await open(face);
      await client.connect();
      const base = `/topic/several-${face}`;
      const subscriptions = { exact: `${base}/a`, again: `${base}/a`, star: `${base}/*`, all: `${base}/**`, other: `${base}/b` };
      for (const [id, destination] of Object.entries(subscriptions)) {
        await client.subscribe(destination, id);
      }
      client.send(frame('SEND', { destination: `${base}/a` }));
      const found = (await client.frames(4)).map((message) => message.header('subscription'));
      assert.deepEqual(found.sort(), ['again', 'all', 'exact', 'star']);
      await client.settle();
      client.send(frame('UNSUBSCRIBE', { id: 'star' }));
      client.send(frame('SEND', { destination: `${base}/a` }));
      assert.deepEqual((await client.frames(3)).map((message) => message.header('subscription')).sort(), ['again', 'all', 'exact']);
      await client.settle();
    }
  });
});

// What is no name or no pattern is refused: where it is subscribed to, where it is sent to.
const REFUSED = [
  ['SUBSCRIBE', '/topic/{id:[0-9]+}', 'a regular expression'],
  ['SUBSCRIBE', '/topic/a\\nb', 'a line end in a name'],
  ['SEND', '/topic/a\\nb', 'a line end in a name'],
  ['SUBSCRIBE', `/${'a/'.repeat(40)}*`, 'a pattern of many segments'],
];

for (const [command, destination, what] of REFUSED) {
  test(`${command} with ${what} gets an ERROR and the end`, async () => {
    await withClients(await stack(), async (open) => {
      for (const face of ['tcp', 'websocket', 'xhr']) {
        const client = await open(face);
        await client.connect();
        client.send(frame(command, { id: '1', destination, receipt: 'r' }));
        assert.equal((await client.refused()).header('receipt-id'), 'r');
      }
    });
  });
}

test('a destination of broken UTF-8 gets an ERROR and the end', async () => {
  await withClients(await stack(), async (open) => {
    for (const command of ['SEND', 'SUBSCRIBE']) {
      const client = await open('tcp');
      await client.connect();
      client.send(Buffer.from(`${command}\nid:1\ndestination:/topic/\xff\xfe\n\n\0`, 'latin1'));
      await client.refused();
    }
  });
});
