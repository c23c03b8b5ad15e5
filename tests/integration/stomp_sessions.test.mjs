// The conversation after the grammar: stomp.md 1.1, CONNECT, SUBSCRIBE, receipts, DISCONNECT, ERROR and MESSAGE.

import assert from 'node:assert/strict';
import { test } from '../lib/test.mjs';
import { sharedStack, withStack } from '../lib/stack.mjs';
import { FACES, frame, withClients } from '../lib/stomp.mjs';

const stack = sharedStack();
const VERSIONS = ['1.0', '1.1', '1.2'];
const faces = Object.keys(FACES);

/** `body(client, open)` on each face; the client has said nothing yet. */
async function onEachFace(body, among = faces) {
  await withClients(await stack(), async (open) => {
    for (const face of among) {
      await body(await open(face), open);
    }
  });
}

async function onEachFaceConnected(versions, body, among = faces) {
  for (const version of versions) {
    await onEachFace(async (client, open) => {
      await client.connect(version);
      await body(client, version, open);
    }, among);
  }
}

const receiptOf = async (client) => (await client.frame('RECEIPT')).header('receipt-id');

// accept-version and the version that is chosen; null: none is common.
const VERSION_TABLE = [
  [undefined, '1.0'], ['1.0', '1.0'], ['1.1', '1.1'], ['1.2', '1.2'], ['1.0,1.1', '1.1'], ['1.2,1.1,1.0', '1.2'],
  ['1.0,1.1,1.2', '1.2'], ['1.0, 1.1', '1.1'], [' 1.2 , 1.0 ', '1.2'], ['9.9,1.1', '1.1'], ['1.1,9.9', '1.1'],
  ['1.1,1.1', '1.1'], ['1.2,', '1.2'], ['9.9', null], ['2.0,3.0', null], ['1.', null], ['1.20', null], ['11.2', null],
];

for (const [accepted, chosen] of VERSION_TABLE) {
  test(`C1 C2 C3 accept-version ${accepted} gets ${chosen ?? 'an ERROR'}`, async () => {
    await onEachFace(async (client) => {
      client.send(frame('CONNECT', { ...(accepted === undefined ? {} : { 'accept-version': accepted }), host: 'a' }));
      if (chosen !== null) {
        assert.equal((await client.frame('CONNECTED')).header('version'), chosen);
        return;
      }
      const error = await client.refused();
      assert.equal(error.header('version'), '1.0,1.1,1.2');
      assert.equal(error.header('content-type'), 'text/plain');
      assert.match(error.header('message'), /^Supported protocol versions are /);
    });
  });
}

test('the WebSocket subprotocol decides nothing', async () => {
  await withClients(await stack(), async (open) => {
    for (const [offered, chosen] of [
      [['v10.stomp'], 'v10.stomp'],
      [['v10.stomp', 'v11.stomp', 'v12.stomp'], 'v12.stomp'],
      [['v12.stomp', 'v11.stomp'], 'v12.stomp'],
      [['mqtt', 'v11.stomp'], 'v11.stomp'],
    ]) {
      const client = await open('websocket', '/stomp', offered);
      assert.equal(client.socket.protocol, chosen);
      await client.connect(chosen === 'v10.stomp' ? '1.2' : '1.0');
    }
  });
});

test('C4 host is not needed', async () => {
  await onEachFace(async (client) => {
    client.send(frame('CONNECT', { 'accept-version': '1.2' }));
    await client.frame('CONNECTED');
  });
});

test('C4 any host will do', async () => {
  await onEachFace(async (client) => {
    await client.connect('1.2', { host: 'no.such.host' });
  });
});

test('C6 CONNECTED carries version, heart-beat, session and server', async () => {
  const sessions = new Set();
  await onEachFaceConnected(VERSIONS, async () => {});
  await onEachFace(async (client) => {
    const connected = await client.connect();
    assert.deepEqual([...connected.names].sort(), ['heart-beat', 'server', 'session', 'version']);
    assert.match(connected.header('session'), /^[a-z2-7]{26}$/);
    assert.match(connected.header('heart-beat'), /^\d+,\d+$/);
    sessions.add(connected.header('session'));
  });
  assert.equal(sessions.size, faces.length, 'each session has a name of its own');
});

