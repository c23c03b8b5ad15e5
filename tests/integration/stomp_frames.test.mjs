// The grammar of frames, on every face and in every version: stomp.md 1.1, P1 to P18.

import assert from 'node:assert/strict';
import { test } from '../lib/test.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { FACES, frame, unescape, withClients } from '../lib/stomp.mjs';

const stack = sharedStack();
const VERSIONS = ['1.0', '1.1', '1.2'];
const faces = Object.keys(FACES);

const send = (headers, body = '') => frame('SEND', headers, body);
const raw = (text) => Buffer.from(text, 'latin1');
const connect = (version) => frame('CONNECT', { 'accept-version': version, host: 'test' });

/** For each face and each of the versions: a client with one subscription to a destination of its own. */
async function forEach(versions, body) {
  const programs = await stack();
  await withClients(programs, async (open) => {
    for (const face of faces) {
      for (const version of versions) {
        const client = await open(face);
        await client.connect(version);
        client.destination = `/topic/${face}${version}`;
        await client.subscribe(client.destination);
        await body(client, version, open);
      }
    }
  });
}

function assertRefusal(error, { receipt, echo = [] } = {}) {
  assert.ok(error.header('message').length > 0, 'message');
  assert.equal(error.header('content-type'), 'text/plain');
  assert.equal(Number(error.header('content-length')), error.body.length);
  assert.equal(error.header('receipt-id'), receipt);
  assert.ok(error.body.length <= 512, 'a short body');
  for (const text of echo) {
    assert.ok(!error.toString().includes(text), `nothing of the frame is echoed: ${error}`);
  }
}

// Each of these ends the conversation: what is sent, in which versions, the receipt that the ERROR names.
const FATAL = [
  ['P1 a command in lower case', raw('send\ndestination:/topic/x\nreceipt:r\n\nsecret\0'), VERSIONS],
  ['P1 an unknown command', raw('PUBLISH\ndestination:/topic/x\n\nsecret\0'), VERSIONS],
  ['P1 a command of servers', raw('MESSAGE\ndestination:/topic/x\n\nsecret\0'), VERSIONS],
  ['P1 a space after the command', raw('SEND \ndestination:/topic/x\n\nsecret\0'), ['1.1', '1.2']],
  ['P1 a header name in another case is another header', raw('SEND\nDestination:/topic/x\n\nsecret\0'), VERSIONS],
  ['P1 NUL within the head', raw('SEND\ndestination:/topic/x\0\nfoo:bar\n\nsecret\0'), VERSIONS],
  ['P2 a lone CR in a header line', raw('SEND\ndestination:/topic/x\nfoo:a\rb\n\nsecret\0'), ['1.2']],
  ['P5 a body on SUBSCRIBE', raw('SUBSCRIBE\nid:7\ndestination:/topic/x\nreceipt:r\n\nsecret\0'), VERSIONS, 'r'],
  ['P5 a body on UNSUBSCRIBE', raw('UNSUBSCRIBE\nid:sub\nreceipt:r\n\nsecret\0'), VERSIONS, 'r'],
  ['P5 a body on DISCONNECT', raw('DISCONNECT\nreceipt:r\n\nsecret\0'), VERSIONS, 'r'],
  ['P7 a content-length in words', raw('SEND\ndestination:/topic/x\ncontent-length:five\n\nsecret\0'), VERSIONS],
  ['P7 an empty content-length', raw('SEND\ndestination:/topic/x\ncontent-length:\n\nsecret\0'), VERSIONS],
  ['P7 a negative content-length', raw('SEND\ndestination:/topic/x\ncontent-length:-1\n\nsecret\0'), VERSIONS],
  ['P7 a content-length with a sign', raw('SEND\ndestination:/topic/x\ncontent-length:+6\n\nsecret\0'), VERSIONS],
  ['P7 a content-length in hexadecimal', raw('SEND\ndestination:/topic/x\ncontent-length:0x6\n\nsecret\0'), VERSIONS],
  ['P7 a content-length beyond 64 bits', raw('SEND\ndestination:/topic/x\ncontent-length:18446744073709551622\n\nsecret\0'), VERSIONS],
  ['P7 a content-length of spaces', raw('SEND\ndestination:/topic/x\ncontent-length: 6\n\nsecret\0'), ['1.1', '1.2']],
  ['P7 a content-length that is too short', raw('SEND\ndestination:/topic/x\ncontent-length:5\n\nsecret\0'), VERSIONS],
  ['P7 two lengths that differ', raw('SEND\ndestination:/topic/x\ncontent-length:6\ncontent-length:2\n\nsecret\0'), VERSIONS],
  ['P7 the same on a frame without body', raw('UNSUBSCRIBE\nid:sub\ncontent-length:x\n\n\0'), VERSIONS],
  ['P10 an escape that 1.2 does not know', raw('SEND\ndestination:/topic/x\nfoo:a\\tb\n\nsecret\0'), ['1.2']],
  ['P10 a backslash at the end', raw('SEND\ndestination:/topic/x\nfoo:a\\\n\nsecret\0'), ['1.2']],
  ['P10 an unknown escape in a name', raw('SEND\ndestination:/topic/x\nf\\oo:a\n\nsecret\0'), ['1.2']],
  ['P12 a header without colon', raw('SEND\ndestination:/topic/x\nsecret\n\nx\0'), VERSIONS],
  ['P14 an empty header name', raw('SEND\ndestination:/topic/x\n:secret\n\nx\0'), VERSIONS],
  ['C8 a second CONNECT', raw('CONNECT\naccept-version:1.2\nhost:secret\nreceipt:r\n\n\0'), VERSIONS, 'r'],
  ['C8 a STOMP after CONNECT', raw('STOMP\naccept-version:1.2\nhost:secret\n\n\0'), VERSIONS],
  ['SEND without destination', raw('SEND\nreceipt:r\n\nsecret\0'), VERSIONS, 'r'],
  ['SEND to an empty destination', raw('SEND\ndestination:\nreceipt:r\n\nsecret\0'), VERSIONS, 'r'],
  ['SUBSCRIBE without destination', raw('SUBSCRIBE\nid:7\nreceipt:r\n\n\0'), VERSIONS, 'r'],
  ['SUBSCRIBE to an empty destination', raw('SUBSCRIBE\nid:7\ndestination:\nreceipt:r\n\n\0'), VERSIONS, 'r'],
];

