// SPDX-License-Identifier: MIT
//
// One session over three gateways: every race that ARCHITECTURE ("Sessions, claims and resumption") names, each request sent
// to a chosen gateway over a raw socket, for the echo service and for STOMP.

import assert from 'node:assert/strict';
import { until, withStack } from '../lib/stack.mjs';
import { FAMILIES, ENDPOINTS, Talk, settled } from '../lib/talk.mjs';
import { RawSession, abortAll, stompFrame } from '../lib/rawsockjs.mjs';
import { test } from '../lib/test.mjs';

const POLLING = ['xhr', 'jsonp'];
const KINDS = ['echo', 'stomp'];
const BUSY = { type: 'c', code: 2010, reason: 'Another connection still open' };
const CUT = { type: 'c', code: 1002, reason: 'Connection interrupted' };
const GOODBYE = { type: 'c', code: 1000, reason: 'Goodbye' };

const numbers = (count, prefix = 'm') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** A case with three gateways; `body` gets their URLs as a function that counts around, and the stack. */
function race(name, body, options = {}) {
  test(name, () =>
    withStack(
      { gateway: { endpoints: ENDPOINTS({ disconnect_delay: '30s', ...options }) } },
      async (stack) => {
        await body((i) => stack.urls[i % stack.urls.length], stack);
        abortAll();
      },
      { gateways: 3 },
    ),
  );
}

const eachTalk = async (families, body) => {
  for (const kind of KINDS) {
    for (const family of families) {
      try {
        await body(kind, family);
      } catch (error) {
        error.stack = `${kind} over ${family}: ${error.stack}`;
        throw error;
      }
    }
  }
};

/** Every receiver at every gateway gets this close, and sends find nothing. */
async function isClosedEverywhere(at, talk, expected) {
  for (const i of [0, 1, 2, 0]) {
    const frames = await talk.session.receive(at(i)).all();
    assert.deepEqual(frames, [expected]);
    assert.equal(await talk.session.send(at(i + 1), []), 404);
  }
}

race('first streams that race at different gateways: one gets o, the others 2010', async (at) => {
  for (let round = 0; round < 5; round++) {
    await eachTalk(['xhr', 'eventsource', 'htmlfile'], async (kind, family) => {
      const talk = new Talk(kind, family);
      const streams = [0, 1, 2].map((i) => talk.session.stream(at(i + round)));
      const first = await Promise.all(streams.map((stream) => stream.frame()));
      assert.deepEqual(first.map((frame) => frame.type).sort(), ['c', 'c', 'o']);
      assert.deepEqual(first.filter(({ type }) => type === 'c'), [BUSY, BUSY]);
      streams.forEach((stream) => stream.abort());
    });
  }
});

race('first polls that race at different gateways: o once, another waits or gets 2010', async (at) => {
  for (let round = 0; round < 5; round++) {
    await eachTalk(POLLING, async (kind, family) => {
      const talk = new Talk(kind, family);
      const polls = [0, 1, 2].map((i) => talk.session.receive(at(i + round)));
      // All but at most one, which goes on as the receiver, end by themselves.
      await until('two polls to end', () => polls.filter(({ how }) => how !== null).length >= 2);
      const waiting = polls.filter(({ how }) => how === null);
      const ended = (await Promise.all(polls.filter(({ how }) => how !== null).map((poll) => poll.all()))).flat();
      assert.equal(ended.filter(({ type }) => type === 'o').length, 1, JSON.stringify(ended));
      assert.ok(ended.every((frame) => frame.type === 'o' || frame.code === 2010), JSON.stringify(ended));
      waiting.forEach((poll) => poll.abort());
    });
  }
});