test('C6 the server header can be left out', async () => {
  await withStack({ gateway: { server_header: false } }, async (programs) => {
    await withClients(programs, async (open) => {
      assert.equal((await (await open('tcp')).connect()).header('server'), undefined);
    });
  });
});

test('C7 a receipt of CONNECT is ignored', async () => {
  await onEachFace(async (client) => {
    const connected = await client.connect('1.2', { receipt: 'never' });
    assert.equal(connected.header('receipt-id'), undefined);
    await client.settle();
  });
});

for (const command of ['SEND', 'SUBSCRIBE', 'UNSUBSCRIBE', 'DISCONNECT', 'ACK', 'NACK', 'BEGIN', 'COMMIT', 'ABORT']) {
  test(`C9 ${command} before CONNECT gets an ERROR and the end`, async () => {
    await onEachFace(async (client) => {
      client.send(Buffer.concat([
        frame(command, { destination: '/topic/x', id: '1', transaction: 't' }),
        frame('CONNECT', { 'accept-version': '1.2' }),
      ]));
      await client.refused();
    });
  });
}

test('U1 SUBSCRIBE needs an id from 1.1 on', async () => {
  await onEachFaceConnected(['1.1', '1.2'], async (client) => {
    client.send(frame('SUBSCRIBE', { destination: '/topic/x', receipt: 'r' }));
    assert.equal((await client.refused()).header('receipt-id'), 'r');
  });
});

test('U1 UNSUBSCRIBE needs an id from 1.1 on', async () => {
  await onEachFaceConnected(['1.1', '1.2'], async (client) => {
    await client.subscribe('/topic/x');
    client.send(frame('UNSUBSCRIBE', { destination: '/topic/x', receipt: 'r' }));
    assert.equal((await client.refused()).header('receipt-id'), 'r');
  });
});

test('U1 in 1.0 the destination may stand for the id', async () => {
  await onEachFaceConnected(['1.0'], async (client) => {
    const destination = `/topic/u1-${client.face}`;
    client.send(frame('SUBSCRIBE', { destination, receipt: '1' }));
    assert.equal(await receiptOf(client), '1');
    client.send(frame('SEND', { destination }, 'one'));
    assert.equal((await client.frame('MESSAGE')).header('subscription'), undefined);
    client.send(frame('UNSUBSCRIBE', { destination, receipt: '2' }));
    assert.equal(await receiptOf(client), '2');
    client.send(frame('SEND', { destination }, 'two'));
    await client.settle();
    await client.subscribe(destination, 'with-id');
    client.send(frame('SEND', { destination }, 'three'));
    assert.equal((await client.frame('MESSAGE')).header('subscription'), 'with-id');
  });
});

test('U1 in 1.0 subscriptions with and without id live side by side', async () => {
  await onEachFaceConnected(['1.0'], async (client) => {
    const destination = `/topic/both-${client.face}`;
    client.send(frame('SUBSCRIBE', { destination }));
    await client.subscribe(destination, 'named');
    client.send(frame('SEND', { destination }, 'x'));
    const found = (await client.frames(2)).map((message) => message.header('subscription'));
    assert.deepEqual(found.sort(), ['named', undefined]);
  });
});

test('U2 a second SUBSCRIBE with the same id gets an ERROR and the end', async () => {
  await onEachFaceConnected(VERSIONS, async (client) => {
    await client.subscribe('/topic/x', 'same');
    client.send(frame('SUBSCRIBE', { id: 'same', destination: '/topic/y', receipt: 'r' }));
    assert.equal((await client.refused()).header('receipt-id'), 'r');
  });
});

test('U2 the same id at once, before the first is answered', async () => {
  await onEachFaceConnected(['1.2'], async (client) => {
    const subscribe = frame('SUBSCRIBE', { id: 'same', destination: '/topic/x' });
    client.send(Buffer.concat([subscribe, subscribe]));
    await client.refused();
  });
});