for (const [name, bytes, versions, receipt] of FATAL) {
  test(`${name} gets an ERROR and the end`, async () => {
    await forEach(versions, async (client) => {
      // What follows in the same bytes is not looked at any more.
      client.send(Buffer.concat([bytes, send({ destination: client.destination, receipt: 'later' }, 'later')]));
      assertRefusal(await client.refused(), { receipt, echo: ['secret', 'five'] });
    });
  });
}

test('P1 a lower-case connect gets an ERROR and the end', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of faces) {
      const client = await open(face);
      client.send(raw('connect\naccept-version:1.2\nhost:secret\n\n\0'));
      assertRefusal(await client.refused(), { echo: ['secret'] });
    }
  });
});

// Each of these is sent to the client's own destination ($D): the body and headers that must arrive.
const ACCEPTED = [
  ['P2 CRLF ends lines in every version', 'SEND\r\ndestination:$D\r\nfoo:bar\r\n\r\nbody\0', VERSIONS, 'body', { foo: 'bar' }],
  ['P2 LF and CRLF may be mixed', 'SEND\r\ndestination:$D\nfoo:bar\r\n\nbody\0', VERSIONS, 'body', { foo: 'bar' }],
  ['P2 a CR of the body is the body\'s', 'SEND\ndestination:$D\n\n\r\nbody\r\n\0', VERSIONS, '\r\nbody\r\n', {}],
  ['P3 line ends and NULs between frames are skipped', '\n\r\n\n\0\n\0\0SEND\ndestination:$D\n\nbody\0\n\n', VERSIONS, 'body', {}],
  ['P6 content-length lets NUL into the body', 'SEND\ndestination:$D\ncontent-length:7\n\n\0bo\0dy\0\0', VERSIONS, '\0bo\0dy\0', {}],
  ['P6 a content-length of 0', 'SEND\ndestination:$D\ncontent-length:0\n\n\0', VERSIONS, '', {}],
  ['P6 a content-length with leading zeros', 'SEND\ndestination:$D\ncontent-length:0004\n\nbody\0', VERSIONS, 'body', {}],
  ['P8 a body without content-length ends at NUL', 'SEND\ndestination:$D\n\nbody\0', VERSIONS, 'body', {}],
  ['P8 an empty body', 'SEND\ndestination:$D\n\n\0', VERSIONS, '', {}],
  ['P10 escapes are decoded', 'SEND\ndestination:$D\nfoo:a\\cb\\\\c\\nd\n\n\0', ['1.1', '1.2'], '', { foo: 'a:b\\c\nd' }],
  ['P10 escapes are decoded in names', 'SEND\ndestination:$D\na\\cb:c\n\n\0', ['1.1', '1.2'], '', { 'a:b': 'c' }],
  ['P10 \\r is decoded in 1.2', 'SEND\ndestination:$D\nfoo:a\\rb\n\n\0', ['1.2'], '', { foo: 'a\rb' }],
  ['P10 in 1.0 nothing is an escape', 'SEND\ndestination:$D\nfoo:a\\cb\\nc\\t\n\n\0', ['1.0'], '', { foo: 'a\\cb\\nc\\t' }],
  ['P10 in 1.1 an unknown escape is kept', 'SEND\ndestination:$D\nfoo:C:\\temp\\\n\n\0', ['1.1'], '', { foo: 'C:\\temp\\' }],
  ['P13 a value may hold colons', 'SEND\ndestination:$D\nfoo:http://a:80/\n\n\0', VERSIONS, '', { foo: 'http://a:80/' }],
  ['P14 a value may be empty', 'SEND\ndestination:$D\nfoo:\n\n\0', VERSIONS, '', { foo: '' }],
  ['P15 spaces are trimmed in 1.0', 'SEND\ndestination: $D \nfoo: \t bar  \n\n\0', ['1.0'], '', { foo: 'bar' }],
  ['P15 spaces belong to the value later', 'SEND\ndestination:$D\nfoo: bar  \n\n\0', ['1.1', '1.2'], '', { foo: ' bar  ' }],
  ['P16 the first of a name wins', 'SEND\ndestination:$D\nfoo:1\nfoo:2\ndestination:/topic/other\n\n\0', VERSIONS, '', { foo: '1' }],
  ['P17 names differ by case', 'SEND\nFoo:1\ndestination:$D\nfoo:2\n\n\0', VERSIONS, '', { Foo: '1', foo: '2' }],
  ['P17 header names need no order', 'SEND\nz:1\na:2\ndestination:$D\nm:3\n\n\0', VERSIONS, '', { z: '1', a: '2', m: '3' }],
  ['UTF-8 in names, values and bodies', Buffer.from('SEND\ndestination:$D\n이름:값 🐟\n\n본문 🐟\0').toString('latin1'), VERSIONS, Buffer.from('본문 🐟').toString('latin1'), { 이름: '값 🐟' }],
];

