// Every metric that docs/metrics.md lists is there, and has been seen to move.
//
// Each case does what some metrics count and asserts these; every scrape is noted, and the last case asks of all
// documented series whether two scrapes differed. What cannot move here stands in STILL, with the reason.

import assert from 'node:assert/strict';
import http from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { Program, Stack, until, withStack } from '../lib/stack.mjs';
import { openTcp, openWebSocket, openXhr, frame } from '../lib/stomp.mjs';
import { now, SECRET, token } from '../lib/jwt.mjs';
import { Exchange, RawSession, stompFrame } from '../lib/rawsockjs.mjs';
import { settled } from '../lib/talk.mjs';
import { test } from '../lib/test.mjs';

const DOCUMENT = fileURLToPath(new URL('../../docs/metrics.md', import.meta.url));
const ADMIN = { admin: { listen: 'http://127.0.0.1:0' } };
const ENDPOINTS = [
  { path: '/ws', sockjs: true, allowed_origins: ['*'], disconnect_delay: '3s' },
  { path: '/own', sockjs: true },
  { path: '/stomp', sockjs: false, allowed_origins: ['*'] },
];
const CONFIG = { broker: ADMIN, gateway: { ...ADMIN, endpoints: ENDPOINTS } };

const STILL = {
  sluice_broker_ready: 'a broker that is not ready cannot be asked',
};