test('U2 an id is free again after UNSUBSCRIBE', async () => {
  await onEachFaceConnected(VERSIONS, async (client) => {
    const [one, two] = [`/topic/one-${client.face}`, `/topic/two-${client.face}`];
    await client.subscribe(one, 'same');
    client.send(Buffer.concat([
      frame('UNSUBSCRIBE', { id: 'same' }),
      frame('SUBSCRIBE', { id: 'same', destination: two, receipt: 'r' }),
      frame('SEND', { destination: one }, 'one'),
      frame('SEND', { destination: two }, 'two'),
    ]));
    assert.equal(await receiptOf(client), 'r');
    assert.equal((await client.frame('MESSAGE')).text, 'two');
    await client.settle();
  });
});

for (const [choice, heard] of [['replace', ['new']], ['ignore', ['old']]]) {
  test(`U2 duplicate_subscription: ${choice}, for browsers only`, async () => {
    await withStack({ gateway: { duplicate_subscription: choice } }, async (programs) => {
      await withClients(programs, async (open) => {
        for (const face of ['websocket', 'xhr']) {
          const client = await open(face);
          await client.connect();
          await client.subscribe('/topic/old', 'same');
          await client.subscribe('/topic/new', 'same'); // its receipt comes
          client.send(frame('SEND', { destination: '/topic/old' }, 'old'));
          client.send(frame('SEND', { destination: '/topic/new' }, 'new'));
          for (const text of heard) {
            const message = await client.frame('MESSAGE');
            assert.deepEqual([message.text, message.header('subscription')], [text, 'same']);
          }
          client.send(frame('UNSUBSCRIBE', { id: 'same', receipt: 'gone' }));
          assert.equal(await receiptOf(client), 'gone');
          client.send(frame('SEND', { destination: '/topic/old' }, 'old'));
          client.send(frame('SEND', { destination: '/topic/new' }, 'new'));
          await client.settle();
          client.drop();
        }
        const client = await open('tcp');
        await client.connect();
        await client.subscribe('/topic/old', 'same');
        client.send(frame('SUBSCRIBE', { id: 'same', destination: '/topic/new' }));
        await client.refused();
      });
    });
  });
}

test('U3 ack:auto is what everybody has anyway', async () => {
  await onEachFaceConnected(VERSIONS, async (client) => {
    await client.subscribe(`/topic/ack-${client.face}`, 'a', { ack: 'auto' });
    client.send(frame('SEND', { destination: `/topic/ack-${client.face}` }));
    assert.equal((await client.frame('MESSAGE')).header('ack'), undefined);
  });
});

for (const ack of ['none', 'AUTO', '', 'auto ']) {
  test(`U3 ack:${JSON.stringify(ack)} gets an ERROR and the end`, async () => {
    await onEachFaceConnected(ack === 'auto ' ? ['1.1', '1.2'] : VERSIONS, async (client) => {
      client.send(frame('SUBSCRIBE', { id: '1', destination: '/topic/x', ack, receipt: 'r' }));
      assert.equal((await client.refused()).header('receipt-id'), 'r');
    });
  });
}

test('U9 UNSUBSCRIBE of an unknown id is nothing to a browser', async () => {
  await onEachFaceConnected(VERSIONS, async (client) => {
    client.send(frame('UNSUBSCRIBE', { id: 'unknown', receipt: 'r' }));
    assert.equal(await receiptOf(client), 'r');
    await client.settle();
  }, ['websocket', 'xhr']);
});

test('U9 UNSUBSCRIBE of an unknown id gets an ERROR and the end over TCP', async () => {
  await onEachFaceConnected(VERSIONS, async (client) => {
    client.send(frame('UNSUBSCRIBE', { id: 'unknown', receipt: 'r' }));
    assert.equal((await client.refused()).header('receipt-id'), 'r');
  }, ['tcp']);
});