const OURS = ['destination', 'message-id', 'subscription', 'content-length'];

for (const [name, text, versions, body, headers] of ACCEPTED) {
  test(name, async () => {
    await forEach(versions, async (client, version) => {
      client.send(raw(text.replace('$D', client.destination)));
      const message = await client.frame('MESSAGE');
      assert.equal(message.body.toString('latin1'), body);
      const theirs = message.headers.filter(([key]) => !OURS.includes(key)).map((pair) => pair.map((part) => unescape(part, version)));
      assert.deepEqual(theirs, Object.entries(headers), 'the sender\'s headers in their order');
      await client.settle(); // and only once
    });
  });
}

test('P2 a lone CR is data before 1.2', async () => {
  await forEach(['1.0', '1.1'], async (client, version, open) => {
    const reader = await open(client.face);
    await reader.connect('1.2');
    await reader.subscribe(client.destination);
    client.send(raw(`SEND\ndestination:${client.destination}\nfoo:a\rb\n\n\0`));
    assert.equal((await reader.frame('MESSAGE')).header('foo'), 'a\\rb');
  });
});

test('P2 CONNECT with LF and the rest with CRLF is one conversation', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of faces) {
      const client = await open(face);
      await client.connect('1.2');
      client.send(raw('SUBSCRIBE\r\nid:1\r\ndestination:/topic/crlf\r\nreceipt:r\r\n\r\n\0\r\n'));
      assert.equal((await client.frame('RECEIPT')).header('receipt-id'), 'r');
    }
  });
});

test('P3 line ends before CONNECT are noise', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of faces) {
      const client = await open(face);
      client.send(Buffer.concat([raw('\n\r\n\n\n'), connect('1.2')]));
      await client.frame('CONNECTED');
    }
  });
});

test('P4 one LF follows each frame over TCP, nothing over WebSocket and SockJS', async () => {
  await forEach(VERSIONS, async (client) => {
    client.send(send({ destination: client.destination }, 'x'));
    assert.equal((await client.frame('MESSAGE')).raw.at(-1), 0);
    await client.settle(); // the client's reader is strict about what is between frames
    assert.equal(client.beats, 0);
  });
});

test('P6 content-length is honoured on frames without body', async () => {
  await forEach(VERSIONS, async (client) => {
    client.send(raw('UNSUBSCRIBE\nid:sub\ncontent-length:0\nreceipt:1\n\n\0DISCONNECT\ncontent-length:0\nreceipt:2\n\n\0'));
    assert.equal((await client.frame('RECEIPT')).header('receipt-id'), '1');
    assert.equal((await client.frame('RECEIPT')).header('receipt-id'), '2');
    await client.ended();
  });
});