/** {name, type, series: ['name', 'name{label="value"}', …]} of each row of the document. */
function documented() {
  const rows = [];
  for (const line of readFileSync(DOCUMENT, 'utf8').split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim());
    const name = /^`(sluice_\w+)`$/.exec(cells[1] ?? '')?.[1];
    if (name === undefined) {
      continue;
    }
    const words = [...cells[3].matchAll(/`([^`]+)`/g)].map((match) => match[1]);
    const isFixed = cells[3].includes(':');
    const series = isFixed ? words.slice(1).map((value) => `${name}{${words[0]}="${value}"}`) : [name];
    rows.push({ name, type: cells[2], series, isFixed: isFixed || words.length === 0 });
  }
  return rows;
}

const seen = new Map(); // series -> set of values

const adminUrl = (program) => program.events('admin_listening')[0].fields.url;

/** On a connection of its own: one that was kept could end while it is asked. */
function get(url) {
  return new Promise((resolve, reject) => {
    http.get(url, { agent: false }, (response) => {
      response.text = '';
      response.setEncoding('utf8');
      response.on('data', (text) => (response.text += text));
      response.on('end', () => resolve(response));
    }).on('error', reject);
  });
}

/** All series of one program as {series: number}. */
async function scrape(program) {
  const response = await get(`${adminUrl(program)}/metrics`);
  assert.equal(response.statusCode, 200);
  assert.match(response.headers['content-type'], /^text\/plain; version=0\.0\.4/);
  const found = {};
  for (const line of response.text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
    const [, series, value] = /^(\S+) ([0-9.]+)$/.exec(line) ?? assert.fail(`no metric: ${line}`);
    assert.ok(!(series in found), `${series} stands once`);
    found[series] = Number(value);
    const key = series.replace(/\{gateway=.*\}$/, '');
    seen.set(key, (seen.get(key) ?? new Set()).add(Number(value)));
  }
  return found;
}

/** Waits until the series are as asked: a number, or a function that judges it. Answers the scrape. */
async function moved(program, expected) {
  const prefix = `sluice_${program.name.replace(/\d/, '')}_`;
  let last;
  const check = (value, wanted) => (typeof wanted === 'function' ? wanted(value) : value === wanted);
  try {
    return await until('metrics', async () => {
      last = await scrape(program);
      return Object.entries(expected).every(([name, wanted]) => check(last[prefix + name], wanted)) && last;
    }, 15_000);
  } catch (error) {
    const shown = Object.keys(expected).map((name) => `${name} ${last?.[prefix + name]}`);
    throw new Error(`${program.name}: ${shown.join(', ')}\n${error.message}`);
  }
}

const some = (value) => value > 0;

async function withMetrics(config, body, options) {
  await withStack(config, async (stack) => {
    await scrape(stack.broker);
    await Promise.all(stack.gateways.map(scrape));
    await body(stack, ...stack.gateways);
  }, options);
}

/** A polled session that is detached, with a subscription; its next poll is the caller's. */
async function parkedSession(url, destination, options) {
  const session = new RawSession('xhr', options);
  const next = async () => (await session.receive(url).all())[0];
  assert.equal((await next()).type, 'o');
  await session.send(url, [stompFrame('CONNECT', { 'accept-version': '1.2', host: 'x' })]);
  assert.match((await next()).messages[0], /^CONNECTED/);
  await session.send(url, [stompFrame('SUBSCRIBE', { id: '0', destination, receipt: 'r' })]);
  assert.match((await next()).messages[0], /^RECEIPT/);
  return session;
}

test('a gateway is not ready before its broker is there, is then, and tells both', async () => {
  const stack = new Stack(CONFIG, 0);
  stack.allow('link_waits');
  try {
    const gateway = new Program('gateway', stack.program('gateway'), ['--config', stack.file]);
    stack.gateways.push(gateway);
    gateway.idle = Infinity;
    await gateway.waitFor('listening');
    const ready = async () => (await fetch(`${adminUrl(gateway)}/readyz`)).status;
    assert.equal(await ready(), 503);
    assert.equal((await fetch(`${adminUrl(gateway)}/healthz`)).status, 200);
    await moved(gateway, { ready: 0, link_up: 0, link_connects_total: 0 });
    await stack.startBroker();
    await scrape(stack.broker);
    await moved(gateway, { ready: 1, link_up: 1, link_connects_total: 1 });
    assert.equal(await ready(), 200);
    await moved(stack.broker, { links: 1, links_opened_total: 1, link_messages_in_total: some, link_messages_out_total: some });
    await stack.stop();
  } catch (error) {
    stack.kill();
    throw error;
  }
});

test('every transport is counted while it is there, and its bytes, frames and requests', async () => {
  await withMetrics(CONFIG, async (stack, gateway) => {
    const tcp = await openTcp(stack);
    const raw = await openWebSocket(stack, '/stomp');
    const framed = new WebSocket(`ws://127.0.0.1:${stack.port}/ws/000/a/websocket`);
    const receivers = Object.entries({
      xhr: 'xhr', xhr_streaming: 'xhr', eventsource: 'eventsource', htmlfile: 'htmlfile', jsonp: 'jsonp',
    }).map(([transport, family]) => [new RawSession(family), transport]);
    const held = [];
    for (const [session, transport] of receivers) {
      const first = session.receive(stack.url, transport);
      assert.equal((await first.frame()).type, 'o');
      const isPoll = transport === 'xhr' || transport === 'jsonp';
      held.push(isPoll ? session.receive(stack.url, transport) : first);
    }
    await tcp.connect();
    await tcp.subscribe('/topic/a');
    await raw.connect();
    await raw.subscribe('/topic/a');
    tcp.send(frame('SEND', { destination: '/topic/a' }, 'x'));
    await tcp.frame('MESSAGE');
    await raw.frame('MESSAGE');
    const names = ['websocket', 'raw-websocket', 'tcp', 'xhr-polling', 'xhr-streaming', 'eventsource', 'htmlfile', 'jsonp-polling'];
    await moved(gateway, {
      ...Object.fromEntries(names.map((name) => [`attached{transport="${name}"}`, 1])),
      ...Object.fromEntries(names.map((name) => [`attached_total{transport="${name}"}`, some])),
      connections: (value) => value >= 8,
      connections_accepted_total: (value) => value >= 8,
      sessions: 8,
      sessions_opened_total: 8,
      'claims_total{result="new"}': 8,
      subscriptions: 2,
      subscriptions_opened_total: 2,
      frames_received_total: 5,
      frames_sent_total: some,
      received_bytes_total: some,
      sent_bytes_total: some,
      send_calls_total: some,
      http_requests_total: some,
      published_total: 1,
      delivered_total: 1,
      deliveries_total: 2,
      encodings_total: some,
      open_descriptors: some,
    });
    await moved(stack.broker, {
      'sessions{state="held"}': 8,
      sessions_opened_total: 8,
      'claims_total{result="new"}': 8,
      subscriptions: 2,
      subscriptions_opened_total: 2,
      published_total: 1,
      published_bytes_total: some,
      deliveries_total: 1,
      delivered_bytes_total: some,
      delivered_groups_total: 1,
      open_descriptors: some,
    });
    [tcp, raw].forEach((client) => client.drop());
    framed.terminate();
    held.forEach((exchange) => exchange.abort());
    await moved(stack.broker, { tombstones: some }); // for twice disconnect_delay
    await moved(gateway, { connections: 0, sessions: 0, subscriptions: 0, 'sessions_closed_total{reason="interrupted"}': some });
    await moved(stack.broker, { sessions_closed_total: 8 });
  });
});