test('UNSUBSCRIBE stops delivery, and only that of its id', async () => {
  await onEachFaceConnected(VERSIONS, async (client) => {
    const destination = `/topic/stop-${client.face}`;
    await client.subscribe(destination, 'a');
    await client.subscribe(destination, 'b');
    client.send(frame('SEND', { destination }, '1'));
    const both = (await client.frames(2)).map((message) => message.header('subscription'));
    assert.deepEqual(both.sort(), ['a', 'b'], 'two subscriptions of one session, two MESSAGEs');
    client.send(Buffer.concat([
      frame('UNSUBSCRIBE', { id: 'a' }),
      frame('SEND', { destination }, '2'),
    ]));
    assert.equal((await client.frame('MESSAGE')).header('subscription'), 'b');
    await client.settle();
  });
});

test('R1 every frame but CONNECT gets its RECEIPT, once, in their order', async () => {
  await onEachFaceConnected(VERSIONS, async (client) => {
    const destination = '/topic/receipts';
    const ids = ['1 subscribe', '2', '3-ünïcode', '4', '5'];
    client.send(Buffer.concat([
      frame('SUBSCRIBE', { id: 's', destination: '/topic/elsewhere', receipt: ids[0] }),
      frame('SEND', { destination, receipt: ids[1] }, 'x'),
      frame('SEND', { destination: '/nobody/listens', receipt: ids[2] }, 'x'),
      frame('UNSUBSCRIBE', { id: 's', receipt: ids[3] }),
      frame('DISCONNECT', { receipt: ids[4] }),
    ]));
    for (const id of ids) {
      const receipt = await client.frame('RECEIPT');
      assert.deepEqual(receipt.headers, [['receipt-id', id]]);
      assert.equal(receipt.body.length, 0);
    }
    await client.ended();
  });
});

test('R1 a receipt-id is escaped by the version', async () => {
  await onEachFaceConnected(VERSIONS, async (client, version) => {
    const sent = { '1.0': 'a:b\\c', 1.1: 'a\\cb\\\\c\\nd', 1.2: 'a\\cb\\\\c\\nd\\re' }[version];
    client.send(frame('SEND', { destination: '/topic/x', receipt: sent }));
    assert.equal(await receiptOf(client), sent);
  });
});

test('R2 receipts come in the order of hundreds of frames', async () => {
  await onEachFaceConnected(['1.2'], async (client) => {
    const ids = Array.from({ length: 300 }, (_, i) => String(i));
    client.send(Buffer.concat(ids.map((id, i) => [
      frame('SEND', { destination: '/topic/r2', receipt: id }, id),
      frame('SUBSCRIBE', { destination: `/topic/r2-${id}`, id, receipt: id }),
      frame('UNSUBSCRIBE', { id: String(i - 1), receipt: id }),
    ][i % 3])));
    for (const id of ids) {
      assert.equal(await receiptOf(client), id);
    }
  });
});

test('R3 the RECEIPT of SUBSCRIBE comes before the first MESSAGE', async () => {
  await onEachFaceConnected(VERSIONS, async (client, version, open) => {
    const destination = `/topic/r3-${client.face}`;
    const sender = await open('tcp');
    await sender.connect();
    for (let round = 0; round < 20; round++) {
      // Somebody else publishes all the time, and the client itself right behind its SUBSCRIBE.
      sender.send(Buffer.concat(Array.from({ length: 20 }, () => frame('SEND', { destination }, 'other'))));
      client.send(Buffer.concat([
        frame('SUBSCRIBE', { id: `s${round}`, destination, receipt: `s${round}` }),
        frame('SEND', { destination }, `own ${round}`),
      ]));
      assert.equal(await receiptOf(client), `s${round}`);
      for (let text = ''; text !== `own ${round}`; text = (await client.frame('MESSAGE')).text) {
        continue;
      }
      client.send(frame('UNSUBSCRIBE', { id: `s${round}`, receipt: `u${round}` }));
      for (let found = await client.frame(); found.command !== 'RECEIPT'; found = await client.frame()) {
        assert.equal(found.command, 'MESSAGE');
      }
    }
    sender.drop();
  });
});

