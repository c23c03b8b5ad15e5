// https:// and stomps://: every transport inside TLS, what other programs' TLS makes of it, certificates by name, reload.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { promisify } from 'node:util';
import WebSocket from 'ws';
import { authority, certificates, issue, localhost } from '../lib/certificates.mjs';
import { trust, webSocketOptions } from '../lib/dial.mjs';
import { fetchOnce } from '../lib/http.mjs';
import { Program, Stack, until, withStack } from '../lib/stack.mjs';
import { openTcp, openWebSocket, withClients, frame } from '../lib/stomp.mjs';
import { ENDPOINTS, FAMILIES, Talk } from '../lib/talk.mjs';
import { test } from '../lib/test.mjs';

const SECURE = { isSecure: true };
const OPEN = { gateway: { endpoints: ENDPOINTS() } };
const run = promisify(execFile);
const TEXTS = ['one', '둘 🐟', 'x'.repeat(40_000), '"quoted" \\ \n', 'last'];
const LARGE = 'long '.repeat(200_000);

/** Answers the socket once the handshake is done; rejects with OpenSSL's code. */
function connect(port, options = {}) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', ca: authority(), servername: 'localhost', ...options }, () => resolve(socket));
    socket.on('error', reject);
  });
}

const ended = (socket) => new Promise((resolve) => socket.once('close', resolve).resume());

/** What a program says on its standard output for an input, and how it ends. */
function talkTo(file, args, input) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const said = { out: '', err: '' };
    child.stdout.on('data', (text) => (said.out += text));
    child.stderr.on('data', (text) => (said.err += text));
    child.on('close', (code) => resolve({ ...said, code }));
    child.stdin.end(input);
  });
}

for (const family of FAMILIES) {
  test(`${family}: a session's whole talk over https`, () => withStack(OPEN, async (stack) => {
    assert.match(stack.url, /^https:/);
    const talk = await new Talk('stomp', family).open(stack.url);
    for (const text of TEXTS) {
      await talk.say(stack.url, text);
    }
    await talk.hear(TEXTS.length, () => stack.url);
    talk.heardExactly(TEXTS);
    await talk.send(stack.url, [frame('DISCONNECT', { receipt: 'bye' }).toString()]);
    if (talk.stream) {
      await talk.drain(talk.stream, () => talk.closed !== null);
    } else {
      await talk.until(() => talk.closed !== null, () => stack.url);
    }
    assert.deepEqual(talk.receipts.at(-1), 'bye');
    talk.stream?.socket.destroy();
  }, SECURE));
}

test('websocket, SockJS inside it, and STOMP straight on TLS: what one says all hear', () => withStack(OPEN, (stack) =>
  withClients(stack, async (open) => {
    const clients = [await open('tcp'), await open('websocket', '/ws'), await open('xhr')];
    for (const client of clients) {
      client.send(frame('CONNECT', { 'accept-version': '1.2', host: 'x' }));
      assert.equal((await client.frame()).command, 'CONNECTED');
      client.send(frame('SUBSCRIBE', { id: '0', destination: '/topic/all', receipt: 'r' }));
      assert.equal((await client.frame()).command, 'RECEIPT');
    }
    for (const [index, text] of TEXTS.entries()) {
      clients[index % clients.length].send(frame('SEND', { destination: '/topic/all' }, text));
      for (const client of clients) {
        assert.equal((await client.frame()).text, text);
      }
    }
  }), SECURE));