test('sessions that end are counted by their reason', async () => {
  const limits = { message_size: '1KiB', queue_messages: 3 };
  await withMetrics({ broker: ADMIN, gateway: { ...ADMIN, endpoints: ENDPOINTS, limits } }, async (stack, gateway) => {
    const ended = (reason) => moved(gateway, { [`sessions_closed_total{reason="${reason}"}`]: 1 });
    const polite = await openTcp(stack);
    await polite.connect();
    polite.send(frame('DISCONNECT', {}));
    await ended('goodbye');
    for (const [code, reason] of [[1001, 'going_away'], [4000, 'other']]) {
      const browser = await openWebSocket(stack);
      await browser.connect();
      browser.socket.close(code);
      await ended(reason);
    }
    const lost = await openWebSocket(stack);
    await lost.connect();
    lost.drop();
    await ended('interrupted');
    const rude = await openTcp(stack);
    rude.send(frame('SEND', { destination: '/topic/a' }));
    await ended('protocol');
    const big = await openWebSocket(stack);
    await big.connect();
    big.send(frame('SEND', { destination: '/topic/a' }, 'x'.repeat(50_000)));
    await ended('too_big');
    const early = new RawSession('xhr');
    assert.equal((await early.receive(stack.url).all())[0].type, 'o');
    await moved(gateway, { sessions_detached: 1 });
    await ended('expired');
    await moved(gateway, { frames_refused_total: some });
    await parkedSession(stack.url, '/topic/slow');
    const loud = await openTcp(stack);
    await loud.connect();
    for (let i = 0; i < 6; i++) {
      loud.send(frame('SEND', { destination: '/topic/slow' }, 'x'));
    }
    await ended('too_slow');
    [polite, rude, big, loud].forEach((client) => client.drop());
  });
});

test('transactions are counted by their end, and acknowledgements that mean nothing', async () => {
  await withMetrics(CONFIG, async (stack, gateway) => {
    const browser = await openWebSocket(stack);
    await browser.connect();
    browser.send(Buffer.concat(['BEGIN', 'COMMIT', 'BEGIN', 'ABORT'].map((command) => frame(command, { transaction: 't' }))));
    browser.send(frame('ACK', { id: 'x@y' }));
    await moved(gateway, { 'transactions_total{result="committed"}': 1, 'transactions_total{result="aborted"}': 1, acks_ignored_total: 1 });
    browser.drop();
  });
});

test('what waits for a client is counted, and what cannot be sent to it', async () => {
  await withMetrics(CONFIG, async (stack, gateway) => {
    const session = await parkedSession(stack.url, '/topic/q');
    const sender = await openTcp(stack);
    await sender.connect();
    sender.send(frame('SEND', { destination: '/topic/q' }, 'one'));
    sender.send(frame('SEND', { destination: '/topic/q' }, 'two'));
    sender.send(frame('SEND', { destination: '/topic/q' }, Buffer.from([0xff, 0xfe])));
    await moved(gateway, { queued_frames: 2, queued_bytes: some, frames_unsendable_total: 1 });
    const [{ messages }] = await session.receive(stack.url).all();
    assert.equal(messages.length, 2);
    await moved(gateway, { queued_frames: 0, queued_bytes: 0 });
    sender.drop();
    await moved(gateway, { sessions: 0 });
  });
});