test('R4 a frame that failed has an ERROR with its receipt-id, and no RECEIPT', async () => {
  await onEachFaceConnected(VERSIONS, async (client) => {
    client.send(frame('SEND', { receipt: 'r-4' }, 'x'));
    assert.equal((await client.refused()).header('receipt-id'), 'r-4');
  });
});

const POLITE_END = { tcp: { kind: 'fin' }, websocket: { kind: 'close', code: 1000 }, xhr: { kind: 'close', code: 1000 } };

async function assertPoliteEnd(client) {
  const { kind, code } = await client.ended();
  assert.deepEqual(code === undefined ? { kind } : { kind, code }, POLITE_END[client.face]);
}

test('D1 DISCONNECT is answered by its RECEIPT and the end', async () => {
  await onEachFaceConnected(VERSIONS, async (client) => {
    client.send(frame('DISCONNECT', { receipt: 'bye' }));
    assert.equal(await receiptOf(client), 'bye');
    await assertPoliteEnd(client);
  });
});

test('D1 DISCONNECT without receipt is answered by the end, without ERROR', async () => {
  await onEachFaceConnected(VERSIONS, async (client) => {
    client.send(frame('DISCONNECT'));
    await assertPoliteEnd(client);
  });
});

test('D1 what was sent before DISCONNECT counts, what comes after does not', async () => {
  await onEachFaceConnected(VERSIONS, async (client, version, open) => {
    const destination = `/topic/d1-${client.face}${version}`;
    const reader = await open('tcp');
    await reader.connect();
    await reader.subscribe(destination);
    client.send(Buffer.concat([
      frame('SEND', { destination }, 'before'),
      frame('DISCONNECT', { receipt: 'bye' }),
      frame('SEND', { destination, receipt: 'after' }, 'after'),
      Buffer.from('garbage\n\n\0'),
    ]));
    assert.equal(await receiptOf(client), 'bye');
    await assertPoliteEnd(client);
    assert.equal((await reader.frame('MESSAGE')).text, 'before');
    await reader.settle();
    reader.drop();
  });
});

test('a session that ended gets nothing more, and its subscriptions are gone', async () => {
  await onEachFaceConnected(['1.2'], async (client, version, open) => {
    await client.subscribe('/topic/leavers');
    client.drop();
    const sender = await open('tcp');
    await sender.connect();
    sender.send(frame('SEND', { destination: '/topic/leavers' }, 'x'));
    await sender.settle();
  });
});

// Each face has its own ways of erring besides; this is what all share.
for (const [name, bytes] of [
  ['an unknown command', Buffer.from('NONE\n\n\0')],
  ['SEND without destination', frame('SEND')],
  ['BEGIN without transaction', frame('BEGIN', { receipt: 'r' })],
  ['COMMIT of a transaction that is not there', frame('COMMIT', { transaction: '1', receipt: 'r' })],
  ['ABORT of a transaction that is not there', frame('ABORT', { transaction: '1', receipt: 'r' })],
  ['SEND within a transaction that is not there', frame('SEND', { destination: '/topic/x', transaction: '1', receipt: 'r' })],
]) {
  test(`E1 E2 ERROR means the end: ${name}`, async () => {
    await onEachFaceConnected(VERSIONS, async (client) => {
      client.send(bytes);
      const error = await client.refused();
      assert.ok(error.header('message').length > 0);
      assert.equal(error.header('content-type'), 'text/plain');
      assert.equal(error.header('receipt-id'), bytes.includes('receipt:r') ? 'r' : undefined);
      const extra = error.names.filter((header) => !['message', 'content-type', 'content-length', 'receipt-id', 'version'].includes(header));
      assert.deepEqual(extra, []);
    });
  });
}

test('E1 a client that goes on talking sees the ERROR all the same', async () => {
  await onEachFaceConnected(['1.2'], async (client) => {
    client.send(Buffer.concat([frame('SEND'), ...Array.from({ length: 100 }, () => frame('SEND', { destination: '/topic/x' }, 'more'))]));
    client.send(frame('SEND', { destination: '/topic/x' }, 'and more'));
    await client.frame('ERROR');
    await client.ended();
  }, ['tcp', 'websocket']);
});

