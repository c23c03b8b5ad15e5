// A broker and its gateways as real processes, and what must hold when they end.
//
//   const stack = await startStack({ gateway: { endpoints: [...] } });
//   ... stack.url, stack.stompPort, stack.gateways[0].stats() ...
//   await stack.stop();
//
// stop() waits until every client is gone (descriptors back to their number at the start), ends both programs by
// SIGTERM, and asserts: exit code 0, no sanitizer report, no log line of level warn or error but the allowed ones,
// everything opened was closed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { authority, localhost } from './certificates.mjs';
import { distrust, trust } from './dial.mjs';
import { buildDir, lastly } from './test.mjs';

const SANITIZER = /AddressSanitizer|LeakSanitizer|runtime error:|UndefinedBehavior|Assertion .* failed/;
const PAIRS = [
  ['connections_accepted', 'connections_closed'],
  ['sessions_opened', 'sessions_closed'],
  ['subscriptions_opened', 'subscriptions_closed'],
];

/** Resolves when `check` answers something true; looks again each 20 ms, gives up after `limitMs`. */
export async function until(what, check, limitMs = 30_000) {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const value = await check();
    if (value) {
      return value;
    }
    assert.ok(Date.now() < deadline, `waited ${limitMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** key=value pairs of one text log line. */
export function parseLine(line) {
  const [level, event, ...rest] = line.split(' ');
  const fields = {};
  for (const match of rest.join(' ').matchAll(/([a-z_0-9]+)=("(?:[^"\\]|\\.)*"|\S*)/g)) {
    fields[match[1]] = match[2].replace(/^"|"$/g, '');
  }
  return { level, event, fields, line };
}

export class Program {
  constructor(name, file, args, env = {}) {
    this.name = name;
    this.lines = [];
    this.exit = null;
    this.waiters = new Set();
    this.child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, UBSAN_OPTIONS: 'print_stacktrace=1', ...env },
    });
    this.exited = new Promise((resolve) => {
      this.child.on('exit', (code, signal) => {
        this.exit = { code, signal };
        this.changed();
        resolve(this.exit);
      });
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        const parts = (rest + text).split('\n');
        rest = parts.pop();
        this.lines.push(...parts);
        this.changed();
      });
    }
  }

  changed() {
    for (const check of this.waiters) {
      check();
    }
  }

  /** The first line for which `match` (a function of the parsed line, or an event's name) is true. */
  waitFor(match, limitMs = 30_000) {
    const test = typeof match === 'string' ? (entry) => entry.event === match : match;
    return new Promise((resolve, reject) => {
      let seen = 0;
      const timer = setTimeout(() => finish(new Error(`${this.name}: no line for ${match}\n${this.tail()}`)), limitMs);
      const finish = (error, value) => {
        clearTimeout(timer);
        this.waiters.delete(check);
        error ? reject(error) : resolve(value);
      };
      const check = () => {
        for (; seen < this.lines.length; seen++) {
          const entry = parseLine(this.lines[seen]);
          if (test(entry)) {
            return finish(null, entry);
          }
        }
        if (this.exit !== null) {
          finish(new Error(`${this.name} ended (${JSON.stringify(this.exit)})\n${this.tail()}`));
        }
      };
      this.waiters.add(check);
      check();
    });
  }

  events(event) {
    return this.lines.map(parseLine).filter((entry) => entry.event === event);
  }

  tail(count = 15) {
    return this.lines.slice(-count).join('\n');
  }

  descriptors() {
    return readdirSync(`/proc/${this.child.pid}/fd`).length;
  }

  signal(name) {
    this.child.kill(name);
  }

  async assertEnded(allowed) {
    const { code, signal } = await this.exited;
    const reports = this.lines.filter((line) => SANITIZER.test(line));
    assert.deepEqual(reports, [], `${this.name}: sanitizer report\n${this.tail(60)}`);
    assert.equal(`${code} ${signal}`, '0 null', `${this.name} exits 0\n${this.tail()}`);
    const loud = this.lines
      .map(parseLine)
      .filter(({ level, line }) => (level === 'warn' || level === 'error') && !allowed.some((part) => line.includes(part)));
    assert.deepEqual(loud.map(({ line }) => line), [], `${this.name}: unexpected log lines`);
  }
}

const merge = (base, over) => {
  const result = { ...base };
  for (const [key, value] of Object.entries(over ?? {})) {
    const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
    result[key] = isObject ? merge(base[key] ?? {}, value) : value;
  }
  return result;
};

const portOf = (url) => Number(url?.split(':').at(-1));

/** SLUICE_TLS=1 runs any suite over TLS. */
function secured(listens) {
  const urlOf = (listen) => listen.url ?? listen;
  return listens.map((listen) => /^(http|stomp):/.test(urlOf(listen))
    ? { ...(listen.url ? listen : {}), url: urlOf(listen).replace(':', 's:'), ...localhost() }
    : listen);
}

const DEFAULTS = {
  log: { level: 'info' },
  broker: {},
  gateway: {
    listen: ['http://127.0.0.1:0', 'stomp://127.0.0.1:0'],
    endpoints: [
      { path: '/ws', sockjs: true, allowed_origins: ['*'] },
      { path: '/stomp', sockjs: false, allowed_origins: ['*'] },
    ],
    auth: { anonymous: true },
  },
};

export class Stack {
  constructor(config, gateways = 1, isSecure = false) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'sluice-test-'));
    this.config = merge(DEFAULTS, merge(config, { broker: { socket: path.join(this.folder, 'broker.sock') } }));
    if (isSecure || process.env.SLUICE_TLS) {
      this.config.gateway.listen = secured(this.config.gateway.listen);
    }
    this.file = path.join(this.folder, 'sluice.json');
    writeFileSync(this.file, JSON.stringify(this.config, null, 2));
    this.gatewayCount = gateways;
    this.gateways = [];
    // DEFAULTS do the first; many clients at once the second.
    this.allowed = ['lets pages of every origin connect', 'log_suppressed of=session_'];
  }

  program(name) {
    return path.join(buildDir(), name, `sluice-${name}`);
  }

  startBroker() {
    this.broker = new Program('broker', this.program('broker'), ['--config', this.file]);
    return this.broker.waitFor('broker_ready');
  }

  async startGateway(extra = []) {
    const gateway = new Program(`gateway${this.gateways.length + 1}`, this.program('gateway'), ['--config', this.file, ...extra]);
    this.gateways.push(gateway);
    await gateway.waitFor('gateway_ready');
    await gateway.waitFor('link_up');
    const urls = gateway.events('listening').map(({ fields }) => fields.url.replace(/\/$/, ''));
    gateway.urls = urls;
    gateway.url = urls.find((url) => /^https?:/.test(url));
    gateway.stompPort = portOf(urls.find((url) => /^stomps?:/.test(url)));
    for (const url of urls) {
      /^(https|stomps):/.test(url) ? trust(portOf(url), authority()) : distrust(portOf(url));
    }
    gateway.idle = gateway.descriptors();
    return gateway;
  }

  get url() {
    return this.gateways[0].url;
  }

  get urls() {
    return this.gateways.map(({ url }) => url);
  }

  get port() {
    return Number(this.url.split(':').at(-1));
  }

  get stompPort() {
    return this.gateways[0].stompPort;
  }

  /** Log lines of level warn and error that contain `part` are expected. */
  allow(...parts) {
    this.allowed.push(...parts);
  }

  async stop() {
    for (const gateway of this.gateways.filter(({ exit }) => exit !== null)) {
      assert.doesNotMatch(gateway.lines.join('\n'), SANITIZER, `${gateway.name} had ended: sanitizer report\n${gateway.tail(60)}`);
    }
    for (const gateway of this.gateways.filter(({ exit }) => exit === null)) {
      await until(`${gateway.name} to close its connections`, () => gateway.descriptors() <= gateway.idle);
      gateway.signal('SIGTERM');
      const { fields } = await gateway.waitFor('gateway_stopped');
      gateway.stats = Object.fromEntries(Object.entries(fields).map(([name, count]) => [name, Number(count)]));
      for (const [opened, closed] of PAIRS) {
        assert.equal(fields[opened], fields[closed], `${gateway.name}: ${opened} and ${closed}\n${gateway.tail()}`);
      }
      await gateway.assertEnded(this.allowed);
    }
    this.broker.signal('SIGTERM');
    await this.broker.assertEnded(this.allowed);
    rmSync(this.folder, { recursive: true });
  }

  /** Ends one gateway by SIGTERM while it serves, and asserts that it ends well. Answers its last line's fields. */
  async drain(gateway) {
    gateway.signal('SIGTERM');
    const { fields } = await gateway.waitFor('gateway_stopped');
    await gateway.assertEnded(this.allowed);
    return fields;
  }

  /** Takes the broker away without a word; startBroker() brings another. */
  async killBroker() {
    this.broker.signal('SIGKILL');
    await this.broker.exited;
  }

  /** For a case that failed: nothing is asserted, nothing is left running. */
  kill() {
    for (const program of [...this.gateways, this.broker]) {
      if (program && program.exit === null) {
        program.signal('SIGKILL');
      }
    }
  }
}

/** `isSecure`: every listener speaks TLS. */
export async function startStack(config = {}, { gateways = 1, args = [], isSecure = false } = {}) {
  const stack = new Stack(config, gateways, isSecure);
  try {
    await stack.startBroker();
    for (let i = 0; i < gateways; i++) {
      await stack.startGateway(args);
    }
  } catch (error) {
    stack.kill();
    throw error;
  }
  return stack;
}

/** Starts a stack, runs `body(stack)`, asserts the end's invariants and answers the stack (its gateways have `stats` by
 * then); kills it if the body fails. */
export async function withStack(config, body, options) {
  const stack = await startStack(config, options);
  try {
    await body(stack);
    await stack.stop();
    return stack;
  } catch (error) {
    for (const program of [...stack.gateways, stack.broker]) {
      error.stack += `\n--- ${program?.name} log ---\n${program?.tail(25)}`;
    }
    stack.kill();
    throw error;
  }
}

/** One stack for the cases of a file: the first that calls the answer starts it, what must hold at the end is the last. */
export function sharedStack(config, options) {
  let started = null;
  lastly('the programs end cleanly', async () => {
    const stack = await started;
    process.off('exit', stack.killer);
    try {
      await stack.stop();
    } catch (error) {
      error.message += `\n--- gateway log ---\n${stack.gateways[0]?.tail(25)}`;
      stack.kill();
      throw error;
    }
  });
  return () => {
    started ??= startStack(config, options).then((stack) => {
      stack.killer = () => stack.kill();
      process.on('exit', stack.killer);
      return stack;
    });
    return started;
  };
}
