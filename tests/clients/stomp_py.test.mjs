// python3-stomp of Debian over TCP and TLS: stomp_py.py is the program, one run a version.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from '../lib/test.mjs';
import { certificates } from '../lib/certificates.mjs';
import { sharedStack } from '../lib/stack.mjs';

const PYTHON = '/usr/bin/python3'; // Debian's own, where the package is
const program = path.join(path.dirname(fileURLToPath(import.meta.url)), 'stomp_py.py');
const CONFIG = { gateway: { heartbeat: { send: '500ms', receive: '500ms' } } };
const stack = sharedStack(CONFIG);
const secure = sharedStack(CONFIG, { isSecure: true });

for (const version of ['1.0', '1.1', '1.2']) {
  test(`STOMP ${version}: connect, subscribe, send, receive, receipts, heart-beats, disconnect`, async () => {
    const { stompPort } = await stack();
    const { stdout } = await promisify(execFile)(PYTHON, [program, String(stompPort), version], { timeout: 60_000 });
    assert.equal(stdout.trim(), 'done');
  });
  test(`STOMP ${version} over TLS: the same`, async () => {
    const { stompPort } = await secure();
    const ca = path.join(certificates(), 'ca.pem');
    const { stdout } = await promisify(execFile)(PYTHON, [program, String(stompPort), version, ca], { timeout: 60_000 });
    assert.equal(stdout.trim(), 'done');
  });
}