race('a second receiver elsewhere gets 2010, and the first is unharmed', async (at) => {
  await eachTalk(FAMILIES, async (kind, family) => {
    const talk = await new Talk(kind, family).open(at(0));
    const first = talk.stream ?? talk.session.receive(at(0));
    await settled(at(0));
    for (const i of [1, 2, 0]) {
      for (const second of [talk.session.receive(at(i)), talk.session.stream(at(i))]) {
        const harm = first.ended().then((how) => assert.fail(`the first ended ${how}`));
        assert.deepEqual(await Promise.race([second.all(), harm]), [BUSY]);
      }
    }
    await talk.say(at(1), 'still here');
    await talk.drain(first, () => talk.texts.length > 0);
    talk.heardExactly(['still here']);
  });
});

race('a poll that ended is followed by polls elsewhere, without another o', async (at) => {
  await eachTalk(POLLING, async (kind, family) => {
    const talk = await new Talk(kind, family).open(at(0));
    for (const [i, text] of numbers(12).entries()) {
      const poll = talk.session.receive(at(i));
      await talk.say(at(i), text);
      await talk.drain(poll);
      await talk.hear(i + 1, () => at(i));
    }
    talk.heardExactly(numbers(12));
  });
});

race('a stream that reached its limit is followed by one elsewhere', async (at) => {
  await eachTalk(['xhr', 'eventsource', 'htmlfile'], async (kind, family) => {
    const talk = await new Talk(kind, family).open(at(0));
    const long = numbers(40).map((text) => text.padEnd(100, '.'));
    let turn = 0;
    const sends = (async () => {
      for (const text of long) {
        await talk.say(at(turn + 1), text);
      }
    })();
    let stream = talk.stream ?? talk.session.stream(at(turn));
    while (talk.texts.length < long.length) {
      await talk.drain(stream, () => talk.texts.length === long.length);
      if (talk.texts.length < long.length) {
        stream = talk.session.stream(at(++turn));
      }
    }
    await sends;
    assert.ok(turn > 2);
    talk.heardExactly(long);
  });
}, { response_limit: '1KiB' });

race('a stream takes of what waits as much as its limit allows, the next one the rest', async (at) => {
  for (const kind of KINDS) {
    const talk = await new Talk(kind, 'xhr').open(at(0));
    const long = numbers(20).map((text) => text.padEnd(200, '.'));
    await talk.say(at(0), ...long);
    const streams = [];
    while (talk.texts.length < long.length) {
      const before = talk.texts.length;
      const stream = talk.session.stream(at(streams.length >> 1)); // here again, then elsewhere
      await talk.drain(stream, () => talk.texts.length === long.length);
      streams.push(talk.texts.length - before);
    }
    // The limit is looked at after each frame: what it takes is less than six times 200 bytes.
    assert.ok(streams.every((count) => count > 0 && count < 6), `${kind}: ${streams}`);
    talk.heardExactly(long);
  }
}, { response_limit: '1KiB' });

race('what comes while nobody receives is collected elsewhere, in order', async (at) => {
  await eachTalk(POLLING, async (kind, family) => {
    const talk = await new Talk(kind, family).open(at(0));
    for (const [i, text] of numbers(30).entries()) {
      await talk.say(at(Math.floor(i / 3)), text);
    }
    await talk.hear(30, () => at(2));
    talk.heardExactly(numbers(30));
  });
});

race('sends alternate over gateways and stay in order', async (at) => {
  await eachTalk(FAMILIES, async (kind, family) => {
    const talk = await new Talk(kind, family).open(at(0));
    const heard = talk.hear(45, () => at(0));
    for (const [i, text] of numbers(45).entries()) {
      await talk.say(at(i), text);
    }
    await heard;
    talk.heardExactly(numbers(45));
  });
});

race('sends run while the session moves with every poll', async (at) => {
  await eachTalk(POLLING, async (kind, family) => {
    const talk = await new Talk(kind, family).open(at(0));
    let turn = 0;
    const heard = talk.hear(60, () => at(turn++));
    for (const [i, text] of numbers(60).entries()) {
      await talk.say(at(i * 2), text);
    }
    await heard;
    talk.heardExactly(numbers(60));
  });
});