test('M1 MESSAGE has destination, message-id and subscription, and ids are unique', async () => {
  const ids = new Set();
  await onEachFaceConnected(VERSIONS, async (client, version) => {
    const destination = `/topic/m1-${client.face}${version}`;
    await client.subscribe(destination, 'my sub');
    for (let i = 0; i < 3; i++) {
      client.send(frame('SEND', { destination, 'content-type': 'text/x' }, `${i}`));
      const message = await client.frame('MESSAGE');
      assert.equal(message.header('destination'), destination);
      assert.equal(message.header('subscription'), 'my sub');
      assert.equal(message.header('content-type'), 'text/x');
      assert.ok(message.header('message-id').length > 0);
      ids.add(message.header('message-id'));
      assert.equal(message.header('redelivered'), undefined);
      assert.equal(message.header('ack'), undefined);
    }
  });
  assert.equal(ids.size, 3 * faces.length * VERSIONS.length);
});

test('M1 all subscribers of a message see the same message-id', async () => {
  await withClients(await stack(), async (open) => {
    const clients = [];
    for (const face of faces) {
      const client = await open(face);
      await client.connect('1.1');
      await client.subscribe('/topic/m1-same');
      clients.push(client);
    }
    clients[0].send(frame('SEND', { destination: '/topic/m1-same' }));
    const ids = await Promise.all(clients.map(async (client) => (await client.frame('MESSAGE')).header('message-id')));
    assert.equal(new Set(ids).size, 1);
  });
});

test('M1 a subscription id is escaped by the subscriber\'s version', async () => {
  await onEachFaceConnected(VERSIONS, async (client, version) => {
    const id = version === '1.0' ? 'a:b' : 'a\\cb\\\\';
    client.send(frame('SUBSCRIBE', { id, destination: '/topic/m1-id' }));
    client.send(frame('SEND', { destination: '/topic/m1-id' }));
    assert.equal((await client.frame('MESSAGE')).header('subscription'), id);
    client.drop();
  });
});

const STRIPPED = {
  receipt: 'r', 'content-length': '4', subscription: 'forged', ack: 'forged', 'message-id': 'forged',
  redelivered: 'true', 'user-id': 'root', 'user-name': 'root',
};

test('M2 M3 headers that are the server\'s are not taken from the sender', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of faces) {
      const sender = await open(face);
      await sender.connect();
      const destination = `/topic/m2-${face}`;
      for (const version of VERSIONS) {
        const reader = await open('tcp');
        await reader.connect(version);
        await reader.subscribe(destination, 'mine');
        sender.send(frame('SEND', { destination, a: '1', ...STRIPPED, b: '2' }, 'body'));
        await sender.frame('RECEIPT');
        const message = await reader.frame('MESSAGE');
        const expected = ['destination', 'message-id', 'subscription', 'a', 'b', 'content-length'];
        assert.deepEqual([...message.names].sort(), expected.sort());
        assert.ok(!message.toString().includes('forged') && !message.toString().includes('root'), String(message));
        assert.equal(message.header('subscription'), 'mine');
        assert.deepEqual(message.names.filter((name) => name === 'a' || name === 'b'), ['a', 'b'], 'in their order');
      }
    }
  });
});

test('M3 simp headers come from services only', async () => {
  await withClients(await stack(), async (open) => {
    const reader = await open('tcp');
    await reader.connect();
    await reader.subscribe('/topic/m3');
    for (const face of faces) {
      const sender = await open(face);
      await sender.connect();
      sender.send(frame('SEND', { destination: '/topic/m3', simpOrigDestination: '/user/queue/x', simpSessionId: 's', simplex: '1' }));
      const message = await reader.frame('MESSAGE');
      assert.equal(message.header('simpOrigDestination'), face === 'tcp' ? '/user/queue/x' : undefined);
      if (face !== 'tcp') {
        assert.equal(message.header('simpSessionId'), undefined);
      }
    }
  });
});