test('logins and what rules refuse are counted', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-secret-'));
  writeFileSync(path.join(folder, 'jwt.secret'), SECRET);
  const auth = { anonymous: false, jwt: { secret_file: path.join(folder, 'jwt.secret'), leeway: '0s' } };
  await withMetrics({ ...CONFIG, gateway: { ...CONFIG.gateway, auth, rules: [{ match: '/a', send: true }] } }, async (stack, gateway) => {
    const member = await openTcp(stack);
    await member.connect('1.2', { Authorization: token({ sub: 'ada' }) });
    member.send(frame('SEND', { destination: '/b' }));
    await member.refused();
    const stranger = await openTcp(stack);
    stranger.send(frame('CONNECT', { 'accept-version': '1.2' }));
    await stranger.refused();
    const guest = await openTcp(stack);
    await guest.connect('1.2', { Authorization: token({ sub: 'eve', exp: now() + 1 }) });
    await guest.refused();
    await moved(gateway, { logins_total: 2, logins_refused_total: 1, tokens_expired_total: 1, rules_refused_total: 1 });
    [member, stranger, guest].forEach((client) => client.drop());
  });
  rmSync(folder, { recursive: true });
});

test('what is refused at the door is counted', async () => {
  await withMetrics({ ...CONFIG, gateway: { ...CONFIG.gateway, limits: { connections: 3 } } }, async (stack, gateway) => {
    const open = () => new Promise((resolve) => {
      const socket = net.connect(stack.port, '127.0.0.1', () => resolve(socket));
      socket.on('error', () => {});
    });
    const sockets = [await open(), await open(), await open(), await open()];
    await moved(gateway, { connections_refused_total: 1 });
    sockets[0].write('NONSENSE\r\n\r\n');
    await moved(gateway, { http_bad_requests_total: 1 });
    sockets.forEach((socket) => socket.destroy());
    await moved(gateway, { connections: 0 });
    const foreign = new Exchange(stack.url, { path: '/own/info', headers: { Origin: 'http://elsewhere.test' } });
    await foreign.ended();
    await moved(gateway, { origins_refused_total: some });
    stack.allow('link_refused', 'link_rejected');
    const stranger = net.connect(stack.config.broker.socket);
    const name = Buffer.from('old');
    const hello = Buffer.alloc(4 + 1 + 4 + 2 + 2 + 8 + 8 + 2 + name.length + 4);
    hello.writeUInt32BE(hello.length - 4, 0);
    hello.writeUInt8(1, 4);
    hello.write('SLUC', 5);
    hello.writeUInt16BE(99, 9); // versions 99 to 99
    hello.writeUInt16BE(99, 11);
    hello.writeUInt16BE(name.length, 29);
    name.copy(hello, 31);
    stranger.write(hello);
    await moved(stack.broker, { links_refused_total: 1 });
    stranger.destroy();
  });
});

test('TLS handshakes are counted, and a certificate says when it ends', async () => {
  await withMetrics(CONFIG, async (stack, gateway) => {
    await moved(gateway, { certificate_expires_timestamp: 0 });
    assert.equal(gateway.events('tls_handshake_failed').length, 0);
  });
  await withMetrics(CONFIG, async (stack, gateway) => {
    const client = await openTcp(stack);
    await client.connect();
    const plain = net.connect(stack.port, '127.0.0.1', () => plain.write('GET / HTTP/1.1\r\n\r\n'));
    plain.on('error', () => {}).resume();
    await moved(gateway, {
      'tls_handshakes_total{result="done"}': 1,
      'tls_handshakes_total{result="failed"}': 1,
      certificate_expires_timestamp: (seconds) => seconds > Date.now() / 1000,
    });
    client.drop();
  }, { isSecure: true });
});

test('a broker that is full says so', async () => {
  await withMetrics({ ...CONFIG, broker: { ...ADMIN, sessions: 1 } }, async (stack, gateway) => {
    const first = await openXhr(stack);
    await new RawSession('xhr').receive(stack.url).all();
    await moved(gateway, { 'claims_total{result="full"}': 1 });
    await moved(stack.broker, { 'claims_total{result="full"}': 1 });
    first.drop();
    await moved(gateway, { sessions: 0 });
  });
});