test('a megabyte each way, echoed byte by byte, and many small ones in one turn', () => withStack(
  { gateway: { endpoints: ENDPOINTS({ limits: { message_size: '4MiB', queue_size: '16MiB' } }) } },
  async (stack) => {
    const socket = new WebSocket(`${stack.url.replace('http', 'ws')}/echo/websocket`, { ...webSocketOptions(stack.port), perMessageDeflate: false });
    const heard = [];
    let wake = () => {};
    socket.on('message', (data) => {
      heard.push(data.toString());
      wake();
    });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const hears = async (count) => {
      while (heard.length < count) {
        await new Promise((resolve) => (wake = resolve));
      }
    };
    socket.send(LARGE);
    await hears(1);
    assert.ok(heard[0] === LARGE, 'the long text comes back whole');
    for (let i = 0; i < 5000; i++) {
      socket.send(`number ${i}`);
    }
    await hears(5001);
    assert.deepEqual(heard.slice(1), Array.from({ length: 5000 }, (_, i) => `number ${i}`));
    socket.close();
    await new Promise((resolve) => socket.once('close', resolve));
  }, SECURE));

test('the policy: TLS 1.2 at least, http/1.1 or nothing, no static RSA, no CBC', () => withStack(OPEN, async (stack) => {
  const { port } = stack;
  const socket = await connect(port, { ALPNProtocols: ['h2', 'http/1.1'] });
  assert.equal(socket.alpnProtocol, 'http/1.1');
  assert.match(socket.getCipher().name, /GCM|CHACHA20/);
  socket.destroy();
  await assert.rejects(connect(port, { ALPNProtocols: ['h2'] }), /alert number 120|NO_APPLICATION_PROTOCOL/i);
  await assert.rejects(connect(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  for (const ciphers of ['AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA', 'ECDHE-RSA-AES256-SHA384']) {
    await assert.rejects(connect(port, { ciphers, maxVersion: 'TLSv1.2' }), undefined, ciphers);
  }
  await assert.rejects(connect(port, { ca: [] }), /unable to (verify|get)/);
}, SECURE));

test('the end is orderly: close_notify, then FIN', () => withStack(OPEN, async (stack) => {
  const socket = await connect(stack.port);
  const ends = [];
  socket.on('end', () => ends.push('end'));
  socket.write('GET /ws/info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await ended(socket);
  assert.deepEqual(ends, ['end'], 'OpenSSL calls a FIN without close_notify an error');
  const { out, err } = await talkTo('openssl', ['s_client', '-connect', `127.0.0.1:${stack.port}`, '-ign_eof', '-CAfile', path.join(certificates(), 'ca.pem')],
    'GET /ws/info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  assert.match(out, /HTTP\/1\.1 200 OK/);
  assert.doesNotMatch(err, /unexpected eof/);
}, SECURE));

test('a session is resumed by its ticket, also after a reload', () => withStack(OPEN, async (stack) => {
  const [gateway] = stack.gateways;
  const first = await connect(stack.port, { maxVersion: 'TLSv1.2' });
  assert.equal(first.isSessionReused(), false);
  const session = first.getSession();
  first.destroy();
  const again = await connect(stack.port, { maxVersion: 'TLSv1.2', session });
  assert.equal(again.isSessionReused(), true);
  again.destroy();
  gateway.signal('SIGHUP');
  await gateway.waitFor('certificates_reloaded');
  const later = await connect(stack.port, { maxVersion: 'TLSv1.2', session });
  assert.equal(later.isSessionReused(), true);
  later.destroy();
}, SECURE));

test('curl, and openssl s_client at stomps://, see what they should', () => withStack(OPEN, async (stack) => {
  const ca = path.join(certificates(), 'ca.pem');
  const { stdout } = await run('curl', ['-sS', '--cacert', ca, '-i', `https://localhost:${stack.port}/ws/info`]);
  assert.match(stdout, /^HTTP\/1\.1 200/);
  await assert.rejects(run('curl', ['-sS', `https://localhost:${stack.port}/ws/info`]), /certificate/);
  const { out } = await talkTo('openssl', ['s_client', '-quiet', '-verify_return_error', '-CAfile', ca, '-connect', `127.0.0.1:${stack.stompPort}`],
    'CONNECT\naccept-version:1.2\nhost:x\n\n\0DISCONNECT\nreceipt:bye\n\n\0');
  assert.match(out, /^CONNECTED\n[\s\S]*RECEIPT\nreceipt-id:bye\n/);
}, SECURE));

test('plain HTTP on a TLS port gets 400, other bytes the end', () => withStack(OPEN, async (stack) => {
  const plain = (port, bytes) => new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' }, () => socket.write(bytes));
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (part) => (text += part));
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
  assert.match(await plain(stack.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*\r\n\r\nThis port speaks TLS/);
  assert.equal(await plain(stack.stompPort, 'CONNECT\naccept-version:1.2\n\n\0'), '');
  for (const bytes of ['\x16\x03\x01\x00\x05hello', Buffer.from([0x16, 0x03, 0x01, 0xff, 0xff, ...Buffer.alloc(64)])]) {
    assert.match(await plain(stack.port, bytes), /^(\x15\x03[\s\S]*)?$/, 'an alert at most');
  }
}, SECURE));

test('damaged records end the connection, its session, and nothing else', () => withStack(OPEN, async (stack) => {
  const good = await openWebSocket(stack, '/ws');
  for (const damage of [Buffer.from('plain words, no record'), Buffer.from([0x17, 3, 3, 0, 32, ...Buffer.alloc(32, 7)]), Buffer.from([0x17, 3, 3, 0xff, 0xff])]) {
    const raw = net.connect({ port: stack.stompPort, host: '127.0.0.1' });
    const socket = await connect(0, { socket: raw, port: undefined, host: undefined });
    socket.on('error', () => {});
    socket.write(frame('CONNECT', { 'accept-version': '1.2', host: 'x' }));
    await new Promise((resolve) => socket.once('data', resolve));
    raw.write(damage);
    await ended(raw);
  }
  good.send(frame('CONNECT', { 'accept-version': '1.2', host: 'x' }));
  assert.equal((await good.frame()).command, 'CONNECTED');
  good.drop();
}, SECURE));

test('a handshake that is not finished ends at its deadline, one that waits for a place too', () => withStack(
  { gateway: { limits: { tls_handshakes: 1 }, timeouts: { tls_handshake: '300ms' } } },
  async (stack) => {
    const [gateway] = stack.gateways;
    const sockets = Array.from({ length: 3 }, () => net.connect({ port: stack.port, host: '127.0.0.1' }, function () {
      this.write(Buffer.from([0x16, 3, 1, 2, 0, 1]));
    }));
    sockets.forEach((socket) => socket.on('error', () => {}));
    await Promise.all(sockets.map(ended));
    assert.equal(gateway.events('tls_handshake_failed').filter(({ fields }) => fields.reason === 'timeout').length, 3);
  }, SECURE));

test('handshakes over the limit wait for a place in turn', () => withStack(
  { gateway: { limits: { tls_handshakes: 1 }, timeouts: { tls_handshake: '60s' } } },
  async (stack) => {
    const all = await Promise.all(Array.from({ length: 20 }, () => fetchOnce(stack.port, 'GET', '/ws/info')));
    assert.deepEqual(all.map(({ status }) => status), Array(20).fill(200));
  }, SECURE));

test('SNI chooses the certificate; an unknown name, or none, gets the first', async () => {
  const first = issue('first', { names: ['DNS:localhost', 'DNS:first.test'], kind: 'rsa' });
  const second = issue('second', { names: ['DNS:second.test', 'DNS:*.wild.test'] });
  const listen = ['http://127.0.0.1:0', { url: 'https://127.0.0.1:0', ...first, certificates: [second] }];
  await withStack({ gateway: { listen } }, async (stack) => {
    const port = Number(stack.gateways[0].urls.find((url) => url.startsWith('https:')).split(':').at(-1));
    const shown = async (servername) => {
      const socket = await connect(port, { servername, checkServerIdentity: () => undefined });
      const name = socket.getPeerCertificate().subject.CN;
      socket.destroy();
      return name;
    };
    assert.equal(await shown('second.test'), 'second');
    assert.equal(await shown('SECOND.test'), 'second');
    assert.equal(await shown('a.wild.test'), 'second');
    assert.equal(await shown('a.b.wild.test'), 'first');
    assert.equal(await shown('wild.test'), 'first');
    assert.equal(await shown('first.test'), 'first');
    assert.equal(await shown('unknown.test'), 'first');
    assert.equal(await shown(''), 'first');
  });
});

test('SIGHUP brings new certificates to new connections and touches no old one; bad files change nothing', async () => {
  const files = { certificate: path.join(certificates(), 'live.pem'), key: path.join(certificates(), 'live.key') };
  const use = ({ certificate, key }) => {
    copyFileSync(certificate, files.certificate);
    copyFileSync(key, files.key);
  };
  const old = issue('old');
  const fresh = issue('fresh');
  use(old);
  await withStack({ gateway: { listen: [{ url: 'https://127.0.0.1:0', ...files }, { url: 'stomps://127.0.0.1:0', ...files }] } }, async (stack) => {
    const [gateway] = stack.gateways;
    const shown = async () => {
      const socket = await connect(stack.port);
      const name = socket.getPeerCertificate().subject.CN;
      socket.destroy();
      return name;
    };
    const kept = await openTcp(stack);
    kept.send(frame('CONNECT', { 'accept-version': '1.2', host: 'x' }));
    assert.equal((await kept.frame()).command, 'CONNECTED');
    assert.equal(await shown(), 'old');

    use(fresh);
    gateway.signal('SIGHUP');
    await gateway.waitFor('certificates_reloaded');
    assert.equal(await shown(), 'fresh');

    stack.allow('certificate_unusable', 'certificates_kept');
    copyFileSync(old.key, files.key); // of another certificate
    gateway.signal('SIGHUP');
    const { fields } = await gateway.waitFor('certificate_unusable');
    assert.equal(fields.option, 'gateway.listen[0].key');
    assert.match(fields.reason, /not that of the first certificate/);
    await gateway.waitFor('certificates_kept');
    assert.equal(await shown(), 'fresh');
    writeFileSync(files.certificate, '-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n');
    gateway.signal('SIGHUP');
    await until('the second refusal', () => gateway.events('certificates_kept').length === 2);
    assert.equal(await shown(), 'fresh');

    kept.send(frame('DISCONNECT', { receipt: 'still here' }));
    assert.equal((await kept.frame()).header('receipt-id'), 'still here');
    kept.drop();
  });
});

/** Starts a gateway alone with this listener; answers its exit code and what it said. */
async function refusal(listen, change = () => {}) {
  const stack = new Stack({ gateway: { listen: [listen] } }, 0);
  change(stack);
  const gateway = new Program('gateway', stack.program('gateway'), ['--config', stack.file]);
  const { code } = await gateway.exited;
  return { code, said: gateway.lines.join('\n') };
}

test('files that are no use end the start with exit code 2 and say which option and why', async () => {
  const good = localhost();
  const weak = issue('weak', { kind: 'weak' });
  const edwards = issue('edwards', { kind: 'ed25519' });
  const other = issue('other');
  const empty = path.join(certificates(), 'empty.pem');
  writeFileSync(empty, '');
  const cases = [
    [{ certificate: '/nowhere.pem' }, /gateway\.listen\[0\]\.certificate file=\/nowhere\.pem reason="cannot be read: No such file/],
    [{ certificate: empty }, /\.certificate file=.*reason="is empty"/],
    [{ certificate: good.key }, /\.certificate file=.*expected certificates in PEM/],
    [{ certificate: good.certificate, key: good.certificate }, /\.key file=.*expected a private key in PEM/],
    [{ certificate: good.certificate, key: other.key }, /\.key file=.*not that of the first certificate/],
    [{ certificate: weak.certificate, key: weak.key }, /\.key file=.*1024 bits, expected 2048/],
    [{ certificate: edwards.certificate, key: edwards.key }, /\.(certificate|key) file=/],
    [{ ...good, certificates: [{ certificate: good.certificate, key: other.key }] }, /gateway\.listen\[0\]\.certificates\[0\]\.key file=/],
  ];
  for (const [identity, expected] of cases) {
    const { code, said } = await refusal({ url: 'https://127.0.0.1:0', ...identity });
    assert.equal(code, 2, said);
    assert.match(said, expected);
    assert.doesNotMatch(said, /Sanitizer/);
  }
});

test('options that do not fit each other are told with their paths', async () => {
  const good = localhost();
  const cases = [
    ['https://127.0.0.1:0', /gateway\.listen\[0\]\.certificate: expected a PEM file, or key_store/],
    [{ url: 'http://127.0.0.1:0', ...good }, /gateway\.listen\[0\]\.url: expected https:\/\/ or stomps:\/\//],
    [{ url: 'stomps://127.0.0.1:0', key: good.key }, /gateway\.listen\[0\]\.certificate: expected a PEM file/],
    [{ url: 'https://127.0.0.1:0', ...good, key_store: 'a.p12' }, /gateway\.listen\[0\]\.key_store: expected either/],
    [{ url: 'https://127.0.0.1:0', ...good, key_alias: 'a' }, /gateway\.listen\[0\]\.key_alias: expected key_store/],
    [{ url: 'https://127.0.0.1:0', ...good, key_store_password_file: 'a' }, /gateway\.listen\[0\]\.key_store_password_file: expected key_store/],
    [{ url: 'https://127.0.0.1:0', ...good, certificates: [{}] }, /gateway\.listen\[0\]\.certificates\[0\]\.certificate: expected/],
    [{ url: 'wss://127.0.0.1:0' }, /expected https:\/\/, on which WebSocket is served too/],
  ];
  for (const [listen, expected] of cases) {
    const { code, said } = await refusal(listen);
    assert.equal(code, 2, said);
    assert.match(said, expected);
  }
});

test('an encrypted key opens with the password of its file, and with no other', async () => {
  const { certificate, key } = localhost();
  const folder = certificates();
  const encrypted = path.join(folder, 'encrypted.key');
  await run('openssl', ['ec', '-in', key, '-aes256', '-passout', 'pass:geheim', '-out', encrypted]);
  const listen = { url: 'https://127.0.0.1:0', certificate, key: encrypted };
  const said = async (password) => {
    const file = path.join(folder, 'key.password');
    writeFileSync(file, password);
    return refusal({ ...listen, key_password_file: file });
  };
  assert.match((await refusal(listen)).said, /\.key file=.*expected key_password_file/);
  assert.match((await said('wrong\n')).said, /\.key file=.*password in key_password_file is wrong/);
  writeFileSync(path.join(folder, 'key.password'), 'geheim\n');
  await withStack({ gateway: { listen: [{ ...listen, key_password_file: path.join(folder, 'key.password') }] } }, async (stack) => {
    assert.equal((await fetchOnce(stack.port, 'GET', '/ws/info')).status, 200);
  });
});

test('a page at https is of its own origin only as https', () => withStack(
  { gateway: { endpoints: [{ path: '/ws', sockjs: true }] } }, async (stack) => {
    const of = async (Origin) => (await fetchOnce(stack.port, 'GET', '/ws/info', { headers: { Host: 'page.test:8443', Origin } })).status;
    assert.equal(await of('https://page.test:8443'), 200);
    assert.equal(await of('http://page.test:8443'), 403);
    assert.equal(await of('https://page.test'), 403);
  }, SECURE));

/** Does the tool exist here? */
const has = (tool) => run(tool, ['--help']).then(() => true, ({ code }) => code !== 'ENOENT');

/** Key stores as they are made in the field: [name, make(path), extra options, the certificate's name]. */
async function makeKeyStores() {
  const { certificate, key } = issue('store', { names: ['DNS:localhost', 'DNS:store.test'] });
  const pass = ['-passout', 'pass:geheim'];
  const p12 = (name) => path.join(certificates(), `${name}.p12`);
  const chain = ['-export', '-in', certificate, '-inkey', key, '-certfile', path.join(certificates(), 'ca.pem')];
  await run('openssl', ['pkcs12', ...chain, ...pass, '-name', 'site', '-out', p12('openssl')]);
  await run('openssl', ['pkcs12', ...chain, ...pass, '-legacy', '-name', 'site', '-out', p12('legacy')]);
  await run('openssl', ['pkcs12', ...chain, '-passout', 'pass:', '-out', p12('empty')]);
  const stores = [
    [p12('openssl'), {}, 'store'], [p12('openssl'), { key_alias: 'site' }, 'store'], [p12('legacy'), {}, 'store'],
    [p12('empty'), { key_store_password_file: undefined }, 'store'],
  ];
  if (await has('keytool')) {
    for (const [name, flags] of [['keytool', []], ['keytool-old', ['-J-Dkeystore.pkcs12.legacy']]]) {
      for (const alias of ['one', 'two']) {
        await run('keytool', [...flags, '-genkeypair', '-alias', alias, '-keyalg', 'RSA', '-keysize', '2048', '-storetype', 'PKCS12',
          '-keystore', p12(name), '-storepass', 'geheim', '-dname', `CN=${alias}`, '-ext', 'san=dns:localhost']);
        stores.push([p12(name), { key_alias: alias }, alias]);
      }
    }
  }
  return stores;
}

let made = null;
const keyStores = () => (made ??= makeKeyStores());

test('key stores of OpenSSL and keytool, old and new, are served by their alias', async () => {
  const password = path.join(certificates(), 'p12.password');
  writeFileSync(password, 'geheim\n');
  const stores = await keyStores();
  const listen = stores.map(([key_store, options]) => ({ url: 'https://127.0.0.1:0', key_store, key_store_password_file: password, ...options }));
  await withStack({ gateway: { listen } }, async (stack) => {
    for (const [index, [file, , name]] of stores.entries()) {
      const port = Number(stack.gateways[0].urls[index].split(':').at(-1));
      const socket = await connect(port, { rejectUnauthorized: false });
      const shown = socket.getPeerCertificate(true);
      assert.equal(shown.subject.CN, name, file);
      assert.equal(socket.authorized, name === 'store', 'with the CA of the store behind it');
      socket.destroy();
    }
  });
});

test('key stores that are no use end the start with exit code 2 and say why', async () => {
  const stores = await keyStores();
  const password = path.join(certificates(), 'p12.password');
  const wrong = path.join(certificates(), 'wrong.password');
  const damaged = path.join(certificates(), 'damaged.p12');
  const empty = path.join(certificates(), 'nothing.p12');
  writeFileSync(password, 'geheim\n');
  writeFileSync(wrong, 'falsch\n');
  writeFileSync(empty, '');
  const bytes = readFileSync(stores[0][0]);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(damaged, bytes);
  const [[good]] = stores;
  const cases = [
    [{ key_store: good, key_store_password_file: wrong }, /key_store file=.*password is wrong, or the file is damaged/],
    [{ key_store: good }, /key_store file=.*password is wrong, or the file is damaged/],
    [{ key_store: damaged, key_store_password_file: password }, /key_store file=.*password is wrong, or the file is damaged/],
    [{ key_store: empty, key_store_password_file: password }, /key_store file=.*is empty/],
    [{ key_store: '/nowhere.p12' }, /key_store file=.*cannot be read/],
    [{ key_store: good, key_store_password_file: '/nowhere' }, /key_store_password_file file=.*cannot be read/],
    [{ key_store: localhost().certificate }, /key_store file=.*expected a PKCS#12 file in DER/],
    [{ key_store: good, key_store_password_file: password, key_alias: 'other' }, /key_alias file=.*there are: site/],
    ...stores.length > 4 ? [[{ key_store: stores[4][0], key_store_password_file: password }, /key_alias file=.*expected one of several keys: one, two/]] : [],
  ];
  for (const [identity, expected] of cases) {
    const { code, said } = await refusal({ url: 'https://127.0.0.1:0', ...identity });
    assert.equal(code, 2, said);
    assert.match(said, expected);
    assert.doesNotMatch(said, /Sanitizer/);
  }
});
