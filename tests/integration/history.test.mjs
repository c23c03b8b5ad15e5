// SPDX-License-Identifier: MIT
//
// The past of a destination: history:N, since:<position>, what RECEIPT and the first MESSAGE say of it; no gap and nothing
// twice while others publish; over moves between gateways and over a broker's restart.

import assert from 'node:assert/strict';
import { test } from '../lib/test.mjs';
import { sharedStack, withStack } from '../lib/stack.mjs';
import { RawSession, abortAll, stompFrame } from '../lib/rawsockjs.mjs';
import { FACES, frame, withClients } from '../lib/stomp.mjs';

const broker = {
  destinations: [
    { match: '/topic/short/*', history: { size: 3, ttl: '1h' } },
    { match: '/topic/past/**', kind: 'topic', history: { size: 1000 } },
    { match: '/topic/**' },
  ],
};
const stack = sharedStack({ broker });
const faces = Object.keys(FACES);

async function connected(open, face = 'tcp', version = '1.2') {
  const client = await open(face);
  await client.connect(version);
  return client;
}

/** SUBSCRIBE; answers its RECEIPT. */
async function subscribed(client, destination, headers = {}, id = 'sub') {
  client.send(frame('SUBSCRIBE', { id, destination, receipt: `r-${id}`, ...headers }));
  const receipt = await client.frame('RECEIPT');
  assert.equal(receipt.header('receipt-id'), `r-${id}`);
  return receipt;
}

async function publish(client, destination, bodies) {
  for (const body of bodies) {
    client.send(frame('SEND', { destination }, body));
  }
  await client.settle();
}

async function bodies(client, count) {
  return (await client.frames(count)).map((message) => {
    assert.equal(message.command, 'MESSAGE');
    return message.text;
  });
}

const numbers = (from, to) => Array.from({ length: to - from }, (_, i) => String(from + i));

for (const face of faces) {
  for (const version of ['1.0', '1.1', '1.2']) {
    test(`the last messages come on SUBSCRIBE, then what is live: ${face}, ${version}`, async () => {
      await withClients(await stack(), async (open) => {
        const topic = `/topic/past/${face}/${version}`;
        const sender = await connected(open);
        await publish(sender, topic, numbers(0, 5));
        const reader = await connected(open, face, version);
        const receipt = await subscribed(reader, topic, { history: 3 });
        assert.equal(receipt.header('recovered'), 'true');
        assert.match(receipt.header('position'), /^[a-z0-9]{1,32}-5$/);
        const past = await reader.frames(3);
        assert.deepEqual(past.map(({ text }) => text), ['2', '3', '4']);
        assert.equal(past[2].header('position'), receipt.header('position'));
        assert.ok(past.every((message) => message.header('recovered') === undefined));
        assert.ok(past.every((message) => message.header('subscription') === 'sub'));
        await publish(sender, topic, ['5']);
        const live = await reader.frame('MESSAGE');
        assert.equal(live.text, '5');
        assert.match(live.header('position'), /-6$/);
        await reader.settle();
      });
    });
  }
}

test('who comes back with its position gets what it missed, in order and once', async () => {
  await withClients(await stack(), async (open) => {
    const topic = '/topic/past/back';
    const sender = await connected(open);
    const first = await connected(open);
    const start = (await subscribed(first, topic)).header('position');
    assert.match(start, /-0$/);
    await publish(sender, topic, numbers(0, 4));
    const seen = (await first.frames(2)).at(-1).header('position');
    first.drop();
    for (const [since, from] of [[start, 0], [seen, 2]]) {
      const again = await connected(open);
      const receipt = await subscribed(again, topic, { since });
      assert.equal(receipt.header('recovered'), 'true');
      assert.deepEqual(await bodies(again, 4 - from), numbers(from, 4));
      await again.settle();
    }
  });
});