race('a frame is split over sends at different gateways, also within a character', async (at) => {
  for (const family of FAMILIES) {
    const talk = await new Talk('stomp', family).open(at(0));
    const heard = talk.hear(4, () => at(0));
    const body = 'grin \u{1f600} and beyond';
    const frame = talk.wire(body);
    const cut = frame.indexOf('\ud83d') + 1;
    const pieces = [frame.slice(0, 3), frame.slice(3, 30), frame.slice(30, cut), frame.slice(cut, cut + 1), frame.slice(cut + 1)];
    for (let round = 0; round < 4; round++) {
      for (const [i, piece] of pieces.entries()) {
        await talk.send(at(i + round), [piece]);
      }
    }
    await heard;
    talk.heardExactly([body, body, body, body]);
  }
});

race('half a frame moves with its session, and half a character', async (at) => {
  for (const family of POLLING) {
    const talk = await new Talk('stomp', family).open(at(0));
    const texts = numbers(18).map((text) => `${text} \u{1f600}`);
    for (const [i, text] of texts.entries()) {
      const frame = talk.wire(text);
      const cut = i % 2 === 0 ? 11 : frame.indexOf('\ud83d') + 1;
      await talk.send(at(i), [frame.slice(0, cut)]);
      const poll = talk.session.receive(at(i + 1));
      await talk.send(at(i + 2), [frame.slice(cut)]);
      await talk.drain(poll);
      await talk.hear(i + 1, () => at(i + 1));
    }
    talk.heardExactly(texts);
  }
});

/** The broker has what the gateway was asked before: a claim at the same gateway goes there and back behind it. */
async function reached(url) {
  await new Talk('echo', 'xhr').open(url);
}

race('sends that wait for a yield are handled in the order they came', async (at, stack) => {
  await eachTalk(POLLING, async (kind, family) => {
    const talk = await new Talk(kind, family).open(at(0));
    const sendings = [];
    let poll;
    stack.gateways[0].signal('SIGSTOP');
    try {
      poll = talk.session.receive(at(2));
      await poll.written;
      await reached(at(2));
      for (const text of numbers(4)) {
        const sending = talk.session.sending(at(1), JSON.stringify([talk.wire(text)]));
        await sending.written;
        await reached(at(1));
        sendings.push(sending);
      }
    } finally {
      stack.gateways[0].signal('SIGCONT');
    }
    for (const sending of sendings) {
      await sending.ended();
      assert.equal(sending.status, talk.session.sentStatus);
    }
    await talk.drain(poll);
    await talk.hear(4, () => at(2));
    talk.heardExactly(numbers(4));
  });
});

race('a send elsewhere is answered when its session has handled it, not before', async (at, stack) => {
  await eachTalk(FAMILIES, async (kind, family) => {
    const talk = await new Talk(kind, family).open(at(0));
    stack.gateways[0].signal('SIGSTOP');
    let sending;
    try {
      sending = talk.session.sending(at(1), JSON.stringify([talk.wire('x')]));
      await sending.written;
      await reached(at(1));
      assert.equal(sending.status, 0, 'answered before');
    } finally {
      stack.gateways[0].signal('SIGCONT');
    }
    await sending.ended();
    assert.equal(sending.status, talk.session.sentStatus);
    await talk.hear(1, () => at(0));
    talk.heardExactly(['x']);
  });
});

race('parallel sends are each taken once and whole', async (at) => {
  await eachTalk(FAMILIES, async (kind, family) => {
    const talk = await new Talk(kind, family).open(at(0));
    let turn = 0;
    const heard = talk.hear(90, () => at(turn++));
    await Promise.all(numbers(30, 'p').map((name, i) => talk.say(at(i), `${name}.0`, `${name}.1`, `${name}.2`)));
    await heard;
    assert.equal(new Set(talk.texts).size, 90);
    for (let i = 0; i < 90; i += 3) {
      const name = talk.texts[i].split('.')[0];
      assert.deepEqual(talk.texts.slice(i, i + 3), [`${name}.0`, `${name}.1`, `${name}.2`], 'one body is not torn apart');
    }
  });
});