test('claims of a session that is elsewhere are counted by their outcome', async () => {
  await withMetrics(CONFIG, async (stack, here, there) => {
    const session = await parkedSession(here.url, '/topic/held');
    await new RawSession('jsonp', { id: session.id }).receive(there.url).all(); // another family
    await moved(there, { 'claims_total{result="other"}': 1 });
    await moved(stack.broker, { 'claims_total{result="other"}': 1 });
    const waiting = session.receive(here.url); // a receiver is alive
    await moved(here, { 'attached{transport="xhr-polling"}': 1 });
    await session.receive(there.url).all();
    await moved(there, { 'claims_total{result="busy"}': 1 });
    await moved(here, { 'yields_total{result="refused"}': some });
    await moved(stack.broker, { 'claims_total{result="busy"}': 1, 'yields_total{result="refused"}': some });
    waiting.abort();
    await moved(stack.broker, { tombstones: 1 });
    await session.receive(there.url).all();
    await moved(there, { 'claims_total{result="closed"}': 1 });
    await moved(stack.broker, { 'claims_total{result="closed"}': 1 });
  }, { gateways: 2 });
});

test('a session that moves, and bodies for it, are counted at both ends and in between', async () => {
  await withMetrics(CONFIG, async (stack, here, there) => {
    const session = await parkedSession(here.url, '/topic/moving');
    const waiting = session.receive(here.url);
    await moved(here, { 'attached{transport="xhr-polling"}': 1 });
    await session.send(there.url, [stompFrame('SEND', { destination: '/topic/moving' }, 'x')]);
    assert.equal((await waiting.all())[0].messages.length, 1);
    await moved(there, { 'relays_total{direction="out"}': 1 });
    await moved(here, { 'relays_total{direction="in"}': 1 });
    await moved(stack.broker, { relays_total: 1 });
    assert.equal(await new RawSession('xhr').send(there.url, ['x']), 404); // nobody's session
    await moved(stack.broker, { relays_refused_total: some });
    const moving = session.receive(there.url); // no receiver is alive
    await moved(here, { 'yields_total{result="yielded"}': 1, 'sessions_closed_total{reason="moved"}': some });
    await moved(there, { 'claims_total{result="moved"}': 1 });
    await moved(stack.broker, {
      'claims_total{result="moved"}': 1, 'yields_total{result="yielded"}': 1, sessions_moved_total: 1,
    });
    moving.abort();
  }, { gateways: 2 });
});

test('a session whose gateway died waits, and expires', async () => {
  await withMetrics(CONFIG, async (stack, here) => {
    stack.allow('link_lost');
    await parkedSession(here.url, '/topic/lost');
    here.signal('SIGKILL');
    await here.exited;
    await moved(stack.broker, { 'sessions{state="parked"}': 1, sessions_parked_total: 1, links: 1, links_closed_total: 1 });
    await moved(stack.broker, { 'sessions{state="parked"}': 0, sessions_expired_total: 1 });
  }, { gateways: 2 });
});

test('a body waits while its session changes hands', async () => {
  await withMetrics(CONFIG, async (stack, here, there, elsewhere) => {
    const session = await parkedSession(here.url, '/topic/slow');
    here.signal('SIGSTOP');
    const poll = session.receive(there.url);
    await settled(there.url, '/ws');
    const sending = session.sending(elsewhere.url, JSON.stringify([stompFrame('SEND', { destination: '/topic/slow' }, 'x')]));
    await moved(stack.broker, { relays_waiting_bytes: some });
    here.signal('SIGCONT');
    assert.equal(await sending.answered(), 204);
    await moved(stack.broker, { relays_waiting_bytes: 0 });
    assert.equal(await poll.answered(), 200);
    await Promise.all([sending.ended(), poll.ended()]);
  }, { gateways: 3 });
});