test('what cannot be recovered is told, with what is left', async () => {
  await withClients(await stack(), async (open) => {
    const topic = '/topic/short/a';
    const sender = await connected(open);
    const reader = await connected(open);
    const start = (await subscribed(reader, topic, {}, 'live')).header('position');
    await publish(sender, topic, numbers(0, 4));
    await reader.frames(4);
    const cases = [
      [{ since: start }, '1 2 3'],
      [{ since: start, history: 1 }, '3'],
      [{ since: start.replace(/-0$/, '-99') }, '1 2 3'],
      [{ since: start.replace(/^./, (letter) => (letter === 'a' ? 'b' : 'a')) }, '1 2 3'],
      [{ since: 'undefined' }, '1 2 3'],
      [{ since: '' }, '1 2 3'],
    ];
    for (const [i, [headers, left]] of cases.entries()) {
      const receipt = await subscribed(reader, topic, headers, `s${i}`);
      assert.equal(receipt.header('recovered'), 'false', JSON.stringify(headers));
      const expected = left.split(' ');
      assert.deepEqual(await bodies(reader, expected.length), expected);
      await reader.settle();
    }
  });
});

test('without a receipt the first MESSAGE says it, whether it is of the past or live', async () => {
  await withClients(await stack(), async (open) => {
    const topic = '/topic/past/unasked';
    const sender = await connected(open);
    await publish(sender, topic, ['0', '1']);
    const reader = await connected(open, 'websocket');
    reader.send(frame('SUBSCRIBE', { id: 'a', destination: topic, history: 2 }));
    const past = await reader.frames(2);
    assert.deepEqual(past.map((message) => message.header('recovered')), ['true', undefined]);
    const position = past[1].header('position');
    for (const [since, told] of [[position, 'true'], ['x-1', 'false']]) {
      const live = await connected(open, 'websocket');
      const other = await connected(open, 'websocket'); // of the same shape, and told nothing
      await subscribed(other, '/topic/past/quiet');
      await subscribed(live, '/topic/past/quiet', {}, 'first');
      const at = (await subscribed(live, '/topic/past/quiet', {}, 'second')).header('position');
      live.send(frame('SUBSCRIBE', { id: 'sub', destination: '/topic/past/quiet', since: told === 'true' ? at : since, history: 0 }));
      const skipped = told === 'true' ? 0 : Number(at.split('-')[1]);
      assert.equal((await live.frames(skipped)).length, skipped);
      await live.settle();
      await publish(sender, '/topic/past/quiet', ['x', 'y']);
      const mine = (await live.frames(6)).filter((message) => message.header('subscription') === 'sub');
      const expected = told === 'true' ? ['true', undefined] : [undefined, undefined];
      assert.deepEqual(mine.map((message) => message.header('recovered')), skipped > 0 || told === 'true' ? expected : ['false', undefined]);
      assert.deepEqual((await other.frames(2)).map((message) => message.header('recovered')), [undefined, undefined]);
    }
  });
});

test('a subscriber in the middle of a storm has no gap and nothing twice', async () => {
  await withClients(await stack(), async (open) => {
    const topic = '/topic/past/storm';
    const senders = await Promise.all([0, 1, 2].map(() => connected(open)));
    const count = 250;
    const storm = senders.map(async (sender, who) => {
      for (let i = 0; i < count; i++) {
        sender.send(frame('SEND', { destination: topic, who, n: i }));
        if (i % 10 === 0) {
          await sender.settle();
        }
      }
    });
    for (let round = 0; round < 12; round++) {
      const face = faces[round % faces.length];
      const reader = await connected(open, face);
      const receipt = await subscribed(reader, topic, { history: 1000 });
      assert.equal(receipt.header('recovered'), 'true');
      const all = await reader.frames(count * senders.length);
      assert.deepEqual(all.map((message) => Number(message.header('position').split('-')[1])), numbers(1, all.length + 1).map(Number));
      for (const who of [0, 1, 2]) {
        const mine = all.filter((message) => message.header('who') === String(who));
        assert.deepEqual(mine.map((message) => message.header('n')), numbers(0, count), face);
      }
      await reader.settle();
      reader.drop();
    }
    await Promise.all(storm);
  });
});

test('where no past is kept there is no position, and nothing is recovered', async () => {
  await withClients(await stack(), async (open) => {
    const reader = await connected(open);
    const sender = await connected(open);
    await publish(sender, '/topic/none', ['0']);
    const plain = await subscribed(reader, '/topic/none', {}, 'a');
    assert.deepEqual(plain.names, ['receipt-id']);
    for (const [i, headers] of [{ history: 5 }, { since: 'x-1' }].entries()) {
      const receipt = await subscribed(reader, '/topic/none', headers, `b${i}`);
      assert.equal(receipt.header('recovered'), 'false');
      assert.equal(receipt.header('position'), undefined);
    }
    const pattern = await subscribed(reader, '/topic/past/patterns/*', { history: 5 }, 'c');
    assert.equal(pattern.header('recovered'), 'false');
    await publish(sender, '/topic/past/patterns/x', ['1']);
    assert.match((await reader.frame('MESSAGE')).header('position'), /-1$/);
  });
});