race('a poll that was aborted leaves c[1002] everywhere', async (at) => {
  await eachTalk(['xhr', 'htmlfile', 'jsonp'], async (kind, family) => {
    for (const how of ['reset', 'fin', 'half']) {
      const talk = await new Talk(kind, family).open(at(0));
      const receiver = talk.stream ?? talk.session.receive(at(1));
      await settled(at(1));
      await talk.say(at(1), 'x');
      await talk.drain(receiver, () => talk.texts.length > 0);
      // At its holder, so that it is certainly seated: one whose claim is under way may go without a trace.
      const next = talk.stream ?? talk.session.receive(at(1));
      await settled(at(1));
      how === 'half' ? next.halfClose() : next.abort(how);
      // Until the abort is noticed, a receiver is still alive.
      let last;
      do {
        [last] = await talk.session.receive(at(2)).all();
      } while (last.code === 2010);
      assert.deepEqual(last, CUT);
      await isClosedEverywhere(at, talk, CUT);
    }
  });
});

race('an eventsource that the network cut goes on elsewhere', async (at) => {
  for (const kind of KINDS) {
    const talk = await new Talk(kind, 'eventsource').open(at(0));
    await talk.say(at(1), 'before');
    await talk.hear(1);
    for (const [i, text] of numbers(6).entries()) {
      talk.stream.abort('fin');
      await settled(at(i));
      await talk.say(at(i + 2), text);
      talk.stream = talk.session.stream(at(i + 1));
      await talk.hear(i + 2);
    }
    talk.heardExactly(['before', ...numbers(6)]);
  }
});

race('DISCONNECT while a poll claims: the receipt, then c, and c for whoever comes late', async (at) => {
  for (let round = 0; round < 8; round++) {
    for (const family of POLLING) {
      const talk = await new Talk('stomp', family).open(at(round));
      await talk.say(at(round), 'last');
      const leave = talk.send(at(round + (round >> 1)), [stompFrame('DISCONNECT', { receipt: 'bye' })]);
      let turn = round;
      await talk.until(() => talk.closed !== null, () => at(++turn));
      await leave;
      assert.deepEqual([talk.texts, talk.receipts.at(-1), talk.closed], [['last'], 'bye', GOODBYE]);
      await isClosedEverywhere(at, talk, GOODBYE);
    }
  }
});

/** Has left with more queued than one response of 1 KiB takes, and nobody receives. */
async function leftWithQueue(at, family, texts) {
  const talk = await new Talk('stomp', family).open(at(0));
  for (const [i, text] of texts.entries()) {
    await talk.say(at(i), text);
  }
  await talk.send(at(2), [stompFrame('DISCONNECT', { receipt: 'bye' })]);
  return talk;
}

race('what was queued before a close is collected wherever the polls go, then comes the c', async (at) => {
  const long = numbers(12).map((text) => text.padEnd(200, '.'));
  for (const family of POLLING) {
    for (const first of [0, 1, 2]) {
      const talk = await leftWithQueue(at, family, long);
      let turn = first;
      await talk.until(() => talk.closed !== null, () => at(turn++));
      assert.deepEqual([talk.texts, talk.receipts.at(-1), talk.closed], [long, 'bye', GOODBYE]);
      await isClosedEverywhere(at, talk, GOODBYE);
    }
  }
}, { response_limit: '1KiB' });

race('streams collect what was queued before a close in as many responses as their limit makes', async (at) => {
  const long = numbers(12).map((text) => text.padEnd(200, '.'));
  const talk = await leftWithQueue(at, 'xhr', long);
  let turn = 0;
  await talk.until(() => talk.closed !== null, () => at(turn++), 'xhr_streaming');
  assert.deepEqual([talk.texts, talk.receipts.at(-1), talk.closed], [long, 'bye', GOODBYE]);
  assert.ok(turn > 2, `${turn} responses`);
  await isClosedEverywhere(at, talk, GOODBYE);
}, { response_limit: '1KiB' });