test('a broker that is gone, and one that is stuck, show in the link', async () => {
  await withMetrics(CONFIG, async (stack, gateway) => {
    stack.allow('link_lost', 'link_waits', 'link_failed');
    const client = await openTcp(stack);
    await client.connect();
    await client.subscribe('/topic/a');
    stack.broker.signal('SIGSTOP');
    client.send(frame('SUBSCRIBE', { id: 'b', destination: '/topic/b', receipt: 'b' }));
    await moved(gateway, { link_requests: 1 });
    const body = 'x'.repeat(60_000);
    const load = setInterval(() => client.send(frame('SEND', { destination: '/topic/none' }, body)), 2);
    await moved(gateway, { link_queued_bytes: some }).finally(() => clearInterval(load));
    stack.broker.signal('SIGCONT');
    await client.frame('RECEIPT');
    await moved(gateway, { link_requests: 0, link_queued_bytes: 0 });
    stack.broker.signal('SIGKILL');
    await stack.broker.exited;
    await moved(gateway, { ready: 0, link_up: 0, link_losses_total: 1 });
    await stack.startBroker();
    await moved(gateway, { ready: 1, link_up: 1, link_connects_total: 2 });
    await moved(stack.broker, { sessions_restored_total: 1, subscriptions: 2 });
    client.drop();
    await moved(gateway, { sessions: 0 });
  });
});

test('a gateway that is stuck shows in its lag and in the broker\'s queue', async () => {
  await withMetrics(CONFIG, async (stack, here, there) => {
    const deaf = await openTcp(stack);
    await deaf.connect();
    await deaf.subscribe('/topic/big');
    const loud = await openTcp({ stompPort: there.stompPort });
    await loud.connect();
    here.signal('SIGSTOP');
    const stoppedAt = Date.now();
    const body = 'x'.repeat(60_000);
    for (let i = 0; i < 8; i++) {
      loud.send(frame('SEND', { destination: '/topic/big' }, body));
    }
    await until('bytes in the queue', async () => {
      const found = await scrape(stack.broker);
      return Object.entries(found).some(([name, value]) => name.startsWith('sluice_broker_link_queued_bytes') && value > 0);
    });
    await until('some time', () => Date.now() > stoppedAt + 300);
    here.signal('SIGCONT');
    await deaf.frames(8);
    await moved(here, { loop_lag_seconds: (value) => value > 0.1 });
    stack.broker.signal('SIGSTOP');
    const brokerStoppedAt = Date.now();
    await until('some time', () => Date.now() > brokerStoppedAt + 300);
    stack.broker.signal('SIGCONT');
    await moved(stack.broker, { loop_lag_seconds: (value) => value > 0.1 });
    deaf.drop();
    loud.drop();
    await Promise.all([here, there].map((gateway) => moved(gateway, { sessions: 0 })));
  }, { gateways: 2 });
});

test('the past of destinations shows in its memory, and in who asked for it', async () => {
  const broker = { ...ADMIN, history_memory: '1MiB', destinations: [{ match: '/topic/past', history: { size: 10 } }] };
  const limits = { queue_size: '4MiB' };
  await withMetrics({ broker, gateway: { ...ADMIN, endpoints: ENDPOINTS, limits } }, async (stack, gateway) => {
    const client = await openTcp(stack);
    await client.connect();
    await client.subscribe('/topic/past');
    await moved(stack.broker, { history_destinations: 1, history_bytes: some });
    client.send(frame('SEND', { destination: '/topic/past', receipt: 'big' }, 'x'.repeat(1_200_000)));
    await client.frame('MESSAGE');
    assert.equal((await client.frame('RECEIPT')).header('stored'), 'false');
    await moved(stack.broker, { history_failed_total: 1 });
    client.send(frame('SEND', { destination: '/topic/past' }, 'small'));
    await client.frame('MESSAGE');
    await client.subscribe('/topic/past', 'a', { history: 5 });
    assert.equal((await client.frame('MESSAGE')).text, 'small');
    await client.subscribe('/topic/past', 'b', { since: 'x-1', history: 1 });
    await client.frame('MESSAGE');
    await moved(stack.broker, { 'recoveries_total{recovered="true"}': 1, 'recoveries_total{recovered="false"}': 1, replayed_total: 2 });
    await moved(gateway, { replayed_total: 2 });
    client.drop();
    await moved(gateway, { sessions: 0 });
  });
});

test('what is documented is told, and nothing else; each has moved', async () => {
  const rows = documented();
  assert.ok(rows.length > 60, `${rows.length} rows`);
  const expected = rows.flatMap(({ series }) => series);
  assert.deepEqual([...seen.keys()].sort(), expected.sort());
  const still = expected.filter((series) => seen.get(series).size < 2 && !(series in STILL));
  assert.deepEqual(still, [], 'series that no case has moved');
});