test('RECEIPT of a SEND has the position; a client cannot write one itself', async () => {
  await withClients(await stack(), async (open) => {
    const topic = '/topic/past/receipt';
    const client = await connected(open);
    await subscribed(client, topic);
    client.send(frame('SEND', { destination: topic, receipt: 's', position: 'x-1', recovered: 'true' }));
    const message = await client.frame('MESSAGE');
    const receipt = await client.frame('RECEIPT');
    assert.match(receipt.header('position'), /-1$/);
    assert.equal(receipt.header('stored'), undefined);
    assert.deepEqual(message.headers.filter(([name]) => name === 'position'), [['position', receipt.header('position')]]);
    assert.equal(message.header('recovered'), undefined);
  });
});

test('headers that cannot be right are refused', async () => {
  await withClients(await stack(), async (open) => {
    for (const headers of [{ history: '-1' }, { history: 'all' }, { history: '' }, { history: '1000001' }, { since: 'x'.repeat(129) }]) {
      const client = await connected(open);
      client.send(frame('SUBSCRIBE', { id: 'a', destination: '/topic/past/refused', ...headers }));
      assert.match((await client.refused()).header('message'), /history|since/);
    }
  });
});

test('a broker that was restarted knows no position of the one before it', async () => {
  await withStack({ broker }, async (programs) => {
    programs.allow('link_lost', 'link_waits');
    await withClients(programs, async (open) => {
      const topic = '/topic/past/restart';
      const client = await connected(open);
      const position = (await subscribed(client, topic)).header('position');
      programs.broker.signal('SIGKILL');
      await programs.broker.exited;
      await programs.startBroker();
      await publish(await connected(open), topic, ['0']);
      assert.equal((await client.frame('MESSAGE')).text, '0');
      const receipt = await subscribed(client, topic, { since: position }, 'again');
      assert.equal(receipt.header('recovered'), 'false');
      assert.notEqual(receipt.header('position').split('-')[0], position.split('-')[0]);
      assert.deepEqual(await bodies(client, 1), ['0']);
    });
  });
});

test('the past goes with a session that moves between gateways at each request', async () => {
  const endpoints = [{ path: '/ws', sockjs: true, allowed_origins: ['*'], disconnect_delay: '30s' }];
  await withStack({ broker, gateway: { endpoints } }, async (programs) => {
    const session = new RawSession('xhr');
    let turn = 0;
    const at = () => programs.urls[turn++ % programs.urls.length];
    const frames = [];
    const poll = async () => {
      for (const { messages } of (await session.receive(at()).all()).filter(({ type }) => type === 'a')) {
        frames.push(...messages);
      }
    };
    await session.receive(at()).all();
    await session.send(at(), [stompFrame('CONNECT', { 'accept-version': '1.2', host: 'x' })]);
    const until = async (count) => {
      while (frames.length < count) {
        await poll();
      }
    };
    await until(1);
    const topic = '/topic/past/moves';
    const sends = numbers(0, 5).map((n) => stompFrame('SEND', { destination: topic, n }));
    await session.send(at(), [...sends, stompFrame('SUBSCRIBE', { id: 'a', destination: topic, history: 4, receipt: 'r' })]);
    await until(6);
    await session.send(at(), [stompFrame('SEND', { destination: topic, n: 5 })]);
    await until(7);
    assert.match(frames[1], /^RECEIPT\n(.*\n)*recovered:true\n/);
    assert.deepEqual(frames.slice(2).map((text) => text.match(/\nn:(\d)/)[1]), ['1', '2', '3', '4', '5']);
    assert.deepEqual(frames.slice(2).map((text) => text.match(/\nposition:\w+-(\d)/)[1]), ['2', '3', '4', '5', '6']);
    abortAll();
  }, { gateways: 3 });
});