race('another family collects nothing of a closed session, and sends find none', async (at) => {
  const long = numbers(12).map((text) => text.padEnd(200, '.'));
  for (const family of POLLING) {
    const talk = await leftWithQueue(at, family, long);
    for (let turn = 0; talk.closed === null; turn++) {
      const stranger = new RawSession('eventsource', { base: talk.session.base, id: talk.session.id }).receive(at(turn));
      // Once all is collected the tombstone answers, whoever asks.
      const isCollected = talk.receipts.at(-1) === 'bye';
      assert.equal(await stranger.answered(), isCollected ? 200 : 404);
      assert.deepEqual(await stranger.all(), isCollected ? [GOODBYE] : []);
      assert.equal(await talk.session.send(at(turn + 1), ['late']), 404);
      await talk.drain(talk.session.receive(at(turn + 2)));
    }
    assert.deepEqual([talk.texts, talk.receipts.at(-1), talk.closed], [long, 'bye', GOODBYE]);
  }
}, { response_limit: '1KiB' });

race('receivers that race for a closed session: one collects, and nothing twice', async (at) => {
  const long = numbers(12).map((text) => text.padEnd(200, '.'));
  for (const family of POLLING) {
    const talk = await leftWithQueue(at, family, long);
    while (talk.closed === null) {
      const polls = [0, 1, 2, 0].map((i) => talk.session.receive(at(i)));
      const frames = (await Promise.all(polls.map((poll) => poll.all()))).flat();
      // Who asks while another response is being written may be told so; the order of answers is not that of the queue.
      frames.filter(({ code }) => code !== 2010).forEach((frame) => talk.take(frame));
    }
    assert.deepEqual([[...talk.texts].sort(), talk.closed], [[...long].sort(), GOODBYE]);
  }
}, { response_limit: '1KiB' });

race('a service that closes at once: one o, then the same c everywhere', async (at) => {
  const expected = { type: 'c', code: 3000, reason: 'Go away!' };
  for (const family of FAMILIES) {
    const session = new RawSession(family, { base: '/close' });
    const racing = await Promise.all([0, 1, 2].map((i) => session.stream(at(i)).all()));
    const frames = racing.flat();
    assert.equal(frames.filter(({ type }) => type === 'o').length, 1, JSON.stringify(racing));
    assert.ok(frames.every(({ type, code }) => type === 'o' || code === 3000 || code === 2010), JSON.stringify(racing));
    for (const i of [0, 1, 2]) {
      assert.deepEqual(await session.stream(at(i)).all(), [expected]);
      assert.equal(await session.send(at(i), ['x']), 404);
    }
  }
});

race('a send to a session that never was is 404 everywhere', async (at) => {
  for (const family of FAMILIES) {
    for (const i of [0, 1, 2]) {
      assert.equal(await new RawSession(family).send(at(i), ['x']), 404);
    }
  }
});

race('another family of transports is refused at every gateway, and the session is unharmed', async (at) => {
  await eachTalk(FAMILIES, async (kind, family) => {
    const talk = await new Talk(kind, family).open(at(0));
    for (const other of FAMILIES.filter((one) => one !== family)) {
      const stranger = new RawSession(other, { base: talk.session.base, id: talk.session.id });
      for (const i of [0, 1, 2]) {
        assert.equal(await stranger.receive(at(i)).answered(), 404, `${other} at ${i}`);
      }
    }
    await talk.say(at(2), 'fine');
    await talk.hear(1, () => at(1));
    talk.heardExactly(['fine']);
  });
});

race('a session that expired begins anew at another gateway', async (at, stack) => {
  for (const kind of KINDS) {
    const talk = await new Talk(kind, 'xhr').open(at(0));
    await talk.say(at(1), 'moved');
    await talk.hear(1, () => at(1));
    await until('the session to expire', () => stack.broker.lines.length >= 0 && talk.session.send(at(2), []).then((status) => status === 404));
    assert.deepEqual(await talk.session.receive(at(2)).all(), [{ type: 'o' }]);
    const poll = talk.session.receive(at(0));
    await settled(at(0));
    poll.abort();
  }
}, { disconnect_delay: '300ms' });