test('P9 content-length stands on MESSAGE and ERROR, also of 0, and nowhere else', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of faces) {
      const client = await open(face);
      assert.equal((await client.connect()).header('content-length'), undefined);
      client.send(frame('SUBSCRIBE', { id: '1', destination: '/topic/lengths', receipt: 'r' }));
      assert.equal((await client.frame('RECEIPT')).header('content-length'), undefined);
      client.send(send({ destination: '/topic/lengths' }));
      assert.equal((await client.frame('MESSAGE')).header('content-length'), '0');
      client.send(send({ destination: '/topic/lengths' }, '다섯'));
      assert.equal((await client.frame('MESSAGE')).header('content-length'), '6');
      client.send(raw('NONE\n\n\0'));
      const error = await client.refused();
      assert.equal(Number(error.header('content-length')), error.body.length);
    }
  });
});

// What a 1.2 sender writes for foo, and what subscribers of each version must see, undecoded. undefined: no such header.
const TOWARDS = [
  ['plain', { '1.0': 'plain', 1.1: 'plain', 1.2: 'plain' }],
  ['a\\cb', { '1.0': 'a:b', 1.1: 'a\\cb', 1.2: 'a\\cb' }],
  ['a\\\\b', { '1.0': 'a\\b', 1.1: 'a\\\\b', 1.2: 'a\\\\b' }],
  ['a\\nb', { '1.0': undefined, 1.1: 'a\\nb', 1.2: 'a\\nb' }],
  ['a\\n\\nforged body', { '1.0': undefined, 1.1: 'a\\n\\nforged body', 1.2: 'a\\n\\nforged body' }],
  ['x\\nmessage-id:forged', { '1.0': undefined, 1.1: 'x\\nmessage-id\\cforged', 1.2: 'x\\nmessage-id\\cforged' }],
];

test('P10 what arrived escaped leaves escaped, or not at all', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of faces) {
      const sender = await open(face);
      await sender.connect('1.2');
      for (const version of VERSIONS) {
        const reader = await open(face);
        await reader.connect(version);
        await reader.subscribe('/topic/escapes');
        for (const [value, towards] of TOWARDS) {
          sender.send(send({ destination: '/topic/escapes', foo: value, after: 'whole' }, 'body'));
          const message = await reader.frame('MESSAGE');
          assert.equal(message.header('foo'), towards[version], `${value} towards ${version}`);
          assert.equal(message.header('after'), 'whole');
          assert.equal(message.text, 'body');
        }
      }
    }
  });
});

test('P10 a line end in a name does not reach a 1.0 subscriber either', async () => {
  await withClients(await stack(), async (open) => {
    const sender = await open('tcp');
    await sender.connect('1.2');
    const reader = await open('tcp');
    await reader.connect('1.0');
    await reader.subscribe('/topic/names');
    sender.send(send({ destination: '/topic/names', 'a\\nb': 'c', 'd\\ce': 'f', after: 'whole' }, 'body'));
    const message = await reader.frame('MESSAGE');
    assert.deepEqual(message.names.filter((name) => !OURS.includes(name)), ['after']);
  });
});

test('P10 a CR that arrived escaped never leaves as a CR', async () => {
  await withClients(await stack(), async (open) => {
    const sender = await open('tcp');
    await sender.connect('1.2');
    for (const version of VERSIONS) {
      const reader = await open('tcp');
      await reader.connect(version);
      await reader.subscribe('/topic/cr');
      sender.send(send({ destination: '/topic/cr', foo: 'a\\r', bar: 'a\\r\\nb', after: 'whole' }));
      const message = await reader.frame('MESSAGE'); // the client's reader accepts no CR in header lines
      assert.equal(message.header('after'), 'whole');
      assert.equal(message.header('foo'), { '1.0': undefined, 1.1: undefined, 1.2: 'a\\r' }[version]);
    }
  });
});

test('P10 CONNECT is not unescaped', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of faces) {
      const client = await open(face);
      await client.connect('1.2', { 'x-path': 'C:\\temp\\' });
    }
  });
});

test('P11 STOMP is CONNECT', async () => {
  await withClients(await stack(), async (open) => {
    for (const face of faces) {
      for (const version of VERSIONS) {
        const client = await open(face);
        client.send(frame('STOMP', { 'accept-version': version, host: 'test', 'x-path': 'C:\\temp' }));
        assert.equal((await client.frame('CONNECTED')).header('version'), version);
        await client.settle();
      }
    }
  });
});
